// Owns the choice of the event in the head of the page.
//
// Modules: fillPicker(id), nameInPicker(event).

import { get, serverNow } from "../net/api.js";
import { byId, make } from "../ui/dom.js";
import { day } from "../ui/times.js";

/** @import { Answer, EventBody, Page } from "../net/api.js" */

// Past events are offered this long, since bookings are still looked up.
const LOOK_BACK_MS = 90 * 86_400_000;
// The events in one answer of the server; the list of events has all.
const EVENTS_MAX = 200;

/**
 * Fill the choice of events; `id` is the one that is shown, if any.
 *
 * @param {string | null} id
 */
export async function fillPicker(id) {
  const select = byId("picker", "select");
  select.addEventListener("change", () => {
    if (select.value) location.assign(`/box-office?event=${encodeURIComponent(select.value)}`);
  });
  try {
    const from = new Date(serverNow() - LOOK_BACK_MS).toISOString();
    const { items } =
      /** @type {Answer<Page<EventBody>>} */ (await get(`/events?limit=${EVENTS_MAX}&from=${from}`)).body;
    select.append(...items.filter((event) => !optionOf(event.id)).map(option));
    if (id && optionOf(id)) select.value = id;
  } catch {
    // The page shows what is wrong with the server.
  }
}

/**
 * Select this event, and add it when it is not among the choices.
 *
 * @param {EventBody} event
 */
export function nameInPicker(event) {
  if (!optionOf(event.id)) byId("picker").append(option(event));
  byId("picker", "select").value = event.id;
}

/** @param {EventBody} event */
function option(event) {
  const when = day(event.startsAt, event.timeZone);
  return make("option", { value: event.id, textContent: `${event.name} · ${when.day} ${when.month}` });
}

/** @param {string} id */
function optionOf(id) {
  return [...byId("picker", "select").options].find(({ value }) => value === id);
}
