// Owns the legend, which is also the filter: a switch for each price category, a highest price, and the meaning
// of the signs on the map.
//
// Modules: Legend(model, seats); .show(tariff, palette).

import { byId, make } from "../ui/dom.js";
import { LOOK } from "../map/seats.js";
import { ACCESSIBLE } from "../map/model.js";
import { Sprites } from "../map/sprites.js";

/** @import { SeatModel } from "../map/model.js" */
/** @import { Palette } from "../map/palette.js" */
/** @import { Seats } from "../map/seats.js" */
/** @import { Tariff } from "../sale/tariff.js" */

const SIGN_PX = 16;

export class Legend {
  /**
   * @param {SeatModel} model
   * @param {Seats<Tariff>} seats
   */
  constructor(model, seats) {
    this.model = model;
    this.seats = seats;
    this.used = usedCategories(model);
    /** @type {Tariff} */
    this.tariff;
    byId("max-price").addEventListener("input", () => this.#limit());
  }

  /**
   * @param {Tariff} tariff
   * @param {Palette} palette
   */
  show(tariff, palette) {
    this.tariff = tariff;
    const { hidden } = this.seats.filter;
    byId("categories").replaceChildren(...this.used.map((number) => this.#button(number, palette, hidden)));
    this.#showLimit();
    byId("signs").replaceChildren(...this.#signs(palette));
  }

  /**
   * @param {number} number
   * @param {Palette} palette
   * @param {Set<string>} hidden
   */
  #button(number, palette, hidden) {
    const { key, label } = this.model.categories[number];
    const price = this.tariff.price(number);
    const button = make(
      "button",
      { type: "button", className: "category", "aria-pressed": String(!hidden.has(key)) },
      make("i", { "aria-hidden": "true" }),
      make("b", { textContent: label }),
      make("span", { textContent: price === null ? "not sold" : this.tariff.short(price) }),
    );
    button.style.setProperty("--swatch", palette.categories[number]);
    button.addEventListener("click", () => {
      const next = new Set(this.seats.filter.hidden);
      if (!next.delete(key)) next.add(key);
      button.setAttribute("aria-pressed", String(!next.has(key)));
      this.seats.setFilter({ hidden: next });
    });
    return button;
  }

  #showLimit() {
    const levels = this.tariff.levels(this.used);
    const slider = byId("max-price", "input");
    byId("price-limit").hidden = levels.length < 2;
    if (levels.length < 2) return;
    const chosen = levels.findLastIndex((level) => level <= this.seats.filter.maxPrice);
    slider.max = String(levels.length - 1);
    slider.value = String(chosen < 0 ? levels.length - 1 : chosen);
    this.#showLimitText(levels[Number(slider.value)]);
  }

  #limit() {
    const levels = this.tariff.levels(this.used);
    const at = Number(byId("max-price", "input").value);
    this.#showLimitText(levels[at]);
    this.seats.setFilter({ maxPrice: at === levels.length - 1 ? Infinity : levels[at] });
  }

  /** @param {number} amount */
  #showLimitText(amount) {
    byId("max-price-text", "output").value = this.tariff.short(amount);
    byId("max-price").setAttribute("aria-valuetext", this.tariff.text(amount));
  }

  /** @param {Palette} palette */
  #signs(palette) {
    const ratio = Math.ceil(window.devicePixelRatio || 1);
    const sprites = new Sprites(palette, SIGN_PX * ratio);
    const category = this.used[0] ?? 0;
    if (!this.model.seatCount) return [];
    /** @type {[string, number, number][]} */
    const signs = [["free", LOOK.free, 0], ["yours", LOOK.mine, 0], ["held by others", LOOK.held, 0], [
      "sold",
      LOOK.booked,
      0,
    ]];
    if (this.model.flags.some((flags) => flags & ACCESSIBLE)) signs.push(["wheelchair place", LOOK.free, ACCESSIBLE]);
    return signs.map(([text, look, flags]) => {
      const canvas = make("canvas", { width: sprites.side, height: sprites.side, "aria-hidden": "true" });
      /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(
        sprites.of(look, category, flags),
        0,
        0,
      );
      return make("li", {}, canvas, text);
    });
  }
}

/**
 * Categories that a seat or an area has, in the map's order.
 *
 * @param {SeatModel} model
 */
function usedCategories({ category, areas, categories }) {
  const used = new Set(areas.map((area) => area.category));
  for (const number of category) used.add(number);
  return categories.map((_, number) => number).filter((number) => used.has(number));
}
