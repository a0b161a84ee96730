// Owns the question before an action that is hard to undo.
//
// Modules: confirm({title, text, button}) -> a promise of yes (true) or no.

import { byId } from "./dom.js";

/**
 * Ask, with the focus on no; whether the answer is yes.
 *
 * @param {{title: string, text: string, button: string}} question
 * @returns {Promise<boolean>}
 */
export function confirm({ title, text, button }) {
  const dialog = byId("confirm", "dialog");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  byId("confirm-yes").textContent = button;
  return new Promise((resolve) => {
    let answer = false;
    byId("confirm-yes").onclick = () => {
      answer = true;
      dialog.close();
    };
    byId("confirm-no", "button").onclick = () => dialog.close();
    dialog.onclose = () => resolve(answer);
    dialog.showModal();
    byId("confirm-no").focus();
  });
}
