// Owns the page that has one thing to say instead of a map: what is wrong and where to go from here.
//
// Modules: showMessage({title, text, actions: [{label, run | href}]}), setView(name).

import { byId, make } from "./dom.js";

const VIEWS = ["events", "message", "event"];

/** Show one of the views; a message keeps the head. */
export function setView(name) {
  document.body.dataset.view = name;
  for (const view of VIEWS) byId(`${view}-view`).hidden = view !== name;
}

export function showMessage({ title, text, actions = [] }) {
  byId("message-title").textContent = title;
  byId("message-text").textContent = text;
  byId("message-actions").replaceChildren(...actions.map(({ label, run, href }, at) => {
    const button = make("button", { type: "button", className: at ? "" : "primary", textContent: label });
    button.addEventListener("click", run ?? (() => location.assign(href)));
    return button;
  }));
  setView("message");
}
