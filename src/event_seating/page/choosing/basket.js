// Owns the basket: section, row, seat and price of what is held, a button to give each back, the total, the
// remaining time, and the button that goes on.
//
// Modules: Basket({model, hold, tariff, onGo, onExtend, onRemove, onShow, onType}); .show(), .tick(left).

import { byId, icon, make } from "../ui/dom.js";
import { WARN_MS } from "../sale/timer.js";
import { clock } from "../ui/times.js";

/** @import { Line, Money } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Way } from "../sale/deployment.js" */
/** @import { Hold } from "../sale/hold.js" */
/** @import { Tariff } from "../sale/tariff.js" */

/** @typedef {Line & {number: number, wished?: undefined}} Held The seat's number, or -1 for places and seats that are not on the map. */
/**
 * A seat that the server was asked for.
 *
 * @typedef {{seat: string, number: number, wished: true, label: string, area?: undefined, quantity?: undefined}} Wished
 */
/** @typedef {Held | Wished} Item */

/**
 * @typedef {object} BasketOptions
 * @property {SeatModel} model
 * @property {Hold} hold
 * @property {Way} booking
 * @property {() => Tariff} tariff
 * @property {() => string} hint
 * @property {() => unknown} onGo
 * @property {() => unknown} onExtend
 * @property {(line: Item) => void} onRemove
 * @property {(seat: number) => void} onShow
 * @property {(id: string, type: string) => unknown} onType
 */

const GO = { here: "Book now", checkout: "Go to checkout", elsewhere: "Finish" };

export class Basket {
  #rendered = "";

  /** @param {BasketOptions} options */
  constructor(options) {
    this.model = options.model;
    this.hold = options.hold;
    this.booking = options.booking;
    this.tariff = options.tariff;
    this.hint = options.hint;
    this.onGo = options.onGo;
    this.onExtend = options.onExtend;
    this.onRemove = options.onRemove;
    this.onShow = options.onShow;
    this.onType = options.onType;
    byId("go").textContent = GO[this.booking];
    byId("go").addEventListener("click", () => this.onGo());
    byId("extend").addEventListener("click", () => this.onExtend());
  }

  show() {
    const { hold } = this;
    const lines = this.#lines();
    const count = hold.count;
    const granted = hold.granted;
    byId("side").dataset.basket = count || granted ? "filled" : "empty";
    byId("basket-title").textContent = count ? `${count} ${count === 1 ? "ticket" : "tickets"}` : "Your seats";
    const total = granted ? this.tariff().text(granted.total) : "";
    byId("basket-sum").textContent = total;
    byId("total").textContent = total;
    byId("total-row").hidden = !granted;
    byId("basket-hint").hidden = lines.length > 0;
    byId("basket-hint").textContent = this.hint();
    byId("go").hidden = !granted;
    byId("go", "button").disabled = hold.isBusy;
    byId("extend", "button").disabled = hold.isBusy;
    byId("extend").hidden = Boolean(hold.frozenBy);
    byId("timer").hidden = !granted;
    this.#render(lines);
  }

  /**
   * Show the remaining time, in ms.
   *
   * @param {number} left
   */
  tick(left) {
    byId("time").textContent = clock(left);
    byId("timer").classList.toggle("soon", left <= WARN_MS);
  }

  /** @returns {Item[]} */
  #lines() {
    const kept = new Set(this.hold.kept);
    /** @type {Item[]} */
    const lines = [];
    for (const line of this.hold.granted?.lines ?? []) {
      const seat = line.seat === undefined ? -1 : this.model.number(line.seat) ?? -1;
      if (seat >= 0 && !kept.has(seat)) continue;
      lines.push({ ...line, number: seat });
    }
    for (const seat of this.hold.wished)
      lines.push({ seat: this.model.ids[seat], number: seat, wished: true, label: this.model.describe(seat) });
    return lines;
  }

  /** @param {Item[]} lines */
  #render(lines) {
    // Lines that stay the same are not made again: they would lose the focus.
    const stamp = JSON.stringify([lines, this.hold.frozenBy]);
    if (stamp === this.#rendered) return;
    this.#rendered = stamp;
    const at = [...byId("lines").children].findIndex((item) => item.contains(document.activeElement));
    byId("lines").replaceChildren(...lines.map((line) => this.#item(line)));
    if (at < 0) return;
    const items = byId("lines").children;
    const next = items[Math.min(at, items.length - 1)]?.querySelector("button");
    (next ?? byId("basket-toggle")).focus({ preventScroll: true });
  }

  /** @param {Item} line */
  #item(line) {
    const category = line.number >= 0 ? this.model.category[line.number] : -1;
    const label = /** @type {number} */ (line.quantity) > 1 ? `${line.quantity} × ${line.label}` : line.label;
    const what = make(
      "div",
      { className: "what" },
      label,
      make("small", { textContent: this.#about(line) }),
      this.#types(line, category),
    );
    const remove = make("button", {
      type: "button",
      className: "icon",
      "aria-label": `Give back ${line.label}`,
      disabled: Boolean(this.hold.frozenBy),
    });
    remove.append(icon("M6 6l12 12M18 6L6 18"));
    remove.addEventListener("click", () => this.onRemove(line));
    if (line.number >= 0)
      what.addEventListener(
        "click",
        ({ target }) => /** @type {Element} */ (target).tagName !== "SELECT" && this.onShow(line.number),
      );
    return make(
      "li",
      { className: line.wished ? "wished" : "" },
      what,
      make("span", { className: "price", textContent: line.wished ? "…" : this.#price(line) }),
      remove,
    );
  }

  /** @param {Item} line */
  #about(line) {
    if (line.wished) return "being held for you…";
    const number = this.model.categories.findIndex(({ key }) => key === line.category);
    const label = this.model.categories[number]?.label ?? line.category;
    const types = this.tariff().types(number);
    const isOnly = types.length === 1 && types[0][0] === line.ticketType;
    const isChosen = line.number >= 0 && this.#typesOf(line, number).length > 0;
    return isOnly || isChosen ? label : `${label} · ${this.tariff().label(line.ticketType)}`;
  }

  /** @param {Held} line */
  #price(line) {
    return this.tariff().text(line.quantity ? Number(line.price) * line.quantity : line.price);
  }

  /**
   * The types to choose from; none when there is only one, or when the line has a type that is not for buyers.
   *
   * @param {Held} line
   * @param {number} category
   * @returns {[string, Money][]}
   */
  #typesOf(line, category) {
    const types = this.tariff().types(category);
    return types.length > 1 && types.some(([type]) => type === line.ticketType) ? types : [];
  }

  /**
   * A choice of ticket types, for a seat that has one.
   *
   * @param {Item} line
   * @param {number} category
   */
  #types(line, category) {
    if (line.wished || category < 0) return null;
    const types = this.#typesOf(line, category);
    if (!types.length) return null;
    const choice = make(
      "select",
      { "aria-label": `Ticket type of ${line.label}`, disabled: Boolean(this.hold.frozenBy) },
      ...types.map(([type, amount]) =>
        make("option", {
          value: type,
          textContent: `${this.tariff().label(type)} · ${this.tariff().short(amount)}`,
          selected: type === line.ticketType,
        })
      ),
    );
    choice.addEventListener("change", () => this.onType(/** @type {string} */ (line.seat), choice.value));
    return choice;
  }
}
