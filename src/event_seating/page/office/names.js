// Owns the words for a status and for what happened, as the box office says them, what the pointer is at,
// and how several seats read together.
//
// Modules: statusName(status), operationName(operation), hoverWords(hover, about), seatsText(seats, model),
// ticketsText(n), typeText(tariff, type).

import { listed } from "../sale/reasons.js";
import { BLOCKED, BOOKED, FREE, HELD } from "../map/seats.js";

/** @import { SeatModel } from "../map/model.js" */
/** @import { Seats } from "../map/seats.js" */
/** @import { Hover } from "../map/view.js" */
/** @import { Words } from "../choosing/words.js" */
/** @import { Tariff } from "../sale/tariff.js" */
/** @import { Sales } from "./sales.js" */
/** @import { Tally } from "./tally.js" */

/** @type {Record<number, string>} */
const STATUS_NAMES = { [FREE]: "available", [HELD]: "held", [BOOKED]: "booked", [BLOCKED]: "blocked" };

/** @type {Record<string, string>} */
const OPERATION_NAMES = {
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
 * The word for a status of map/seats.js.
 *
 * @param {number} status
 * @returns {string}
 */
export function statusName(status) {
  return STATUS_NAMES[status] ?? "not available";
}

/**
 * The word for an entry of a seat's history.
 *
 * @param {string} operation
 * @returns {string}
 */
export function operationName(operation) {
  return OPERATION_NAMES[operation] ?? operation;
}

/**
 * The name of a ticket type, marked when only staff sells it.
 *
 * @param {Tariff} tariff
 * @param {string} type
 * @returns {string}
 */
export function typeText(tariff, type) {
  return tariff.isStaff(type) ? `${tariff.label(type)} (staff)` : tariff.label(type);
}

/**
 * `1 ticket`, `1,200 tickets`.
 *
 * @param {number} count
 */
export function ticketsText(count) {
  return `${count.toLocaleString()} ${count === 1 ? "ticket" : "tickets"}`;
}

/**
 * `1 seat`, `1,200 seats`.
 *
 * @param {number} count
 */
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

/**
 * What the pointer is at: a seat and who has it; from far away its section; or a standing area.
 *
 * @param {Hover} hover
 * @param {{model: SeatModel, seats: Seats<Tariff>, tally: Tally, sales: Sales, tariff: Tariff}} about
 * @returns {Words}
 */
export function hoverWords({ seat, area, near }, { model, seats, tally, sales, tariff }) {
  if (seat < 0) return { title: model.areas[area].label, status: countsText(tally.ofArea(area)) };
  const { section } = model.rows[model.rowOf[seat]];
  if (!near) return { title: model.sections[section].label, status: countsText(tally.ofSection(section)) };
  const name = statusName(seats.status[seat]);
  const holder = name === "booked" ? sales.holderOf(seat) : null;
  const price = tariff.price(model.category[seat]);
  return {
    title: model.describe(seat),
    status: holder ? `${name} · ${holder.name || `booking …${holder.id.slice(-6)}`}` : name,
    price: price === null ? "" : tariff.text(price),
  };
}

/** @param {{booked: number, held: number, blocked: number, available: number}} counts */
function countsText({ booked, held, blocked, available }) {
  return `${booked} booked · ${held} held · ${blocked} blocked · ${available} available`;
}
