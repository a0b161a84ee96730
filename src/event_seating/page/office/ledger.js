// Owns the reading of an event's bookings: all of them once, line by line, and after each change of seats those
// that changed since. The server reads its answer in several steps, so a change meanwhile may be missing while
// later ones are there. So each reading starts where the one before the last ended: a booking that comes twice
// does no harm.
//
// Modules: Ledger({eventId, sales, onChange}); .start(), .wake(), .stop().

import { serverNow } from "../net/api.js";
import { readLines } from "./server.js";

/** @import { BookingBody } from "../net/api.js" */
/** @import { Sales } from "./sales.js" */

/** @typedef {"reading" | "live" | "lost"} State */

// At most this often, however busy the sale is.
const EVERY_MS = 1_500;
const RETRY_AFTER_MS = 5_000;
// The first reading is dated by its beginning, on a clock that may be seconds wrong.
const OVERLAP_MS = 15_000;
// During the first reading, what has come is shown this often.
const SHOW_EVERY_MS = 400;

export class Ledger {
  /** @type {number | null} */
  #since = null;
  #newest = 0;
  #isDue = true;
  #isStopped = false;
  /** @type {((value?: unknown) => void) | null} */
  #wake = null;

  /** @param {{eventId: string, sales: Sales, onChange: () => void}} options */
  constructor({ eventId, sales, onChange }) {
    this.path = `/events/${encodeURIComponent(eventId)}/bookings`;
    this.sales = sales;
    this.onChange = onChange;
  }

  /**
   * "reading" until all bookings were read once, then "live"; "lost" while they cannot be read.
   *
   * @type {State}
   */
  state = "reading";

  async start() {
    while (!this.#isStopped) {
      if (!this.#isDue) await new Promise((resolve) => (this.#wake = resolve));
      this.#isDue = false;
      const isRead = await this.#read();
      await pause(isRead ? EVERY_MS : RETRY_AFTER_MS);
    }
  }

  /** Something changed: read what. */
  wake() {
    this.#isDue = true;
    this.#wake?.();
  }

  /** Another epoch: forget all and read everything again. */
  reset() {
    this.#since = null;
    this.#newest = 0;
    this.sales.clear();
    this.wake();
  }

  stop() {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #read() {
    const begun = serverNow();
    const before = this.#newest;
    let shownAt = begun;
    const query = this.#since === null
      ? ""
      : `?updatedSince=${encodeURIComponent(new Date(this.#since).toISOString())}`;
    try {
      await readLines(this.path + query, (/** @type {BookingBody} */ booking) => {
        this.sales.put(booking);
        this.#newest = Math.max(this.#newest, Date.parse(booking.updatedAt));
        if (this.#since !== null || serverNow() - shownAt < SHOW_EVERY_MS) return;
        shownAt = serverNow();
        this.onChange();
      });
      this.#since = this.#since === null ? begun - OVERLAP_MS : Math.max(this.#since, before);
      this.state = "live";
    } catch {
      // key.js asks for another key when this one was refused.
      this.state = "lost";
      this.#isDue = true;
    }
    this.onChange();
    return this.state === "live";
  }
}

/** @param {number} ms */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
