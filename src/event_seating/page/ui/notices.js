// Owns the notice over the map that answers something the reader did: a sentence, and buttons for what would
// work instead.
//
// Modules: notify(sentence, actions = [{label, run}]), clearNotice().

import { sayNow } from "./announce.js";
import { byId, make } from "./dom.js";

/** @typedef {{label: string, run: () => unknown}} Choice */

// Long enough to read twice; a notice with buttons stays until it is closed.
const SHOWN_MS = 9_000;

let timer = 0;

/**
 * Show a notice in place of the last one, and read it aloud.
 *
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
      clearNotice();
      run();
    });
    return button;
  }));
  byId("notice-close").onclick = clearNotice;
  box.hidden = false;
  sayNow([sentence, ...actions.map(({ label }) => `${label}?`)].join(" "));
  if (!actions.length) timer = setTimeout(clearNotice, SHOWN_MS);
}

/** Hide the notice. */
export function clearNotice() {
  clearTimeout(timer);
  byId("notice").hidden = true;
}
