// Owns what the operator has chosen to sell, block, release or exchange: seats by number, and places of
// standing areas. Pure: no DOM, no network; at most every seat of the map.
//
// Modules: Selection(model); .toggle(seat), .add, .remove, .toggleAll(seats), .keep(test), .clear(),
// .setPlaces(area, n), .onChange(listener), .has(seat), .list.

export class Selection {
  #seats = new Set();
  #places = new Map();
  #listeners = new Set();

  constructor(model) {
    this.model = model;
  }

  /** Call `listener(moved)` after each change, with the seats that came or went. */
  onChange(listener) {
    this.#listeners.add(listener);
  }

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

  placesOf(area) {
    return this.#places.get(area) ?? 0;
  }

  setPlaces(area, wanted) {
    if (wanted > 0) this.#places.set(area, wanted);
    else this.#places.delete(area);
    this.#tell([]);
  }

  toggle(seat) {
    if (!this.#seats.delete(seat)) this.#seats.add(seat);
    this.#tell([seat]);
  }

  add(seats) {
    const moved = seats.filter((seat) => !this.#seats.has(seat));
    for (const seat of moved) this.#seats.add(seat);
    this.#tell(moved);
  }

  remove(seats) {
    const moved = seats.filter((seat) => this.#seats.delete(seat));
    this.#tell(moved);
  }

  /** Add these; take them away when all of them are in it. Whether they were added. */
  toggleAll(seats) {
    const isAll = seats.length > 0 && seats.every((seat) => this.#seats.has(seat));
    if (isAll) this.remove(seats);
    else this.add(seats);
    return !isAll;
  }

  /** Take away what does not pass the test. */
  keep(test) {
    this.remove([...this.#seats].filter((seat) => !test(seat)));
  }

  clear() {
    const moved = [...this.#seats];
    this.#seats.clear();
    this.#places.clear();
    this.#tell(moved);
  }

  #tell(moved) {
    for (const listener of this.#listeners) listener(moved);
  }
}
