// Owns what this browser remembers of a buyer's hold, for all tabs (localStorage), so that reload, the back
// button and other tabs keep it.
//
// Modules: HoldMemory(eventId); .key, .token(fallback), .keep(hold), .whenOtherTabChanges(current, listener).

/** @import { HoldBody } from "../net/api.js" */

export class HoldMemory {
  /** @param {string} eventId */
  constructor(eventId) {
    /** The name of what is stored, and of the lock among tabs. */
    this.key = `event-seating hold ${eventId}`;
  }

  /**
   * Remember this hold; null to forget.
   *
   * @param {HoldBody | null} hold
   */
  keep(hold) {
    try {
      const stamp = stampOf(hold);
      if (stamp) localStorage.setItem(this.key, stamp);
      else localStorage.removeItem(this.key);
    } catch {
      // A browser that keeps nothing: the hold lives as long as the page does.
    }
  }

  /**
   * The token that is remembered, or null; `fallback` where the browser keeps nothing.
   *
   * @param {string | null} fallback
   * @returns {string | null}
   */
  token(fallback) {
    try {
      return JSON.parse(localStorage.getItem(this.key) ?? "null")?.token ?? null;
    } catch {
      return fallback;
    }
  }

  /**
   * Call the listener after each change that another tab made and that differs from `current()`.
   *
   * @param {() => HoldBody | null} current
   * @param {() => void} listener
   */
  whenOtherTabChanges(current, listener) {
    window.addEventListener("storage", ({ key, newValue }) => {
      if (key === this.key && stampOf(current()) !== newValue) listener();
    });
  }
}

/**
 * @param {HoldBody | null} hold
 * @returns {string | null}
 */
function stampOf(hold) {
  return hold ? JSON.stringify({ token: hold.holdToken, version: hold.version, until: hold.expiresAt }) : null;
}
