// Owns the exchange of a booking's ticked seats for those that are selected on the map: first what it
// costs or gives back, then the exchange itself, in one step or not at all. A price that was shown is
// discarded as soon as either side changes.
//
// Modules: Exchange({model, selection, tariff, money, panel, outcome}); .refresh().

import { byId } from "../ui/dom.js";
import { ticketsText } from "./names.js";
import { refusalOf } from "./refusals.js";
import { toMinor } from "./sales.js";
import { write } from "./server.js";

/** @import { BookingBody, ChangedBody, Money } from "../net/api.js" */
/** @import { BookingPanel } from "./booking-panel.js" */
/** @import { Shared } from "./panels.js" */
/** @import { Outcome } from "./outcome.js" */

export class Exchange {
  /** @type {{body: string, text: string} | null} */
  #priced = null;
  #isBusy = false;

  /** @param {Shared & {panel: BookingPanel, outcome: Outcome}} options */
  constructor(options) {
    this.model = options.model;
    this.selection = options.selection;
    this.tariff = options.tariff;
    this.money = options.money;
    this.panel = options.panel;
    this.outcome = options.outcome;
    byId("exchange-price").addEventListener("click", () => this.#price());
    byId("exchange-go").addEventListener("click", () => this.#go());
    this.selection.onChange(() => this.refresh());
  }

  refresh() {
    const { part } = this.panel ?? {};
    const { selection } = this;
    const isReady = Boolean(part && selection.count);
    byId("exchange-hint").textContent = !part
      ? "Tick what is given back, and select on the map what is taken instead."
      : selection.count
      ? `Gives back what is ticked, takes the ${ticketsText(selection.count)} selected on the map.`
      : "Now select on the map what is taken instead.";
    const isPriced = this.#priced !== null && this.#priced.body === JSON.stringify(this.#body());
    if (!isPriced) this.#priced = null;
    byId("exchange-price", "button").disabled = this.#isBusy || !isReady;
    byId("exchange-go").hidden = !isPriced;
    byId("exchange-go", "button").disabled = this.#isBusy;
    byId("exchange-difference").hidden = !isPriced;
    if (isPriced) byId("exchange-difference").textContent = /** @type {{text: string}} */ (this.#priced).text;
  }

  #body() {
    const { model, selection } = this;
    const tariff = this.tariff();
    const seats = selection.list;
    /** @type {Record<string, string>} */
    const ticketTypes = {};
    for (const seat of seats) {
      const type = tariff.typeToName(model.category[seat]);
      if (type) ticketTypes[model.ids[seat]] = type;
    }
    const areas = Object.fromEntries(selection.places.map(([area, places]) => {
      const type = tariff.typeToName(model.areas[area].category);
      return [model.areas[area].id, type ? { [type]: places } : places];
    }));
    return { release: this.panel?.part, take: { seats: seats.map((seat) => model.ids[seat]), areas }, ticketTypes };
  }

  async #price() {
    const body = this.#body();
    await this.#call("?dryRun=true", body, ({ difference }) => {
      this.#priced = { body: JSON.stringify(body), text: this.#difference(difference) };
      this.outcome.done(this.#priced.text);
    });
  }

  async #go() {
    await this.#call("", this.#body(), ({ difference, ...booking }) => {
      this.#priced = null;
      this.selection.clear();
      this.panel.take(booking);
      this.panel.onShow(this.panel.numbers);
      this.outcome.done(`Exchanged. ${this.#difference(difference)}`);
    });
  }

  /**
   * @param {string} query
   * @param {object} body
   * @param {(answer: ChangedBody) => void} then
   */
  async #call(query, body, then) {
    this.#isBusy = true;
    this.refresh();
    this.outcome.busy("One moment…");
    try {
      then(
        /** @type {ChangedBody} */ (await write(
          "POST",
          `/bookings/${encodeURIComponent(/** @type {BookingBody} */ (this.panel.booking).id)}/changes${query}`,
          body,
        )),
      );
    } catch (/** @type {any} */ problem) {
      this.outcome.refused(refusalOf(problem, this.model));
    }
    this.#isBusy = false;
    this.refresh();
  }

  /** @param {Money} text */
  #difference(text) {
    const minor = toMinor(text);
    if (!minor) return "The price stays the same.";
    return minor > 0
      ? `${this.money().plain(text)} more to be paid.`
      : `${this.money().plain(/** @type {Money} */ (text.replace("-", "")))} to be given back.`;
  }
}
