// Owns the chart of occupancy: for each section and area a bar of what is booked, held, blocked and
// available, from none to all of it; its numbers at the pointer or the focus; and the same as a table.
// A press on a bar shows the section on the map. Only bars that changed are drawn again.
//
// Modules: OccupancyChart({model, tally, onSection, onArea}); .refresh(sections), .setShown(on).

import { byId, make } from "../ui/dom.js";
import { STATUSES } from "./tally.js";

/** @import { Shared } from "./panels.js" */
/** @import { Tallied } from "./tally.js" */

/** @typedef {{label: string, section?: number, counts: () => Tallied, show: () => void}} Counted */

/**
 * @typedef {object} Bar
 * @property {string} label
 * @property {number} [section]
 * @property {() => Tallied} counts
 * @property {HTMLElement[]} parts
 * @property {HTMLElement} text
 * @property {HTMLElement} numbers
 * @property {HTMLElement} item
 */

export class OccupancyChart {
  /** @type {Bar[]} */
  #bars = [];
  #isShown = false;
  #stale = true;

  /** @param {Shared & {onSection: (section: number) => void, onArea: (area: number) => void}} options */
  constructor(options) {
    this.onSection = options.onSection;
    this.onArea = options.onArea;
    const { model, tally } = options;
    const sections = model.sections.map((section, number) => ({
      label: section.label,
      section: number,
      counts: () => tally.ofSection(number),
      show: () => this.onSection(number),
    }));
    const areas = model.areas.map((area, number) => ({
      label: area.label,
      counts: () => tally.ofArea(number),
      show: () => this.onArea(number),
    }));
    this.#bars = [
      ...areas,
      ...sections.filter(({ section }) => model.sections[section].start < model.sections[section].end),
    ].map(bar);
    byId("occupancy").replaceChildren(...this.#bars.map(({ item }) => item));
    byId("occupancy-table").addEventListener("toggle", () => this.#fillTable());
  }

  /** @param {boolean} on */
  setShown(on) {
    this.#isShown = on;
    if (on && this.#stale) this.refresh();
  }

  /**
   * Draw these sections and the areas again; all when none are named.
   *
   * @param {Set<number> | null} [sections]
   */
  refresh(sections = null) {
    this.#stale = !this.#isShown;
    if (!this.#isShown) return;
    for (const each of this.#bars)
      if (!sections || each.section === undefined || sections.has(each.section)) draw(each);
    this.#fillTable();
  }

  #fillTable() {
    const table = byId("occupancy-table", "details");
    if (!table.open || !this.#isShown) return;
    /** @type {HTMLElement} */ (table.querySelector("tbody")).replaceChildren(...this.#bars.map(({ label, counts }) => {
      const now = counts();
      return make(
        "tr",
        {},
        make("th", { scope: "row", textContent: label }),
        .../** @type {const} */ ([...STATUSES, "size"]).map((name) =>
          make("td", { textContent: now[name].toLocaleString() })
        ),
      );
    }));
  }
}

/**
 * @param {Counted} counted
 * @returns {Bar}
 */
function bar({ label, section, counts, show }) {
  const parts = STATUSES.map((name) => make("i", { className: name }));
  const text = make("span");
  const numbers = make("span", { className: "numbers" });
  const button = make(
    "button",
    { type: "button" },
    make("b", { textContent: label }),
    text,
    make("span", { className: "bar", "aria-hidden": "true" }, ...parts),
    numbers,
  );
  button.addEventListener("click", show);
  return { label, section, counts, parts, text, numbers, item: make("li", {}, button) };
}

/** @param {Bar} bar */
function draw({ counts, parts, text, numbers }) {
  const now = counts();
  STATUSES.forEach((name, at) => {
    parts[at].style.width = `${now.size ? (100 * now[name]) / now.size : 0}%`;
  });
  text.textContent = `${now.booked.toLocaleString()} of ${now.size.toLocaleString()} booked · ${
    percent(now.booked, now.size)
  }`;
  numbers.textContent = STATUSES.map((name) => `${now[name].toLocaleString()} ${name}`).join(" · ");
}

/**
 * Never 100 % while one is left, nor 0 % once one is gone.
 *
 * @param {number} part
 * @param {number} whole
 * @returns {string}
 */
export function percent(part, whole) {
  if (!whole || !part) return "0 %";
  return `${part === whole ? 100 : Math.min(99, Math.max(1, Math.round((100 * part) / whole)))} %`;
}
