// Owns the reading of an event's bookings: all of them once, as lines while they come, and after each
// change of seats those that changed since. The server reads its answer in several steps, so what changes
// meanwhile may be left out while later changes are in it: hence it asks from where the answer before the
// last one ended, since what is told twice does no harm.
//
// Modules: Ledger({eventId, sales, onChange}); .start(), .wake(), .stop().

import { serverNow } from "../net/api.js";
import { readLines } from "./server.js";

/** @import { BookingBody } from "../net/api.js" */
/** @import { Sales } from "./sales.js" */

/** @typedef {"reading" | "live" | "lost"} State */

// A busy sale is looked at this often and no more.
const EVERY_MS = 1_500;
const AGAIN_MS = 5_000;
// Of the first answer only its beginning is known, by a clock that may be seconds off.
const OVERLAP_MS = 15_000;
// While all of it comes, show what there is this often.
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
   * "reading" until all of it was read once, then "live"; "lost" while it cannot be read.
   *
   * @type {State}
   */
  state = "reading";

  async start() {
    while (!this.#isStopped) {
      if (!this.#isDue) await new Promise((resolve) => (this.#wake = resolve));
      this.#isDue = false;
      const isRead = await this.#read();
      await pause(isRead ? EVERY_MS : AGAIN_MS);
    }
  }

  /** Something moved: look what. */
  wake() {
    this.#isDue = true;
    this.#wake?.();
  }

  /** Another epoch: nothing that was known needs to be so. */
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
      // Who has no key any more is asked for one elsewhere.
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
