// Owns the reading of an event's bookings: all of them once, as lines while they come, and after each
// change of seats those that changed since. It asks a little further back than it has to, since what is
// told twice does no harm.
//
// Modules: Ledger({eventId, sales, onChange}); .start(), .wake(), .stop().

import { serverNow } from "../api.js";
import { readLines } from "./server.js";

// A busy sale is looked at this often and no more.
const EVERY_MS = 1_500;
const AGAIN_MS = 5_000;
// A booking may carry a time that lies two seconds ahead, and our clock is known to a second.
const OVERLAP_MS = 15_000;
// While all of it comes, show what there is this often.
const SHOW_EVERY_MS = 400;

export class Ledger {
  #since = null;
  #isDue = true;
  #isStopped = false;
  #wake = null;

  constructor({ eventId, sales, onChange }) {
    this.path = `/events/${encodeURIComponent(eventId)}/bookings`;
    this.sales = sales;
    this.onChange = onChange;
  }

  /** "reading" until all of it was read once, then "live"; "lost" while it cannot be read. */
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
    this.sales.clear();
    this.wake();
  }

  stop() {
    this.#isStopped = true;
    this.#wake?.();
  }

  async #read() {
    const begun = serverNow();
    let shownAt = begun;
    const query = this.#since === null ? "" : `?updatedSince=${encodeURIComponent(new Date(this.#since).toISOString())}`;
    try {
      await readLines(this.path + query, (booking) => {
        this.sales.put(booking);
        if (this.#since !== null || serverNow() - shownAt < SHOW_EVERY_MS) return;
        shownAt = serverNow();
        this.onChange();
      });
      this.#since = begun - OVERLAP_MS;
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

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
