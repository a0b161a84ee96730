// Owns the panel about the selection: how many seats of which status are in it, which places of standing
// areas, and ways to narrow it. What is done with it is sell.js's and block.js's.
//
// Modules: SelectionPanel({model, seats, selection, onShow}); .refresh().

import { byId, make, stepper } from "../ui/dom.js";
import { BLOCKED, BOOKED, FREE, HELD } from "../map/seats.js";
import { seatsText, seatsWord, statusName } from "./names.js";

/** @import { Stepper } from "../ui/dom.js" */
/** @import { Area } from "../map/parse.js" */
/** @import { Shared } from "./panels.js" */

export class SelectionPanel {
  /** @type {(Stepper & {about: HTMLElement, input: HTMLInputElement})[]} */
  #steppers = [];

  /** @param {Shared} options */
  constructor(options) {
    this.model = options.model;
    this.seats = options.seats;
    this.selection = options.selection;
    this.onShow = options.onShow;
    byId("selection-clear").addEventListener("click", () => this.selection.clear());
    byId("selection-show").addEventListener("click", () => this.onShow(this.selection.list));
    byId("selection-areas").replaceChildren(...this.model.areas.map((area, number) => this.#areaRow(area, number)));
    this.refresh();
  }

  refresh() {
    const { selection } = this;
    const seats = selection.list;
    byId("selection-none").hidden = selection.count > 0;
    byId("selection-some").hidden = !selection.size;
    byId("selection-title").textContent = selection.count ? `Selected: ${this.#sum()}` : "Nothing is selected";
    byId("selection-seats").textContent = seats.length ? seatsText(seats, this.model) : "";
    byId("selection-keep").replaceChildren(...this.#keepers(seats));
    for (const [number, each] of this.#steppers.entries()) {
      const counts = this.seats.areas[number];
      each.set(selection.placesOf(number), { most: counts.available + counts.blocked });
      each.about.textContent =
        `${counts.available.toLocaleString()} available · ${counts.blocked.toLocaleString()} blocked`;
      if (each.input !== document.activeElement) each.input.value = String(selection.placesOf(number) || "");
    }
  }

  #sum() {
    const places = this.selection.count - this.selection.size;
    return [
      this.selection.size ? seatsWord(this.selection.size) : "",
      places ? `${places.toLocaleString()} standing` : "",
    ].filter(Boolean).join(" and ");
  }

  /**
   * How many of each status there are, each a way to keep these alone.
   *
   * @param {number[]} seats
   */
  #keepers(seats) {
    const counts = new Map();
    for (const seat of seats) counts.set(this.seats.status[seat], (counts.get(this.seats.status[seat]) ?? 0) + 1);
    return [FREE, HELD, BOOKED, BLOCKED].filter((status) => counts.get(status)).map((status) => {
      const text = `${/** @type {number} */ (counts.get(status)).toLocaleString()} ${statusName(status)}`;
      if (counts.size < 2) return make("span", { className: `chip status-${status}`, textContent: text });
      const button = make("button", {
        type: "button",
        className: `small status-${status}`,
        textContent: text,
        title: "Keep only these",
        "aria-label": `${text}: keep only these`,
      });
      button.addEventListener("click", () => this.selection.keep((seat) => this.seats.status[seat] === status));
      return button;
    });
  }

  /**
   * @param {Area} area
   * @param {number} number
   */
  #areaRow(area, number) {
    const about = make("span");
    const each = stepper({
      label: `${area.label}, places`,
      onStep: (wanted) => this.selection.setPlaces(number, wanted),
    });
    const input = make("input", {
      type: "number",
      min: "0",
      max: String(area.capacity),
      inputMode: "numeric",
      "aria-label": `${area.label}, number of places`,
    });
    input.addEventListener("change", () => {
      const wanted = Math.min(area.capacity, Math.max(0, Math.floor(Number(input.value)) || 0));
      this.selection.setPlaces(number, wanted);
    });
    /** @type {HTMLElement} */ (each.element.querySelector("output")).replaceWith(input);
    this.#steppers.push({ ...each, about, input });
    return make(
      "div",
      { className: "area-row" },
      make("div", { className: "about" }, make("b", { textContent: area.label }), about),
      each.element,
    );
  }
}
