// Owns the start: one event when the address names one, else all of them.
//
// Modules: shown, a promise of what is on the page; whoever imports this module again (a test, the
// console) finds the same one.

import { showEvent } from "./event.js";
import { showEvents } from "../choosing/events.js";

const id = new URLSearchParams(location.search).get("event");

export const shown = id ? showEvent(id) : showEvents();
