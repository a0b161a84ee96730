// Owns the sale of what is selected, without a hold: ticket types, the order and the user, also from
// blocked seats. The sum that it shows before is the page's; what counts is the server's answer.
//
// Modules: SellForm({eventId, model, seats, selection, tariff, money, onBooking}); .refresh().

import { byId, make } from "../ui/dom.js";
import { BLOCKED, FREE } from "../map/seats.js";
import { ticketsText, typeText } from "./names.js";
import { Outcome } from "./outcome.js";
import { refusalOf } from "./refusals.js";
import { toMinor } from "./sales.js";
import { write } from "./server.js";

/** @import { BookingBody } from "../net/api.js" */
/** @import { Shared } from "./panels.js" */

// In one booking, as the server takes it.
const SEATS_MAX = 1_000;
// So many seats get a ticket type each; of more a type is chosen for all of a category.
const LINES_MAX = 40;

export class SellForm {
  /** @type {Map<string, string>} */
  #types = new Map();
  #isBusy = false;

  /** @param {Shared} options */
  constructor(options) {
    this.eventId = options.eventId;
    this.model = options.model;
    this.seats = options.seats;
    this.selection = options.selection;
    this.tariff = options.tariff;
    this.money = options.money;
    this.onBooking = options.onBooking;
    this.outcome = new Outcome(byId("sell-outcome"));
    byId("sell").addEventListener("click", () => this.#sell());
    byId("sell-blocked").addEventListener("change", () => this.refresh());
  }

  /** Show what the selection would be as a booking. */
  refresh() {
    const { selection, seats } = this;
    const list = selection.list;
    for (const key of this.#types.keys())
      if (!key.startsWith("area ") && !key.startsWith("all ") && !selection.has(Number(key))) this.#types.delete(key);
    const blocked = list.filter((seat) => seats.status[seat] === BLOCKED).length;
    const taken = list.filter((seat) => seats.status[seat] !== BLOCKED && seats.status[seat] !== FREE).length;
    byId("sell-lines").replaceChildren(...this.#lines(list));
    const tooMany = selection.count > SEATS_MAX;
    const needsBlocked = blocked > 0 && !byId("sell-blocked", "input").checked;
    byId("sell-hint").textContent = [
      tooMany ? `At most ${SEATS_MAX.toLocaleString()} seats go into one booking.` : "",
      needsBlocked
        ? `${blocked.toLocaleString()} of them ${blocked === 1 ? "is" : "are"} blocked: allow it above.`
        : "",
      taken
        ? `${taken.toLocaleString()} of them ${
          taken === 1 ? "is" : "are"
        } held or booked already: keep only the others.`
        : "",
    ].filter(Boolean).join(" ");
    byId("sell", "button").disabled = this.#isBusy || !selection.count || tooMany || needsBlocked;
    byId("sell").textContent = selection.count
      ? `Sell ${ticketsText(selection.count)} · ${this.money().full(this.#sum(list))}`
      : "Sell";
  }

  /**
   * A choice of ticket type for each seat, or for each category when there are many.
   *
   * @param {number[]} list
   */
  #lines(list) {
    const { model } = this;
    const tariff = this.tariff();
    const lines = [];
    const several = list.filter((seat) => tariff.types(model.category[seat]).length > 1);
    if (several.length && list.length <= LINES_MAX) {
      for (const seat of several) lines.push(this.#line(model.describe(seat), String(seat), model.category[seat]));
    } else {
      for (const category of new Set(several.map((each) => model.category[each]))) {
        lines.push(this.#line(`All of ${model.categories[category].label}`, `all ${category}`, category));
      }
    }
    for (const [area, places] of this.selection.places) {
      const { label, category } = model.areas[area];
      if (tariff.types(category).length > 1)
        lines.push(this.#line(`${label}, ${places.toLocaleString()} places`, `area ${area}`, category));
    }
    return lines;
  }

  /**
   * @param {string} label
   * @param {string} key
   * @param {number} category
   */
  #line(label, key, category) {
    const tariff = this.tariff();
    const select = make(
      "select",
      { "aria-label": `Ticket type: ${label}` },
      ...tariff.types(category).map(([type, price]) =>
        make("option", { value: type, textContent: `${typeText(tariff, type)} · ${this.money().plain(price)}` })
      ),
    );
    select.value = /** @type {string} */ (this.#type(key, category));
    select.addEventListener("change", () => {
      this.#types.set(key, select.value);
      this.refresh();
      /** @type {HTMLElement | null} */ (byId("sell-lines").querySelector(
        `[aria-label="${CSS.escape(/** @type {string} */ (select.getAttribute("aria-label")))}"]`,
      ))?.focus();
    });
    return make("li", {}, make("span", { className: "what", textContent: label }), select);
  }

  /**
   * @param {string} key
   * @param {number} category
   */
  #type(key, category) {
    return this.#types.get(key) ?? this.tariff().types(category)[0]?.[0];
  }

  /**
   * @param {number} seat
   * @param {boolean} isMany
   */
  #typeOf(seat, isMany) {
    const category = this.model.category[seat];
    return this.#type(isMany ? `all ${category}` : String(seat), category);
  }

  /** @param {number[]} list */
  #sum(list) {
    const isMany = list.length > LINES_MAX;
    /**
     * @param {number} category
     * @param {string | undefined} type
     */
    const price = (category, type) =>
      toMinor(String(this.tariff().types(category).find(([name]) => name === type)?.[1] ?? "0"));
    let sum = 0;
    for (const seat of list) sum += price(this.model.category[seat], this.#typeOf(seat, isMany));
    for (const [area, places] of this.selection.places) {
      const { category } = this.model.areas[area];
      sum += places * price(category, this.#type(`area ${area}`, category));
    }
    return sum;
  }

  #body() {
    const { model, selection } = this;
    const list = selection.list;
    const isMany = list.length > LINES_MAX;
    /** @type {Record<string, string>} */
    const ticketTypes = {};
    for (const seat of list) {
      const type = this.#typeOf(seat, isMany);
      if (type) ticketTypes[model.ids[seat]] = type;
    }
    const areas = Object.fromEntries(selection.places.map(([area, places]) => {
      const { id, category } = model.areas[area];
      const type = this.#type(`area ${area}`, category);
      return [id, type ? { [type]: places } : places];
    }));
    return {
      eventId: this.eventId,
      seats: list.map((seat) => model.ids[seat]),
      areas,
      ticketTypes,
      from: byId("sell-blocked", "input").checked ? ["available", "blocked"] : ["available"],
      orderRef: byId("sell-order", "input").value.trim() || undefined,
      userId: byId("sell-user", "input").value.trim() || undefined,
    };
  }

  async #sell() {
    this.#isBusy = true;
    this.refresh();
    this.outcome.busy("One moment…");
    try {
      const booking = /** @type {BookingBody} */ (await write("POST", "/bookings", this.#body()));
      this.#sold(booking);
    } catch (/** @type {any} */ problem) {
      const refusal = refusalOf(problem, this.model);
      const out = { label: "Take those out of the selection", run: () => this.selection.remove(refusal.seats) };
      this.outcome.refused(refusal, refusal.seats.length ? [out] : []);
    }
    this.#isBusy = false;
    this.refresh();
  }

  /** @param {BookingBody} booking */
  #sold(booking) {
    const count = booking.lines.reduce((sum, line) => sum + (line.quantity ?? 1), 0);
    this.outcome.done(`Sold: ${ticketsText(count)} for ${this.money().plain(booking.total)}.`, [], [
      { label: "Show the booking", run: () => this.onBooking(booking.id) },
    ]);
    this.#types.clear();
    this.selection.clear();
    byId("sell-order", "input").value = "";
    byId("sell-user", "input").value = "";
    byId("sell-blocked", "input").checked = false;
  }
}
