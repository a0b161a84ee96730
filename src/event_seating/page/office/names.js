// Owns the words for a status and for what happened, as the box office says them, and how several seats
// read together.
//
// Modules: statusName(status), happened(operation), seatsText(seats, model), ticketsText(n),
// typeText(tariff, type).

import { listed } from "../sale/reasons.js";
import { BLOCKED, BOOKED, FREE, HELD } from "../map/seats.js";

/** @import { SeatModel } from "../map/model.js" */
/** @import { Tariff } from "../sale/tariff.js" */

/** @type {Record<number, string>} */
const STATUS_NAMES = { [FREE]: "available", [HELD]: "held", [BOOKED]: "booked", [BLOCKED]: "blocked" };

/** @type {Record<string, string>} */
const HAPPENED = {
  hold: "held",
  change: "hold changed",
  extend: "hold extended",
  release: "given back",
  expire: "hold ran out",
  book: "booked",
  cancel: "cancelled",
  exchange: "exchanged",
  block: "blocked",
  unblock: "released",
};

const NAMED_MAX = 6;

/**
 * @param {number} status
 * @returns {string}
 */
export function statusName(status) {
  return STATUS_NAMES[status] ?? "not available";
}

/**
 * @param {string} operation
 * @returns {string}
 */
export function happened(operation) {
  return HAPPENED[operation] ?? operation;
}

/**
 * What a ticket type is called, and that it is none for buyers.
 *
 * @param {Tariff} tariff
 * @param {string} type
 * @returns {string}
 */
export function typeText(tariff, type) {
  return tariff.isStaff(type) ? `${tariff.label(type)} (staff)` : tariff.label(type);
}

/** @param {number} count */
export function ticketsText(count) {
  return `${count.toLocaleString()} ${count === 1 ? "ticket" : "tickets"}`;
}

/** @param {number} count */
export function seatsWord(count) {
  return `${count.toLocaleString()} ${count === 1 ? "seat" : "seats"}`;
}

/**
 * `Lower A, row 3, seats 4, 5` and so on; of many the first and how many more.
 *
 * @param {number[]} seats
 * @param {SeatModel} model
 * @returns {string}
 */
export function seatsText(seats, model) {
  if (seats.length <= NAMED_MAX) return listed(seats, model);
  return `${listed(seats.slice(0, NAMED_MAX), model)} and ${(seats.length - NAMED_MAX).toLocaleString()} more`;
}
