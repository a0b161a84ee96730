// Owns the one message over the map that answers something the reader did: a sentence, and the choices
// that would do.
//
// Modules: notify(sentence, actions = [{label, run}]), unnotify().

import { sayNow } from "./announce.js";
import { byId, make } from "./dom.js";

/** @typedef {{label: string, run: () => unknown}} Choice */

// Long enough to read twice; one with a choice stays until it is closed.
const SHOWN_MS = 9_000;

let timer = 0;

/**
 * @param {string} sentence
 * @param {Choice[]} [actions]
 */
export function notify(sentence, actions = []) {
  clearTimeout(timer);
  const box = byId("notice");
  byId("notice-text").textContent = sentence;
  byId("notice-actions").replaceChildren(...actions.map(({ label, run }) => {
    const button = make("button", { type: "button", textContent: label });
    button.addEventListener("click", () => {
      unnotify();
      run();
    });
    return button;
  }));
  byId("notice-close").onclick = unnotify;
  box.hidden = false;
  sayNow([sentence, ...actions.map(({ label }) => `${label}?`)].join(" "));
  if (!actions.length) timer = setTimeout(unnotify, SHOWN_MS);
}

export function unnotify() {
  clearTimeout(timer);
  byId("notice").hidden = true;
}
