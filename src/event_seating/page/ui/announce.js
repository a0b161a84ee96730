// Owns what is said to those who do not see the page change.
//
// Modules: say(text) when there is time, sayNow(text) when there is none.

import { byId } from "./dom.js";

// A text that is put in place at once after another is not read.
const AFTER_MS = 60;

/** @param {string} text */
export function say(text) {
  put(byId("polite"), text);
}

/** @param {string} text */
export function sayNow(text) {
  put(byId("assertive"), text);
}

/**
 * @param {HTMLElement} region
 * @param {string} text
 */
function put(region, text) {
  region.textContent = "";
  setTimeout(() => {
    region.textContent = text;
  }, AFTER_MS);
}
