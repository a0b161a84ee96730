// Owns the buyer's texts about a seat, a section and an area.
//
// Modules: seatWords(model, seats, seat) -> {title, price, status}, sectionWords, areaWords the same,
// sectionForms(model, seats, section) -> lines.

import { ACCESSIBLE, COMPANION } from "../map/model.js";
import { BOOKED, FREE, HELD } from "../map/seats.js";

/** @import { SeatModel } from "../map/model.js" */
/** @import { Seats } from "../map/seats.js" */
/** @import { Tariff } from "../sale/tariff.js" */

/** @typedef {{title: string, price?: string, status: string}} Words */

/**
 * The texts about a seat: where it is, its price, its status.
 *
 * @param {SeatModel} model
 * @param {Seats<Tariff>} seats
 * @param {number} seat
 * @returns {Words}
 */
export function seatWords(model, seats, seat) {
  const price = seats.tariff.price(model.category[seat]);
  const flags = model.flags[seat];
  const kind = flags & ACCESSIBLE ? "wheelchair place" : flags & COMPANION ? "companion's seat" : "";
  return {
    title: model.describe(seat),
    price: price === null ? "" : seats.tariff.text(price),
    status: [kind, statusOf(seats, seat, price)].filter(Boolean).join(", "),
  };
}

/**
 * The texts about a section: its name, its lowest price, how many seats are free.
 *
 * @param {SeatModel} model
 * @param {Seats<Tariff>} seats
 * @param {number} number
 * @returns {Words}
 */
export function sectionWords(model, seats, number) {
  const free = seats.freeIn(number);
  const price = free ? `from ${seats.tariff.short(seats.fromIn(number))}` : "";
  return {
    title: model.sections[number].label,
    price,
    status: free ? `${free.toLocaleString()} free` : "nothing free",
  };
}

/**
 * The texts about a standing area: its name, its price, how many places are free.
 *
 * @param {SeatModel} model
 * @param {Seats<Tariff>} seats
 * @param {number} number
 * @returns {Words}
 */
export function areaWords(model, seats, number) {
  const { label, category } = model.areas[number];
  const free = seats.areas[number].available;
  const price = seats.tariff.price(category);
  return {
    title: label,
    price: price === null ? "" : seats.tariff.text(price),
    status: free ? `${free.toLocaleString()} free` : "none left",
  };
}

/**
 * The lines of a section's label, the fullest form first.
 *
 * @param {SeatModel} model
 * @param {Seats<Tariff>} seats
 * @param {number} number
 * @returns {string[][]}
 */
export function sectionForms(model, seats, number) {
  const { label } = model.sections[number];
  const free = seats.freeIn(number);
  const last = label.trim().split(/\s+/).at(-1) ?? label;
  if (!free) return [[label, "sold out"], [label], [last]];
  const from = seats.tariff.short(seats.fromIn(number));
  const count = free.toLocaleString();
  return [
    [label, `${count} free · from ${from}`],
    [label, `${count} from ${from}`],
    [label, `${count} free`, `from ${from}`],
    [label, `${count} · ${from}`],
    [last, `${count} · ${from}`],
    [label],
    [last],
  ];
}

/**
 * @param {Seats<Tariff>} seats
 * @param {number} seat
 * @param {number | null} price
 */
function statusOf(seats, seat, price) {
  if (seats.isMine(seat)) return "yours";
  const status = seats.status[seat];
  if (price === null) return "not for sale";
  if (status === FREE) return "free";
  if (status === HELD) return "held by somebody else";
  return status === BOOKED ? "sold" : "not for sale";
}
