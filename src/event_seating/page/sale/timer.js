// Owns the countdown of the hold, by the server's clock: when it ticks, warns and ends, and that it notices when
// a laptop slept. What an end means is the caller's.
//
// Modules: Countdown({onTick, onEnd, onWake}); .run(until), .stop().

import { say, sayNow } from "../ui/announce.js";
import { serverNow } from "../net/api.js";
import { spoken } from "../ui/times.js";

/** From here on it is shown as a warning, with a way to extend. */
export const WARN_MS = 120_000;
const SPOKEN_AT_MS = [300_000, 120_000, 60_000];
const TICK_MS = 500;
// A tick this late, or before the last one, means that the machine slept or that its clock was set.
const SLEPT_MS = 8_000;
// After the end, until `onEnd` is called again; the server may have extended the hold.
const END_AGAIN_MS = 2_000;

export class Countdown {
  #timer = 0;
  /** @type {number | null} */
  #until = null;
  #left = Infinity;
  #tickedAt = 0;
  #endedAt = 0;

  /** @param {{onTick: (left: number) => void, onEnd: () => void, onWake: () => void}} callbacks */
  constructor({ onTick, onEnd, onWake }) {
    this.onTick = onTick;
    this.onEnd = onEnd;
    this.onWake = onWake;
    document.addEventListener("visibilitychange", () => document.hidden || this.#until === null || this.onWake());
  }

  /**
   * Count down to this time, in ms since 1970.
   *
   * @param {number} until
   */
  run(until) {
    if (this.#until === until) return;
    this.#until = until;
    this.#left = until - serverNow();
    this.#endedAt = 0;
    this.#tickedAt = Date.now();
    clearInterval(this.#timer);
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.onTick(this.#left);
  }

  stop() {
    clearInterval(this.#timer);
    this.#until = null;
  }

  #tick() {
    const now = Date.now();
    if (Math.abs(now - this.#tickedAt) > SLEPT_MS) this.onWake();
    this.#tickedAt = now;
    const left = /** @type {number} */ (this.#until) - serverNow();
    for (const mark of SPOKEN_AT_MS) {
      if (this.#left > mark && left <= mark && left > 0)
        (mark === WARN_MS ? sayNow : say)(`${spoken(mark)} left for your seats.`);
    }
    this.#left = left;
    this.onTick(left);
    if (left <= 0 && Math.abs(now - this.#endedAt) >= END_AGAIN_MS) {
      this.#endedAt = now;
      this.onEnd();
    }
  }
}
