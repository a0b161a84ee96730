// Owns the start of the buyer's page: one event when the address names one, else the list of events.
//
// Modules: shown, a promise of what is on the page, for tests and the console.

import { showEvent } from "./event.js";
import { showEvents } from "../choosing/events.js";

const id = new URLSearchParams(location.search).get("event");

export const shown = id ? showEvent(id) : showEvents();
