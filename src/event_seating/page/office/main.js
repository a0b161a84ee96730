// Owns the start of the box office's page: first a key where one is needed, then one event when the
// address names one, else all of them to choose from.
//
// Modules: shown, a promise of what is on the page, for tests and the console.

import { showEvents } from "../choosing/events.js";
import { keyReady } from "./key.js";
import { showOffice } from "./office.js";
import { fillPicker } from "./picker.js";

const id = new URLSearchParams(location.search).get("event");

export const shown = start();

async function start() {
  await keyReady();
  fillPicker(id);
  return id ? showOffice(id) : showEvents("/box-office");
}
