// Owns how many seats and places of each section and area have which status. Only sections in which
// something moved are counted again. No DOM.
//
// Modules: Tally(model, seats); .ofSection(number), .ofArea(number), .total -> {available, held, booked,
// blocked, other, size}; STATUSES.

import { BLOCKED, BOOKED, FREE, HELD } from "../map/seats.js";

/** @import { Counts } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Seats } from "../map/seats.js" */

/** @typedef {Counts & {other: number, size: number}} Tallied */

export const STATUSES = /** @type {const} */ (["booked", "held", "blocked", "available"]);

const KINDS = 5;

export class Tally {
  /** @type {Uint32Array} */
  #counts;

  /**
   * @param {SeatModel} model
   * @param {Pick<Seats, "status" | "areas" | "onChange">} seats
   */
  constructor(model, seats) {
    this.model = model;
    this.seats = seats;
    this.#counts = new Uint32Array(KINDS * model.sections.length);
    this.#countAll();
    seats.onChange(({ sections }) => {
      if (sections) { for (const section of sections) this.#count(section); }
      else this.#countAll();
    });
  }

  /**
   * @param {number} number
   * @returns {Tallied}
   */
  ofSection(number) {
    return named((kind) => this.#counts[KINDS * number + kind]);
  }

  /**
   * @param {number} number
   * @returns {Tallied}
   */
  ofArea(number) {
    const { available, held, booked, blocked } = this.seats.areas[number];
    return { available, held, booked, blocked, other: 0, size: available + held + booked + blocked };
  }

  /** @returns {Tallied} */
  get total() {
    const sum = { available: 0, held: 0, booked: 0, blocked: 0, other: 0, size: 0 };
    /** @param {Tallied} counts */
    const add = (counts) => {
      for (const name of /** @type {(keyof Tallied)[]} */ (Object.keys(sum))) sum[name] += counts[name];
    };
    for (let section = 0; section < this.model.sections.length; section += 1) add(this.ofSection(section));
    for (let area = 0; area < this.model.areas.length; area += 1) add(this.ofArea(area));
    return sum;
  }

  #countAll() {
    for (let section = 0; section < this.model.sections.length; section += 1) this.#count(section);
  }

  /** @param {number} section */
  #count(section) {
    const counts = this.#counts.subarray(KINDS * section, KINDS * section + KINDS);
    counts.fill(0);
    const { start, end } = this.model.sections[section];
    for (let seat = start; seat < end; seat += 1) counts[this.seats.status[seat]] += 1;
  }
}

/**
 * @param {(kind: number) => number} of
 * @returns {Tallied}
 */
function named(of) {
  const [available, held, booked, blocked, other] = [FREE, HELD, BOOKED, BLOCKED, KINDS - 1].map(of);
  return { available, held, booked, blocked, other, size: available + held + booked + blocked + other };
}
