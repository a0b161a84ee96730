// Owns the charts of the sale over time: tickets and revenue, both summed up, and the same as a table.
// Drawn at most once a second, and only while somebody can see them.
//
// Modules: SaleCharts({sales, state, money, zone}); .refresh(), .setShown(on).

import { serverNow } from "../net/api.js";
import { byId, make } from "../ui/dom.js";
import { timeText } from "../ui/charts/axis.js";
import { LineChart } from "../ui/charts/line-chart.js";

/** @import { Shared } from "./panels.js" */
/** @import { Curve } from "./sales.js" */

const DRAW_EVERY_MS = 1_000;
// The curve goes on while nothing is sold.
const TIME_EVERY_MS = 20_000;
const TABLE_ROWS = 13;

export class SaleCharts {
  #timer = 0;
  #drawnAt = -Infinity;
  #isShown = false;

  /** @param {Shared} options */
  constructor(options) {
    this.sales = options.sales;
    this.state = options.state;
    this.money = options.money;
    this.zone = options.zone;
    const host = byId("sale-charts");
    /** @param {number} number */
    const tickets = (number) => `${number.toLocaleString()} ${number === 1 ? "ticket" : "tickets"}`;
    /** @type {[string, "tickets" | "amounts", LineChart][]} */
    this.charts = [
      [
        "Tickets sold",
        "tickets",
        new LineChart(chartHost(host, "Tickets sold"), {
          label: "Tickets sold over time",
          least: 1,
          value: tickets,
          mark: (number) => number.toLocaleString(),
        }),
      ],
      [
        "Revenue",
        "amounts",
        new LineChart(chartHost(host, "Revenue"), {
          label: "Revenue over time",
          least: 1,
          value: (minor) => options.money().full(minor),
          mark: (minor) => options.money().mark(minor),
        }),
      ],
    ];
    this.table = byId("sale-table", "details");
    this.table.addEventListener("toggle", () => this.#draw());
    setInterval(() => this.refresh(), TIME_EVERY_MS);
  }

  /** @param {boolean} on */
  setShown(on) {
    this.#isShown = on;
    if (on) this.#draw();
  }

  refresh() {
    if (!this.#isShown || this.#timer) return;
    const wait = Math.max(0, DRAW_EVERY_MS - (performance.now() - this.#drawnAt));
    this.#timer = setTimeout(() => this.#draw(), wait);
  }

  #draw() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#isShown) return;
    this.#drawnAt = performance.now();
    const curve = this.sales.curve(serverNow());
    byId("sale-charts").hidden = !curve;
    this.table.hidden = !curve;
    byId("sale-none").hidden = Boolean(curve);
    byId("sale-none").textContent = sentenceOf(this.state());
    byId("sale-full").hidden = !this.sales.isFull;
    if (!curve) return;
    const zone = this.zone();
    byId("sale-about").textContent =
      `Summed up since the first booking; what was cancelled counts until then. Times of ${zone}.`;
    for (const [, column, chart] of this.charts) chart.show({ at: curve.at, values: curve[column], zone });
    if (this.table.open) this.#fillTable(curve, zone);
  }

  /**
   * @param {Curve} curve
   * @param {string} zone
   */
  #fillTable({ at, tickets, amounts }, zone) {
    const span = /** @type {number} */ (at.at(-1)) - at[0];
    const rows = Array.from({ length: TABLE_ROWS }, (_, row) => Math.round((row * (at.length - 1)) / (TABLE_ROWS - 1)));
    /** @type {HTMLElement} */ (this.table.querySelector("tbody")).replaceChildren(
      ...rows.map((point) =>
        make(
          "tr",
          {},
          make("th", { scope: "row", textContent: timeText(at[point], span, zone) }),
          make("td", { textContent: tickets[point].toLocaleString() }),
          make("td", { textContent: this.money().full(amounts[point]) }),
        )
      ),
    );
  }
}

/**
 * @param {HTMLElement} host
 * @param {string} title
 */
function chartHost(host, title) {
  const figure = make("figure", {}, make("figcaption", { textContent: title }));
  host.append(figure);
  return figure;
}

/** @param {string} state */
function sentenceOf(state) {
  if (state === "reading") return "Reading the bookings…";
  return state === "lost"
    ? "The bookings cannot be read at the moment; it goes on by itself."
    : "Nothing is booked yet.";
}
