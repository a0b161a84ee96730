// Owns the two banners over the map: whether the connection to the server is lost, and what keeps buyers from
// choosing. A connection that is back within a moment shows no banner.
//
// Modules: showConnection(state), showSale(sale, {soldOut, holds}).

import { say } from "../ui/announce.js";
import { byId } from "../ui/dom.js";
import { forHolder } from "./sale.js";

/** @import { ConnectionState } from "../net/live.js" */
/** @import { Sale } from "./sale.js" */

const SHOW_AFTER_MS = 1_500;

let shown = "live";
/** @type {string | null} */
let coming = null;
let timer = 0;

/**
 * Show the state of the connection, "live" or "lost"; a loss only when it lasts.
 *
 * @param {ConnectionState} state
 */
export function showConnection(state) {
  if (state === (coming ?? shown)) return;
  clearTimeout(timer);
  coming = null;
  if (state === "live") {
    if (shown !== "live") say("The connection is back.");
    show("live");
  } else if (navigator.onLine === false) {
    show(state);
  } else {
    coming = state;
    timer = setTimeout(() => show(state), SHOW_AFTER_MS);
  }
}

/** @param {ConnectionState} state */
function show(state) {
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
 * Show what keeps a buyer from choosing, if anything does; `holds` when this buyer has seats to book all the same.
 *
 * @param {Sale} sale
 * @param {{soldOut: boolean, holds: boolean}} now
 */
export function showSale(sale, { soldOut, holds }) {
  const banner = byId("sale-banner");
  const closed = holds ? forHolder(sale) : sale.sentence;
  const text = sale.open ? (soldOut ? "Sold out. What others give back shows up here at once." : "") : closed;
  banner.hidden = !text;
  banner.className = `banner ${sale.tone || (soldOut ? "warning" : "")}`;
  // Setting the same text again would have it read aloud again.
  if (banner.textContent !== text) banner.textContent = text;
  const chip = byId("sale-chip");
  chip.textContent = sale.chip || (soldOut ? "Sold out" : "");
  chip.hidden = !chip.textContent;
  chip.className = `chip ${sale.tone || "warning"}`;
}
