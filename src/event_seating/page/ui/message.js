// Owns the message in place of the map: what is wrong and where to go from here; and which of the page's
// views is shown.
//
// Modules: showMessage({title, text, actions: [{label, run | href}]}), setView(name).

import { byId, make } from "./dom.js";

/** @typedef {"events" | "message" | "event"} View */

/**
 * A button: it runs a function, or opens an address.
 *
 * @typedef {{label: string, run?: () => unknown, href?: string}} Action
 */

const VIEWS = /** @type {const} */ (["events", "message", "event"]);

/**
 * Show one of the views; the head of the page stays.
 *
 * @param {View} name
 */
export function setView(name) {
  document.body.dataset.view = name;
  for (const view of VIEWS) byId(`${view}-view`).hidden = view !== name;
}

/**
 * Show a message with buttons; the first button is the primary one.
 *
 * @param {{title: string, text: string, actions?: Action[]}} message
 */
export function showMessage({ title, text, actions = [] }) {
  byId("message-title").textContent = title;
  byId("message-text").textContent = text;
  byId("message-actions").replaceChildren(...actions.map(({ label, run, href }, at) => {
    const button = make("button", { type: "button", className: at ? "" : "primary", textContent: label });
    button.addEventListener("click", run ?? (() => location.assign(/** @type {string} */ (href))));
    return button;
  }));
  setView("message");
}
