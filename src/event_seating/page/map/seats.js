// Owns the status of each seat as the server last sent it, the counts of areas and their version; which seats
// are this buyer's; and which categories the filter lets through. No DOM, no network. An unknown status counts
// as not available.
//
// Modules: Seats(model, tariff); .load(snapshot), .apply(frame), .setMine(), .setFilter(), .onChange();
// .look(seat) is how a seat is drawn for a buyer.

/** @import { Counts, Frame, Money, Snapshot } from "../net/api.js" */
/** @import { SeatModel } from "./model.js" */

/**
 * The prices of seats, as far as the map needs them.
 *
 * @typedef {object} Prices
 * @property {(category: number) => number | null} price
 * @property {(amount: number | Money) => string} short
 */

/** @typedef {{seats: number[] | null, sections: Set<number> | null}} Change Null where all may differ. */

/** @typedef {{version: number, held: number[], released: number[], booked: number[]}} Own What a call of this page changed. */

export const FREE = 0;
export const HELD = 1;
export const BOOKED = 2;
export const BLOCKED = 3;
const OTHER = 4;

/** @type {Record<string, number>} */
const LETTERS = { a: FREE, h: HELD, b: BOOKED, x: BLOCKED };
/** @type {Record<string, number>} */
const NAMES = { available: FREE, held: HELD, booked: BOOKED, blocked: BLOCKED };

/** How a seat is drawn. */
export const LOOK = { free: 0, dim: 1, held: 2, booked: 3, closed: 4, mine: 5, pending: 6 };

const NOT_MINE = 0;
const MINE = 1;
const WISHED = 2;

/** @template {Prices} [T=Prices] */
export class Seats {
  /** @type {Set<(change: Change) => void>} */
  #listeners = new Set();

  /**
   * @param {SeatModel} model
   * @param {T} tariff
   */
  constructor(model, tariff) {
    this.model = model;
    this.tariff = tariff;
    this.status = new Uint8Array(model.seatCount).fill(OTHER);
    /** @type {Counts[]} */
    this.areas = model.areas.map(() => ({ available: 0, held: 0, booked: 0, blocked: 0 }));
    this.version = -1;
    this.epoch = "";
    /** @type {{hidden: Set<string>, maxPrice: number}} */
    this.filter = { hidden: new Set(), maxPrice: Infinity };
    this.#mine = new Uint8Array(model.seatCount);
    this.#free = new Uint32Array(model.sections.length);
    this.#from = new Float64Array(model.sections.length).fill(Infinity);
    this.#shown = new Uint8Array(model.categories.length).fill(1);
  }

  /** @type {Uint8Array} */
  #mine;
  /** @type {Uint32Array} */
  #free;
  /** @type {Float64Array} */
  #from;
  /** @type {Uint8Array} */
  #shown;

  /**
   * Call `listener({sections, seats})` after each change; `seats` is null when all may differ.
   *
   * @param {(change: Change) => void} listener
   */
  onChange(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Take a snapshot in its compact form.
   *
   * @param {Snapshot} snapshot
   */
  load(snapshot) {
    const letters = snapshot.seats;
    for (let seat = 0; seat < this.status.length; seat += 1) this.status[seat] = LETTERS[letters[seat]] ?? OTHER;
    this.#takeAreas(snapshot.areas);
    this.version = snapshot.version;
    this.epoch = snapshot.epoch;
    this.#recountAll();
    this.#changed(null);
  }

  /**
   * Take later changes; an older frame is ignored.
   *
   * @param {Frame} frame
   */
  apply({ version, changes, areas }) {
    if (version < this.version) return;
    /** @type {number[]} */
    const moved = [];
    for (const [id, name] of Object.entries(changes ?? {})) {
      const seat = this.model.number(id);
      if (seat === undefined) continue;
      this.status[seat] = NAMES[name] ?? OTHER;
      moved.push(seat);
    }
    if (areas) this.#takeAreas(areas);
    this.version = version;
    this.#moved(moved, Boolean(areas));
  }

  /**
   * Take what an answer to this page's own call says of seats, if it is newer than what is known.
   *
   * @param {Own} own
   */
  confirm({ version, held, released, booked }) {
    if (version <= this.version) return;
    for (const seat of released) this.status[seat] = FREE;
    for (const seat of held) this.status[seat] = HELD;
    for (const seat of booked) this.status[seat] = BOOKED;
    this.#moved([...released, ...held, ...booked], false);
  }

  /**
   * Set which seats this buyer holds, and which are wished for without an answer yet.
   *
   * @param {number[]} held
   * @param {number[]} [wished]
   */
  setMine(held, wished = []) {
    const before = this.#mine;
    const after = new Uint8Array(before.length);
    for (const seat of held) after[seat] = MINE;
    for (const seat of wished) after[seat] = WISHED;
    this.#mine = after;
    /** @type {number[]} */
    const moved = [];
    for (let seat = 0; seat < after.length; seat += 1) if (before[seat] !== after[seat]) moved.push(seat);
    this.#moved(moved, true);
  }

  /**
   * Make only seats of some categories up to a price stand out.
   *
   * @param {{hidden?: Set<string>, maxPrice?: number}} filter
   */
  setFilter({ hidden = this.filter.hidden, maxPrice = this.filter.maxPrice }) {
    this.filter = { hidden, maxPrice };
    this.#recountAll();
    this.#changed(null);
  }

  /** @param {T} tariff */
  setTariff(tariff) {
    this.tariff = tariff;
    this.#recountAll();
    this.#changed(null);
  }

  /** @param {number} seat */
  isMine(seat) {
    return this.#mine[seat] !== NOT_MINE;
  }

  /** @param {number} seat */
  isFree(seat) {
    return this.status[seat] === FREE && this.#mine[seat] === NOT_MINE;
  }

  /**
   * Whether the filter lets the category through.
   *
   * @param {number} category
   */
  shows(category) {
    return this.#shown[category] === 1;
  }

  /**
   * How many seats of a section are free and pass the filter.
   *
   * @param {number} section
   */
  freeIn(section) {
    return this.#free[section];
  }

  /**
   * The lowest price of those seats; Infinity when there is none.
   *
   * @param {number} section
   */
  fromIn(section) {
    return this.#from[section];
  }

  /** Free seats and places in all, whatever the filter. */
  get available() {
    let free = 0;
    for (const status of this.status) if (status === FREE) free += 1;
    return this.areas.reduce((sum, area) => sum + area.available, free);
  }

  /** @param {number} seat */
  look(seat) {
    if (this.#mine[seat] !== NOT_MINE) return this.#mine[seat] === MINE ? LOOK.mine : LOOK.pending;
    const status = this.status[seat];
    if (status === FREE) return this.#shown[this.model.category[seat]] ? LOOK.free : LOOK.dim;
    if (status === HELD) return LOOK.held;
    return status === BOOKED ? LOOK.booked : LOOK.closed;
  }

  /** @param {Record<string, Counts> | undefined} areas */
  #takeAreas(areas) {
    for (const [id, counts] of Object.entries(areas ?? {})) {
      const area = this.model.areaNumbers.get(id);
      if (area !== undefined) this.areas[area] = counts;
    }
  }

  /**
   * @param {number[]} seats
   * @param {boolean} evenIfNone
   */
  #moved(seats, evenIfNone) {
    if (!seats.length && !evenIfNone) return;
    const sections = new Set(seats.map((seat) => this.model.rows[this.model.rowOf[seat]].section));
    for (const section of sections) this.#recount(section);
    this.#changed(seats, sections);
  }

  #recountAll() {
    const { hidden, maxPrice } = this.filter;
    this.model.categories.forEach(({ key }, number) => {
      const price = this.tariff.price(number);
      this.#shown[number] = price !== null && price <= maxPrice && !hidden.has(key) ? 1 : 0;
    });
    for (let section = 0; section < this.#free.length; section += 1) this.#recount(section);
  }

  /** @param {number} section */
  #recount(section) {
    const { start, end } = this.model.sections[section];
    let free = 0;
    let from = Infinity;
    for (let seat = start; seat < end; seat += 1) {
      if (this.status[seat] !== FREE || this.#mine[seat] !== NOT_MINE) continue;
      const category = this.model.category[seat];
      if (!this.#shown[category]) continue;
      free += 1;
      from = Math.min(from, /** @type {number} */ (this.tariff.price(category)));
    }
    this.#free[section] = free;
    this.#from[section] = from;
  }

  /**
   * @param {number[] | null} seats
   * @param {Set<number> | null} [sections]
   */
  #changed(seats, sections = null) {
    for (const listener of this.#listeners) listener({ seats, sections });
  }
}
