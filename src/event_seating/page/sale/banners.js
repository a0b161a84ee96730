// Owns the two lasting messages over the map: how the line to the server is, and what the sale is at. A
// line that is back within a moment is not worth a word.
//
// Modules: showConnection(state), showSale(sale, {soldOut, holds}).

import { say } from "../ui/announce.js";
import { byId } from "../ui/dom.js";
import { forHolder } from "./sale.js";

/** @import { ConnectionState } from "../net/live.js" */
/** @import { Sale } from "./sale.js" */

const WORTH_A_WORD_MS = 1_500;

let shown = "live";
/** @type {string | null} */
let coming = null;
let timer = 0;

/**
 * "live" or "lost".
 *
 * @param {ConnectionState} state
 */
export function showConnection(state) {
  if (state === (coming ?? shown)) return;
  clearTimeout(timer);
  coming = null;
  if (state === "live") {
    if (shown !== "live") say("The connection is back.");
    tell("live");
  } else if (navigator.onLine === false) {
    tell(state);
  } else {
    coming = state;
    timer = setTimeout(() => tell(state), WORTH_A_WORD_MS);
  }
}

/** @param {ConnectionState} state */
function tell(state) {
  coming = null;
  shown = state;
  const lost = state !== "live";
  byId("map").classList.toggle("stale", lost);
  byId("connection-banner").hidden = !lost;
  byId("connection-banner").textContent = lost
    ? `${
      navigator.onLine === false ? "You are offline." : "The connection is lost."
    } What you see may be out of date; it goes on by itself.`
    : "";
}

/**
 * What keeps a buyer from choosing, if anything does; `holds` when there are seats to book all the same.
 *
 * @param {Sale} sale
 * @param {{soldOut: boolean, holds: boolean}} house
 */
export function showSale(sale, { soldOut, holds }) {
  const banner = byId("sale-banner");
  const closed = holds ? forHolder(sale) : sale.sentence;
  const text = sale.open ? (soldOut ? "Sold out. What others give back shows up here at once." : "") : closed;
  banner.hidden = !text;
  banner.className = `banner ${sale.tone || (soldOut ? "warning" : "")}`;
  // A text that is the same is not read out again.
  if (banner.textContent !== text) banner.textContent = text;
  const chip = byId("sale-chip");
  chip.textContent = sale.chip || (soldOut ? "Sold out" : "");
  chip.hidden = !chip.textContent;
  chip.className = `chip ${sale.tone || "warning"}`;
}
