// Owns what a buyer wishes for that the server has not granted yet: seats to have or to give back, and
// numbers of places. Wishes wait, are sent together in one call, and after a refusal those that were not at
// fault wait again. No DOM, no network.
//
// Modules: Wishes(); .wishForSeat(seat, want), .wishForPlaces(area, type, quantity), .seat(seat),
// .places(area, type), .pending, .isEmpty, .send(), .settle(), .reconsider(problem, ids);
// difference(wishes, granted, about).

import { heldPlaces } from "./lines.js";

/** @import { HoldBody } from "../net/api.js" */
/** @import { Refusal } from "./reasons.js" */

/** @typedef {{seat: number, want: boolean, area?: undefined, type?: undefined, quantity?: undefined}} SeatWish */
/** @typedef {{seat?: undefined, want?: undefined, area: string, type: string, quantity: number}} PlacesWish */
/** @typedef {SeatWish | PlacesWish} Wish */

/** @typedef {{seats: string[], areas?: Record<string, Record<string, number>>}} Part */

/** The codes that say that a hold is over. */
export const ENDED = new Set(["hold_expired", "hold_released", "hold_ended", "hold_not_found"]);

export class Wishes {
  /** @type {Map<string, Wish>} */
  #waiting = new Map();
  /** @type {Map<string, Wish>} */
  #sent = new Map();

  /** Whether none waits to be sent. */
  get isEmpty() {
    return this.#waiting.size === 0;
  }

  /**
   * All that are not answered; of two for the same thing the later one alone.
   *
   * @returns {Wish[]}
   */
  get pending() {
    return [...new Map([...this.#sent, ...this.#waiting]).values()];
  }

  /**
   * The numbers of seats that are wished for (`want`) or to be given back.
   *
   * @param {boolean} want
   * @returns {number[]}
   */
  seats(want) {
    /** @type {number[]} */
    const found = [];
    for (const wish of this.pending) if (wish.seat !== undefined && wish.want === want) found.push(wish.seat);
    return found;
  }

  /**
   * What is wished for a seat; undefined for nothing.
   *
   * @param {number} seat
   * @returns {boolean | undefined}
   */
  seat(seat) {
    return this.#latest(seatKey(seat))?.want;
  }

  /**
   * How many places of an area are wished for; undefined for no wish.
   *
   * @param {string} area
   * @param {string} type
   * @returns {number | undefined}
   */
  places(area, type) {
    return this.#latest(placesKey(area, type))?.quantity;
  }

  /**
   * @param {number} seat
   * @param {boolean} want
   */
  wishForSeat(seat, want) {
    this.#waiting.set(seatKey(seat), { seat, want });
  }

  /**
   * @param {string} area
   * @param {string} type
   * @param {number} quantity
   */
  wishForPlaces(area, type, quantity) {
    this.#waiting.set(placesKey(area, type), { area, type, quantity: Math.max(0, quantity) });
  }

  /**
   * Those that wait, to be sent now.
   *
   * @returns {Wish[]}
   */
  send() {
    this.#sent = this.#waiting;
    this.#waiting = new Map();
    return [...this.#sent.values()];
  }

  /** The call with those that were sent is answered. */
  settle() {
    this.#sent = new Map();
  }

  /**
   * After a refusal: those that were not at fault wait again, unless a newer wish takes their place.
   *
   * @param {Refusal} problem
   * @param {string[]} ids The ids of seats by number.
   */
  reconsider(problem, ids) {
    if (ENDED.has(problem.code)) {
      // The hold ended meanwhile; what was to be added to it makes a new one.
      this.#waitAgain((wish) => wish.seat !== undefined ? wish.want : wish.quantity > 0);
    } else if (problem.code === "seats_unavailable") {
      const taken = new Set((problem.details.seats ?? []).map(({ seat }) => seat));
      const full = new Set((problem.details.areas ?? []).map(({ area }) => area));
      if (!taken.size && !full.size) return;
      this.#waitAgain((wish) => wish.seat !== undefined ? !taken.has(ids[wish.seat]) : !full.has(wish.area));
    }
  }

  /** @param {(wish: Wish) => boolean} isWanted */
  #waitAgain(isWanted) {
    for (const [key, wish] of this.#sent)
      if (isWanted(wish) && !this.#waiting.has(key)) this.#waiting.set(key, wish);
  }

  /** @param {string} key */
  #latest(key) {
    return this.#waiting.get(key) ?? this.#sent.get(key);
  }
}

/**
 * What has to be added and removed for these wishes to come true, by ids; `leavesNothing` when the hold
 * would be empty then.
 *
 * @param {Wish[]} wishes
 * @param {HoldBody | null} granted
 * @param {{held: Set<number>, ids: string[]}} about The numbers of the seats that are held, the ids of all.
 * @returns {{add: Required<Part>, remove: Required<Part>, isEmpty: boolean, leavesNothing: boolean}}
 */
export function difference(wishes, granted, { held, ids }) {
  /** @type {Required<Part>} */
  const add = { seats: [], areas: {} };
  /** @type {Required<Part>} */
  const remove = { seats: [], areas: {} };
  let left = held.size;
  for (const line of granted?.lines ?? []) left += line.area ? line.quantity : 0;
  for (const { seat, want, area, type, quantity } of wishes) {
    if (seat !== undefined) {
      if (want === held.has(seat)) continue;
      (want ? add : remove).seats.push(ids[seat]);
      left += want ? 1 : -1;
    } else {
      const more = quantity - heldPlaces(granted, area, type);
      if (!more) continue;
      ((more > 0 ? add : remove).areas[area] ??= {})[type] = Math.abs(more);
      left += more;
    }
  }
  const isEmpty = [add, remove].every(({ seats, areas }) => !seats.length && !Object.keys(areas).length);
  return { add, remove, isEmpty, leavesNothing: left <= 0 };
}

/** @param {number} seat */
function seatKey(seat) {
  return `seat ${seat}`;
}

/**
 * @param {string} area
 * @param {string} type
 */
function placesKey(area, type) {
  return `${area} ${type}`;
}
