// Owns the head of the page: the event's name, whether it is on sale, the counters, and the switch that pauses
// the sale, for keys that may use it.
//
// Modules: showHead(event), Counters({tally, sales, state, money}), SaleSwitch({event, onEvent}).

import { serverNow } from "../net/api.js";
import { byId } from "../ui/dom.js";
import { notify } from "../ui/notices.js";
import { saleOf } from "../sale/sale.js";
import { moment } from "../ui/times.js";
import { confirm } from "../ui/confirm.js";
import { mayManage } from "./key.js";
import { percent } from "./occupancy-chart.js";
import { nameInPicker } from "./picker.js";
import { refusalOf } from "./refusals.js";
import { write } from "./server.js";

/** @import { EventBody } from "../net/api.js" */
/** @import { Shared } from "./panels.js" */

const SHOW_EVERY_MS = 200;

/**
 * Show the event in the title, the head and the choice of events.
 *
 * @param {EventBody} event
 */
export function showHead(event) {
  document.title = `${event.name} · box office`;
  byId("title").textContent = event.name;
  byId("subtitle").textContent = `${moment(event.startsAt, event.timeZone)} · ${event.venueName}`;
  nameInPicker(event);
}

export class Counters {
  #timer = 0;

  /** @param {Shared} options */
  constructor(options) {
    this.tally = options.tally;
    this.sales = options.sales;
    this.state = options.state;
    this.money = options.money;
  }

  /** Count again, a few times a second at the most. */
  refresh() {
    this.#timer ||= setTimeout(() => this.#show(), SHOW_EVERY_MS);
  }

  #show() {
    this.#timer = 0;
    const total = this.tally.total;
    for (const name of /** @type {const} */ (["available", "held", "booked", "blocked"])) {
      byId(`count-${name}`).textContent = total[name].toLocaleString();
      byId(`part-${name}`).textContent = percent(total[name], total.size);
    }
    const { bookings, amount } = this.sales.totals;
    const isKnown = this.state() === "live";
    byId("count-revenue").textContent = isKnown || bookings ? this.money().full(amount) : "…";
    byId("part-revenue").textContent =
      /** @type {Record<string, string>} */ ({ reading: "reading…", lost: "out of date" })[this.state()] ??
        `${bookings.toLocaleString()} ${bookings === 1 ? "booking" : "bookings"}`;
  }
}

export class SaleSwitch {
  /** @param {Shared & {onEvent: (event: EventBody) => void}} options */
  constructor(options) {
    this.model = options.model;
    this.event = options.event;
    this.onEvent = options.onEvent;
    this.button = byId("sale-switch", "button");
    this.button.addEventListener("click", () => this.#press());
  }

  refresh() {
    const { status } = this.event();
    const sale = saleOf(this.event(), serverNow());
    const chip = byId("sale-chip");
    chip.hidden = false;
    chip.textContent = sale.chip || "On sale";
    chip.className = `chip ${sale.tone || "good"}`;
    this.button.hidden = !mayManage() || status === "cancelled";
    this.button.textContent = status === "on_sale" ? "Pause the sale" : "Resume the sale";
  }

  async #press() {
    const status = this.event().status === "on_sale" ? "paused" : "on_sale";
    const isPause = status === "paused";
    const text = isPause
      ? "Buyers cannot choose seats until it is resumed. What they hold they may still book."
      : "Buyers can choose seats again at once.";
    if (
      !(await confirm({
        title: isPause ? "Pause the sale?" : "Resume the sale?",
        text,
        button: isPause ? "Pause" : "Resume",
      }))
    ) return;
    this.button.disabled = true;
    try {
      this.onEvent(
        /** @type {EventBody} */ (await write("PATCH", `/events/${encodeURIComponent(this.event().id)}`, { status })),
      );
    } catch (/** @type {any} */ problem) {
      notify(refusalOf(problem, this.model).sentence);
    }
    this.button.disabled = false;
  }
}
