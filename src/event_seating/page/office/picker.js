// Owns the choice of the event in the head of the page.
//
// Modules: fillPicker(id), nameInPicker(event).

import { get, serverNow } from "../net/api.js";
import { byId, make } from "../ui/dom.js";
import { day } from "../ui/times.js";

/** @import { Answer, EventBody, Page } from "../net/api.js" */

// Bookings are looked up for a while after an event.
const LOOK_BACK_MS = 90 * 86_400_000;
// One answer of the server; who has more goes by the list of all events.
const EVENTS_MAX = 200;

/**
 * Offer the events; `id` is the one that is shown, if any.
 *
 * @param {string | null} id
 */
export async function fillPicker(id) {
  const select = byId("picker");
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
    // The page itself says what is wrong with the server.
  }
}

/**
 * Make sure that this event is among them, and shown.
 *
 * @param {EventBody} event
 */
export function nameInPicker(event) {
  if (!optionOf(event.id)) byId("picker").append(option(event));
  byId("picker").value = event.id;
}

/** @param {EventBody} event */
function option(event) {
  const when = day(event.startsAt, event.timeZone);
  return make("option", { value: event.id, textContent: `${event.name} · ${when.day} ${when.month}` });
}

/** @param {string} id */
function optionOf(id) {
  return [...byId("picker").options].find(({ value }) => value === id);
}
