// Owns the buyer's hold: what the server granted, and the calls that change it. Wishes are shown at once and
// sent one call after the other; those that come meanwhile go together in the next. Reload, the back button
// and other tabs keep the hold. It draws nothing and has no words.
//
// Modules: Hold({eventId, model, tariff, onChange, onProblem}); .toggle(seat), .setPlaces(area, type, n),
// .best(wish), .swap(ids), .setType(id, type), .extend(), .letGo(), .freeze(), .thaw(), .book(),
// .restore().

import { change, get, Problem } from "../net/api.js";
import { HoldMemory } from "./hold-memory.js";
import { heldPlaces, merged } from "./lines.js";
import { difference, ENDED, Wishes } from "./wishes.js";

/** @import { BookingBody, HoldBody } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Own } from "../map/seats.js" */
/** @import { Refusal } from "./reasons.js" */
/** @import { Tariff } from "./tariff.js" */
/** @import { Part } from "./wishes.js" */

/**
 * @typedef {object} BestWish
 * @property {number} quantity
 * @property {string} [ticketType]
 * @property {string[]} [categories]
 * @property {string} [maxPrice]
 * @property {boolean} [accessible]
 */

/**
 * @typedef {object} HoldOptions
 * @property {string} eventId
 * @property {SeatModel} model
 * @property {() => Tariff} tariff
 * @property {(change?: Own) => void} onChange
 * @property {(problem: Refusal, lost?: HoldBody | null) => void} onProblem `lost` is the hold that ended, if one did.
 */

const CURRENT = "/holds/current";
// Another tab, or the shop, changed the hold that this page shows.
const STALE = new Set(["hold_frozen", "hold_not_frozen", "total_changed"]);

export class Hold {
  #wishes = new Wishes();
  /** @type {Promise<unknown> | null} */
  #busy = null;
  #memory;
  // The token of the hold whose end was reported last.
  /** @type {string | null} */
  #ended = null;

  /** @param {HoldOptions} options */
  constructor({ eventId, model, tariff, onChange, onProblem }) {
    this.eventId = eventId;
    this.model = model;
    this.tariff = tariff;
    this.onChange = onChange;
    this.onProblem = onProblem;
    this.#memory = new HoldMemory(eventId);
    /**
     * What the server granted last, or null.
     *
     * @type {HoldBody | null}
     */
    this.granted = null;
    /**
     * Numbers of the seats that are held.
     *
     * @type {Set<number>}
     */
    this.held = new Set();
    this.#memory.whenOtherTabChanges(() => this.granted, () => this.restore());
  }

  /** @returns {string | null} */
  get token() {
    return this.granted?.holdToken ?? null;
  }

  /** "buyer" or "box-office" while the hold is frozen, or null. */
  get frozenBy() {
    return this.granted?.frozenBy ?? null;
  }

  get isBusy() {
    return this.#busy !== null;
  }

  /**
   * Seats that are wished for and not granted yet.
   *
   * @returns {number[]}
   */
  get wished() {
    return this.#wishes.seats(true).filter((seat) => !this.held.has(seat));
  }

  /**
   * Seats that are held and not to be given back.
   *
   * @returns {number[]}
   */
  get kept() {
    const leaving = new Set(this.#wishes.seats(false));
    return [...this.held].filter((seat) => !leaving.has(seat));
  }

  /**
   * Places of an area, as wished for.
   *
   * @param {{id: string}} area
   * @param {string} type
   * @returns {number}
   */
  places(area, type) {
    return this.#wishes.places(area.id, type) ?? heldPlaces(this.granted, area.id, type);
  }

  /**
   * How many seats and places there would be if every wish came true.
   *
   * @returns {number}
   */
  get count() {
    /** @type {Map<string, number>} */
    const places = new Map();
    for (const { area, ticketType } of this.granted?.lines ?? []) {
      if (area) places.set(`${area} ${ticketType}`, heldPlaces(this.granted, area, ticketType));
    }
    for (const { area, type, quantity } of this.#wishes.pending) {
      if (quantity !== undefined) places.set(`${area} ${type}`, quantity);
    }
    return this.kept.length + this.wished.length + [...places.values()].reduce((sum, number) => sum + number, 0);
  }

  /**
   * Wish for a seat, or to give it back.
   *
   * @param {number} seat
   */
  toggle(seat) {
    if (this.#isFrozen()) return;
    this.#wishes.wishForSeat(seat, !(this.#wishes.seat(seat) ?? this.held.has(seat)));
    this.#go();
  }

  /**
   * @param {{id: string}} area
   * @param {string} type
   * @param {number} quantity
   */
  setPlaces(area, type, quantity) {
    if (this.#isFrozen()) return;
    this.#wishes.wishForPlaces(area.id, type, quantity);
    this.#go();
  }

  /**
   * Hold the best block for this wish, in place of what is held.
   *
   * @param {BestWish} wish
   */
  best(wish) {
    if (this.#isFrozen()) return undefined;
    return this.#alone(() => this.#replace({ best: wish }));
  }

  /**
   * Hold these seats, by id, in place of those that are held; places stay. `types` has ticket types by id.
   *
   * @param {string[]} ids
   * @param {Record<string, string>} [types]
   */
  swap(ids, types = {}) {
    return this.#alone(async () => {
      const before = new Set(this.granted?.seats ?? []);
      const after = new Set(ids);
      const add = { seats: ids.filter((id) => !before.has(id)) };
      const remove = { seats: [...before].filter((id) => !after.has(id)) };
      const ticketTypes = this.#typesToName(add.seats, types);
      if (!this.granted) await this.#place({ seats: ids, ticketTypes });
      else if (add.seats.length || remove.seats.length) await this.#amend(add, remove, ticketTypes);
    });
  }

  /**
   * @param {string} id
   * @param {string} type
   */
  setType(id, type) {
    return this.#alone(() => this.#amend({ seats: [id] }, { seats: [id] }, { [id]: type }));
  }

  extend() {
    return this.#alone(async () =>
      this.#adopt(await change("POST", `${CURRENT}/extend`, undefined, { token: this.token }))
    );
  }

  /**
   * Freeze the hold while it is paid; its token, or undefined when that did not work.
   *
   * @returns {Promise<string | undefined>}
   */
  freeze() {
    return this.#alone(async () => {
      if (this.granted && !this.frozenBy) await this.#askToFreeze();
      return this.token ?? undefined;
    });
  }

  /** Unfreeze the hold, so that it can be changed again. */
  thaw() {
    return this.#alone(async () =>
      this.#adopt(await change("DELETE", `${CURRENT}/checkout`, undefined, { token: this.token }))
    );
  }

  /** The event is cancelled: drop the hold here, and release it on the server before its time is up. */
  letGo() {
    const token = this.token;
    if (!token) return;
    this.#lose({ code: "event_cancelled", details: {} }, token);
    change("DELETE", CURRENT, undefined, { token }).catch(() => undefined);
  }

  /**
   * Book what is held; the booking, or undefined when that did not work.
   *
   * @returns {Promise<BookingBody | undefined>}
   */
  book() {
    return this.#alone(async () => {
      const booking = /** @type {BookingBody} */ (await change("POST", "/bookings", {
        holdToken: this.token,
        expectedTotal: /** @type {HoldBody} */ (this.granted).total,
        expectedRevision: /** @type {HoldBody} */ (this.granted).revision,
      }));
      this.#adopt(null, { booked: [...this.held], version: booking.version });
      return booking;
    });
  }

  /** Ask the server for the hold that this browser remembers. Raises a `Problem` that is not about the hold. */
  async restore() {
    const token = this.#memory.token(this.token);
    if (!token) {
      if (this.granted) this.#adopt(null);
      return;
    }
    try {
      this.#adopt(/** @type {{body: HoldBody}} */ (await get(CURRENT, { token })).body);
    } catch (/** @type {any} */ problem) {
      if (!ENDED.has(problem.code) && problem.code !== "hold_booked") throw problem;
      this.#lose(problem, token);
    }
  }

  // Wishes

  async #go() {
    this.onChange();
    if (this.#busy) return;
    await this.#alone(() => this.#send());
    if (!this.#wishes.isEmpty) await this.#go();
  }

  async #send() {
    const wishes = this.#wishes.send();
    try {
      const { add, remove, isEmpty, leavesNothing } = difference(wishes, this.granted, {
        held: this.held,
        ids: this.model.ids,
      });
      if (isEmpty) return;
      const types = this.#typesToName(add.seats);
      if (!this.granted) await this.#place({ ...add, ticketTypes: types });
      else if (leavesNothing) await this.#giveBack();
      else await this.#amend(add, remove, types);
    } catch (/** @type {any} */ problem) {
      this.#wishes.reconsider(problem, this.model.ids);
      throw problem;
    } finally {
      this.#wishes.settle();
    }
  }

  /**
   * The ticket types to send for these seats, by id: wished ones, and those that the server has no default for.
   *
   * @param {string[]} ids
   * @param {Record<string, string>} [wished]
   */
  #typesToName(ids, wished = {}) {
    /** @type {Record<string, string>} */
    const types = {};
    for (const id of ids) {
      const named = wished[id] ??
        this.tariff().typeToName(this.model.category[/** @type {number} */ (this.model.number(id))]);
      if (named) types[id] = named;
    }
    return types;
  }

  // Calls

  /**
   * Run one call at a time, in this tab and among tabs; a problem goes to `onProblem`.
   *
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T | undefined>}
   */
  async #alone(work) {
    while (this.#busy) await this.#busy;
    const run = async () => {
      let token = null;
      try {
        if (this.#memory.token(this.token) !== this.token) await this.restore();
        token = this.token;
        return await work();
      } catch (/** @type {any} */ problem) {
        if (ENDED.has(problem.code) || problem.code === "hold_booked") this.#lose(problem, token);
        else {
          if (STALE.has(problem.code)) await this.restore().catch(() => undefined);
          this.onProblem(problem);
        }
        return undefined;
      }
    };
    const running = navigator.locks ? navigator.locks.request(this.#memory.key, run) : run();
    this.#busy = running.catch(() => undefined);
    this.onChange();
    try {
      return await running;
    } finally {
      this.#busy = null;
      this.onChange();
    }
  }

  /** @param {object} body */
  async #place(body) {
    this.#adopt(await change("POST", `/events/${encodeURIComponent(this.eventId)}/holds`, withoutEmpty(body)));
  }

  /**
   * @param {Part} add
   * @param {Part} remove
   * @param {Record<string, string>} ticketTypes
   */
  async #amend(add, remove, ticketTypes) {
    const body = withoutEmpty({ add: withoutEmpty(add), remove: withoutEmpty(remove), ticketTypes });
    this.#adopt(await change("PATCH", CURRENT, body, { token: this.token }));
  }

  async #askToFreeze() {
    try {
      this.#adopt(await change("POST", `${CURRENT}/checkout`, undefined, { token: this.token }));
    } catch (/** @type {any} */ problem) {
      // Frozen by another tab, or unfrozen once before; then the shop freezes the hold when it reads it.
      if (problem.code === "hold_frozen") await this.restore();
      else if (problem.code !== "freeze_used") throw problem;
    }
  }

  /** Whether the hold is frozen; then a wish is refused here. */
  #isFrozen() {
    if (this.frozenBy) this.onProblem(new Problem(409, "hold_frozen", "These seats are being paid."));
    return this.frozenBy !== null;
  }

  async #giveBack() {
    await change("DELETE", CURRENT, undefined, { token: this.token });
    this.#adopt(null);
  }

  /**
   * Make the new hold first and release the old one then, so that a buyer never ends with nothing.
   *
   * @param {object} body
   */
  async #replace(body) {
    const before = this.token;
    await this.#place(body);
    if (before) await change("DELETE", CURRENT, undefined, { token: before }).catch(() => undefined);
  }

  /**
   * @param {HoldBody | null} granted
   * @param {{booked?: number[], version?: number}} [ours]
   */
  #adopt(granted, { booked = [], version = granted?.version ?? -1 } = {}) {
    const before = this.held;
    this.granted = granted && { ...granted, lines: merged(granted.lines) };
    this.held = new Set((granted?.seats ?? []).map((id) => this.model.number(id)).filter((seat) => seat !== undefined));
    this.#memory.keep(this.granted);
    this.onChange({
      version,
      held: [...this.held],
      booked,
      released: [...before].filter((seat) => !this.held.has(seat)),
    });
  }

  /**
   * The hold with this token is over; report that once.
   *
   * @param {Refusal} problem
   * @param {string | null} token
   */
  #lose(problem, token) {
    // Several calls may learn of it: the countdown and the connection ask at the same moment, after a sleep too.
    // The second report would lack the seats that were lost, or end a hold that was made since.
    if (token === this.#ended) return;
    this.#ended = token;
    const lost = this.granted;
    this.#adopt(null);
    this.onProblem(problem, lost);
  }
}

/** @param {object} fields */
function withoutEmpty(fields) {
  /** @param {unknown} value */
  const isEmpty = (value) =>
    value === undefined || (typeof value === "object" && !Object.keys(/** @type {object} */ (value)).length);
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}
