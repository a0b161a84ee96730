// Owns the live regions, which screen readers read aloud when they change.
//
// Modules: say(text) in turn, sayNow(text) at once.

import { byId } from "./dom.js";

// A screen reader skips a text that replaces another one in the same moment.
const AFTER_MS = 60;

/**
 * Read the text aloud after what is being read.
 *
 * @param {string} text
 */
export function say(text) {
  put(byId("polite"), text);
}

/**
 * Read the text aloud at once, in place of what is being read.
 *
 * @param {string} text
 */
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
