// Owns what was sold: of each booking when, how many tickets, for how much and whether it was cancelled,
// in columns of numbers; and which booking has which seat. So 100,000 bookings take some 30 MB and a
// curve of them some milliseconds. No DOM, no network.
//
// A booking counts from when it was made with what it has now: one that was changed since counts as it
// is, one that was cancelled counts until then. So the curve ends at what is booked now.
//
// Modules: Sales(model); .put(booking), .totals, .curve(until), .holderOf(seat), .clear(); toMinor(text).

/** @import { BookingBody } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */

/** @typedef {{at: Float64Array, tickets: Float64Array, amounts: Float64Array}} Curve */

// 32 bytes each, and their names; enough for a hall of 100,000 places that is sold out and cancelled twice.
const BOOKINGS_MAX = 300_000;
const FIRST_ROOM = 1_024;
const POINTS = 160;
// A sale that began a moment ago still gets an axis of time.
const SPAN_LEAST_MS = 60_000;

const NOBODY = -1;

export class Sales {
  /** @param {SeatModel} model */
  constructor(model) {
    this.model = model;
    // All of them are made by clear(): a value for each booking, by its number.
    /** @type {number} */
    this.count;
    /** @type {boolean} */
    this.isFull;
    /** @type {Map<string, number>} */
    this.numbers;
    /** @type {string[]} */
    this.ids;
    /** @type {string[]} */
    this.names;
    /** @type {Float64Array} */
    this.made;
    /** @type {Float64Array} */
    this.ended;
    /** @type {Float64Array} */
    this.amounts;
    /** @type {Uint32Array} */
    this.tickets;
    /** @type {Float64Array} */
    this.versions;
    /** @type {Int32Array} */
    this.holders;
    this.clear();
  }

  clear() {
    this.count = 0;
    this.isFull = false;
    this.numbers = new Map();
    this.ids = [];
    this.names = [];
    this.made = new Float64Array(FIRST_ROOM);
    this.ended = new Float64Array(FIRST_ROOM);
    this.amounts = new Float64Array(FIRST_ROOM);
    this.tickets = new Uint32Array(FIRST_ROOM);
    this.versions = new Float64Array(FIRST_ROOM);
    this.holders = new Int32Array(this.model.seatCount).fill(NOBODY);
  }

  /**
   * Take a booking from the server; an older state of a known one is ignored.
   *
   * @param {BookingBody} booking
   */
  put(booking) {
    const number = this.numbers.get(booking.id) ?? this.#add(booking.id);
    if (number === NOBODY || this.versions[number] > booking.version) return;
    const isCancelled = booking.status === "cancelled";
    this.versions[number] = booking.version;
    this.names[number] = booking.orderRef ?? booking.userId ?? "";
    this.made[number] = Date.parse(booking.createdAt);
    this.ended[number] = isCancelled ? Date.parse(booking.updatedAt) : Infinity;
    this.amounts[number] = toMinor(booking.total);
    this.tickets[number] = booking.lines.reduce((sum, line) => sum + (line.quantity ?? 1), 0);
    for (const id of booking.seats) {
      const seat = this.model.number(id);
      if (seat === undefined) continue;
      if (!isCancelled) this.holders[seat] = number;
      else if (this.holders[seat] === number) this.holders[seat] = NOBODY;
    }
  }

  /** What is booked now; `amount` is in minor units. */
  get totals() {
    const sum = { bookings: 0, tickets: 0, amount: 0 };
    for (let number = 0; number < this.count; number += 1) {
      if (this.ended[number] < Infinity) continue;
      sum.bookings += 1;
      sum.tickets += this.tickets[number];
      sum.amount += this.amounts[number];
    }
    return sum;
  }

  /**
   * The booking of a seat as {id, name}, as far as it is known; null for none.
   *
   * @param {number} seat
   */
  holderOf(seat) {
    const number = this.holders[seat];
    return number === NOBODY ? null : { id: this.ids[number], name: this.names[number] };
  }

  /**
   * Tickets and amount so far, at even steps of time up to `until`; null before the first booking.
   *
   * @param {number} until
   * @returns {Curve | null}
   */
  curve(until) {
    if (!this.count) return null;
    const first = this.made.subarray(0, this.count).reduce((least, at) => Math.min(least, at));
    const from = Math.min(first, until - SPAN_LEAST_MS);
    const step = (until - from) / (POINTS - 1);
    const [tickets, amounts] = [new Float64Array(POINTS), new Float64Array(POINTS)];
    /**
     * @param {number} at
     * @param {number} sign
     * @param {number} number
     */
    const add = (at, sign, number) => {
      const point = Math.min(POINTS - 1, Math.max(0, Math.ceil((at - from) / step)));
      tickets[point] += sign * this.tickets[number];
      amounts[point] += sign * this.amounts[number];
    };
    for (let number = 0; number < this.count; number += 1) {
      add(this.made[number], 1, number);
      if (this.ended[number] < Infinity) add(this.ended[number], -1, number);
    }
    for (let point = 1; point < POINTS; point += 1) {
      tickets[point] += tickets[point - 1];
      amounts[point] += amounts[point - 1];
    }
    return { at: Float64Array.from({ length: POINTS }, (_, point) => from + point * step), tickets, amounts };
  }

  /** @param {string} id */
  #add(id) {
    if (this.count === BOOKINGS_MAX) {
      this.isFull = true;
      return NOBODY;
    }
    if (this.count === this.made.length) {
      for (const name of /** @type {const} */ (["made", "ended", "amounts", "tickets", "versions"]))
        this[name] = /** @type {never} */ (doubled(this[name]));
    }
    this.ids.push(id);
    this.names.push("");
    this.versions[this.count] = -1;
    this.numbers.set(id, this.count);
    this.count += 1;
    return this.count - 1;
  }
}

/**
 * `145.00` as 14500.
 *
 * @param {string} text
 */
export function toMinor(text) {
  return Number(text.replace(".", ""));
}

/**
 * @template {Float64Array | Uint32Array} Column
 * @param {Column} column
 * @returns {Column}
 */
function doubled(column) {
  const larger = new /** @type {new (length: number) => Column} */ (column.constructor)(2 * column.length);
  larger.set(column);
  return larger;
}
