// Owns what the operator has chosen to sell, block, release or exchange: seats by number, and places of
// standing areas. Pure: no DOM, no network; at most every seat of the map.
//
// Modules: Selection(model); .toggle(seat), .add, .remove, .toggleAll(seats), .keep(test), .clear(),
// .setPlaces(area, n), .onChange(listener), .has(seat), .list.

/** @import { SeatModel } from "../map/model.js" */

export class Selection {
  /** @type {Set<number>} */
  #seats = new Set();
  /** @type {Map<number, number>} */
  #places = new Map();
  /** @type {Set<(moved: number[]) => void>} */
  #listeners = new Set();

  /** @param {SeatModel} model */
  constructor(model) {
    this.model = model;
  }

  /**
   * Call `listener(moved)` after each change, with the seats that were added or removed.
   *
   * @param {(moved: number[]) => void} listener
   */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  /** @param {number} seat */
  has(seat) {
    return this.#seats.has(seat);
  }

  get size() {
    return this.#seats.size;
  }

  /** Seats and places. */
  get count() {
    let count = this.#seats.size;
    for (const places of this.#places.values()) count += places;
    return count;
  }

  /** The seats in map order. */
  get list() {
    return [...this.#seats].sort((a, b) => a - b);
  }

  /** Places as [area's number, how many]. */
  get places() {
    return [...this.#places];
  }

  /** @param {number} area */
  placesOf(area) {
    return this.#places.get(area) ?? 0;
  }

  /**
   * @param {number} area
   * @param {number} wanted
   */
  setPlaces(area, wanted) {
    if (wanted > 0) this.#places.set(area, wanted);
    else this.#places.delete(area);
    this.#changed([]);
  }

  /** @param {number} seat */
  toggle(seat) {
    if (!this.#seats.delete(seat)) this.#seats.add(seat);
    this.#changed([seat]);
  }

  /** @param {number[]} seats */
  add(seats) {
    const moved = seats.filter((seat) => !this.#seats.has(seat));
    for (const seat of moved) this.#seats.add(seat);
    this.#changed(moved);
  }

  /** @param {number[]} seats */
  remove(seats) {
    const moved = seats.filter((seat) => this.#seats.delete(seat));
    this.#changed(moved);
  }

  /**
   * Add these seats, or remove them when all are selected; whether they were added.
   *
   * @param {number[]} seats
   * @returns {boolean}
   */
  toggleAll(seats) {
    const isAll = seats.length > 0 && seats.every((seat) => this.#seats.has(seat));
    if (isAll) this.remove(seats);
    else this.add(seats);
    return !isAll;
  }

  /**
   * Remove the seats that do not pass the test.
   *
   * @param {(seat: number) => boolean} test
   */
  keep(test) {
    this.remove([...this.#seats].filter((seat) => !test(seat)));
  }

  clear() {
    const moved = [...this.#seats];
    this.#seats.clear();
    this.#places.clear();
    this.#changed(moved);
  }

  /** @param {number[]} moved */
  #changed(moved) {
    for (const listener of this.#listeners) listener(moved);
  }
}
