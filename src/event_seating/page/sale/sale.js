// Owns whether a buyer may choose seats at a time, by the event's status and dates, and if not, why and until
// when. Pure; the time is an argument.
//
// Modules: saleOf(event, now) -> {kind, open, sentence, until, chip, tone}; forHolder(sale).

import { clock, moment } from "../ui/times.js";

/** @import { EventBody } from "../net/api.js" */

/**
 * @typedef {object} Sale
 * @property {string} kind
 * @property {boolean} open
 * @property {string} sentence
 * @property {number | null} until
 * @property {string} chip
 * @property {string} tone
 */

/**
 * How the event sells at a time (ms since 1970); `until` is when that changes by itself, or null.
 *
 * @param {EventBody} event
 * @param {number} now
 * @returns {Sale}
 */
export function saleOf(event, now) {
  const start = Date.parse(event.salesStart ?? "") || 0;
  const end = Date.parse(event.salesEnd ?? event.startsAt) || Infinity;
  if (event.status === "cancelled") {
    return closed("cancelled", "This event is cancelled.", "Cancelled", "bad");
  }
  if (event.status === "paused") {
    return closed(
      "paused",
      "The sale is paused. It goes on here by itself; seats that you hold stay yours until their time is up.",
      "Paused",
      "warning",
    );
  }
  if (event.status !== "on_sale") {
    return closed("closed", "The sale is closed.", "Sale closed", "warning");
  }
  if (now < start) {
    const left = start - now;
    const soon = left < 86_400_000 ? ` That is in ${clock(left)}.` : "";
    return {
      kind: "soon",
      open: false,
      sentence: `The sale starts on ${moment(event.salesStart, event.timeZone)}.${soon}`,
      until: start,
      chip: "Not on sale yet",
      tone: "",
    };
  }
  if (now >= end) return closed("over", "The sale of this event is over.", "Sale over", "warning");
  return { kind: "on_sale", open: true, sentence: "", until: end, chip: "", tone: "" };
}

/**
 * The sentence for a buyer who holds seats while no one may choose more.
 *
 * @param {Sale} sale
 */
export function forHolder({ kind, sentence }) {
  const stays = kind === "closed" || kind === "over";
  return stays
    ? `${sentence} The seats that you hold stay yours until their time is up, and can still be booked.`
    : sentence;
}

/**
 * @param {string} kind
 * @param {string} sentence
 * @param {string} chip
 * @param {string} tone
 * @returns {Sale}
 */
function closed(kind, sentence, chip, tone) {
  return { kind, open: false, sentence, until: null, chip, tone };
}
