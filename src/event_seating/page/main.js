// Owns the start: one event when the address names one, else all of them.

import { showEvent } from "./event.js";
import { showEvents } from "./events.js";

const id = new URLSearchParams(location.search).get("event");

if (id) showEvent(id);
else showEvents();
