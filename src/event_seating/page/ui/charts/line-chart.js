// Owns one curve over time as an SVG: axes with round marks, a cursor that shows the value at the pointer or
// with arrow keys, and the newest value at the end. It knows numbers, not what they count.
//
// Modules: LineChart(host, {label, value(number), mark(number), least}); .show({at, values, zone}).

import { make } from "../dom.js";
import { timeMarks, timeText, valueMarks } from "./axis.js";

/**
 * How a value is written, in full and at a mark of the axis, and the least step between marks.
 *
 * @typedef {{label: string, value: (value: number) => string, mark: (value: number) => string, least: number}} Options
 */

/** @typedef {{at: Float64Array, values: Float64Array, zone: string}} Shown Times, in ms since 1970, and the value at each. */

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 178;
const EDGE = { top: 14, right: 16, bottom: 28 };
const ROW_PX = 38;
const COLUMN_PX = 88;
// Of 12 px text, on average.
const SIGN_PX = 7;

export class LineChart {
  /** @type {Shown | null} */
  #shown = null;
  #at = -1;

  /**
   * @param {HTMLElement} host
   * @param {Options} options
   */
  constructor(host, options) {
    this.value = options.value;
    this.mark = options.mark;
    this.least = options.least;
    /**
     * Where a time and a value are drawn; set by the first drawing.
     *
     * @type {(time: number) => number}
     */
    this.x;
    /** @type {(value: number) => number} */
    this.y;
    this.plot = svg("svg", { "aria-hidden": "true", class: "plot" });
    this.tip = make("output", { className: "chart-tip", hidden: true });
    // A slider, so that keyboards and screen readers can reach each value as a pointer does.
    this.host = make(
      "div",
      { className: "line-chart", role: "slider", tabIndex: 0, "aria-label": options.label, "aria-valuemin": "0" },
      this.plot,
      this.tip,
    );
    host.append(this.host);
    this.host.addEventListener("pointermove", ({ clientX }) => this.#point(this.#nearest(clientX)));
    this.host.addEventListener("pointerdown", ({ clientX }) => this.#point(this.#nearest(clientX)));
    this.host.addEventListener("pointerleave", () => this.#point(-1));
    this.host.addEventListener("focus", () => this.#point(this.#at < 0 ? this.#last : this.#at));
    this.host.addEventListener("blur", () => this.#point(-1));
    this.host.addEventListener("keydown", (event) => this.#onKey(event));
    new ResizeObserver(() => this.#draw()).observe(this.host);
  }

  /** @param {Shown} shown */
  show(shown) {
    const follows = this.#at === this.#last;
    this.#shown = shown;
    if (follows || this.#at > this.#last) this.#at = this.#at < 0 ? -1 : this.#last;
    this.#draw();
  }

  get #last() {
    return this.#shown ? this.#shown.values.length - 1 : -1;
  }

  #draw() {
    const width = this.host.clientWidth;
    if (!this.#shown || width < 60) return;
    const { at, values, zone } = this.#shown;
    const [from, to] = [at[0], /** @type {number} */ (at.at(-1))];
    const most = values.reduce((a, b) => Math.max(a, b), 0);
    const marks = valueMarks(most, Math.floor((HEIGHT - EDGE.top - EDGE.bottom) / ROW_PX), this.least);
    const left = 12 + SIGN_PX * Math.max(...marks.map((value) => this.mark(value).length));
    const [right, bottom] = [width - EDGE.right, HEIGHT - EDGE.bottom];
    this.x = (time) => left + ((time - from) / (to - from)) * (right - left);
    this.y = (value) => bottom - (value / /** @type {number} */ (marks.at(-1))) * (bottom - EDGE.top);
    const points = Array.from(at, (time, point) => `${round(this.x(time))},${round(this.y(values[point]))}`);
    this.plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.plot.setAttribute("width", String(width));
    this.plot.setAttribute("height", String(HEIGHT));
    this.plot.replaceChildren(
      ...marks.flatMap((value) => [
        svg("line", { class: value ? "grid" : "axis", x1: left, x2: right, y1: this.y(value), y2: this.y(value) }),
        text(this.mark(value), { x: left - 7, y: this.y(value) + 4, "text-anchor": "end" }),
      ]),
      ...timeMarks(from, to, zone, Math.max(2, Math.floor((right - left) / COLUMN_PX))).flatMap((
        { at: time, text: said },
      ) => [
        svg("line", { class: "axis", x1: this.x(time), x2: this.x(time), y1: bottom, y2: bottom + 5 }),
        text(said, {
          x: Math.min(right - 14, Math.max(left + 10, this.x(time))),
          y: HEIGHT - 8,
          "text-anchor": "middle",
        }),
      ]),
      svg("path", { class: "under", d: `M${left},${bottom} L${points.join(" L")} L${right},${bottom} Z` }),
      svg("path", { class: "curve", d: `M${points.join(" L")}` }),
      svg("circle", { class: "end", r: 3.5, cx: right, cy: this.y(/** @type {number} */ (values.at(-1))) }),
    );
    this.#mark();
  }

  /** @param {number} clientX */
  #nearest(clientX) {
    if (!this.#shown || !this.x) return -1;
    const { at } = this.#shown;
    const [left, right] = [this.x(at[0]), this.x(/** @type {number} */ (at.at(-1)))];
    const part = (clientX - this.plot.getBoundingClientRect().left - left) / (right - left);
    return Math.min(this.#last, Math.max(0, Math.round(part * this.#last)));
  }

  /** @param {number} at */
  #point(at) {
    this.#at = at;
    this.#mark();
  }

  #mark() {
    for (const old of this.plot.querySelectorAll(".read")) old.remove();
    const read = this.#at < 0 ? this.#last : this.#at;
    if (read < 0 || !this.x) return;
    const { at, values, zone } = /** @type {Shown} */ (this.#shown);
    const words = `${this.value(values[read])} · ${
      timeText(at[read], /** @type {number} */ (at.at(-1)) - at[0], zone)
    }`;
    this.host.setAttribute("aria-valuemax", String(this.#last));
    this.host.setAttribute("aria-valuenow", String(read));
    this.host.setAttribute("aria-valuetext", words);
    this.tip.hidden = this.#at < 0;
    if (this.tip.hidden) return;
    const [x, y] = [this.x(at[read]), this.y(values[read])];
    this.plot.append(
      svg("line", { class: "read", x1: x, x2: x, y1: EDGE.top, y2: HEIGHT - EDGE.bottom }),
      svg("circle", { class: "read", r: 4.5, cx: x, cy: y }),
    );
    this.tip.textContent = words;
    const left = Math.min(this.host.clientWidth - this.tip.offsetWidth - 4, Math.max(4, x - this.tip.offsetWidth / 2));
    this.tip.style.transform = `translate(${left}px, ${y < HEIGHT / 2 ? y + 14 : y - 14 - this.tip.offsetHeight}px)`;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const from = this.#at < 0 ? this.#last : this.#at;
    const to = /** @type {Record<string, number>} */ ({
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      PageDown: from - 16,
      PageUp: from + 16,
      Home: 0,
      End: this.#last,
    })[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.#point(Math.min(this.#last, Math.max(0, to)));
  }
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @returns {SVGElementTagNameMap[Tag]}
 */
function svg(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/**
 * @param {string} said
 * @param {Record<string, string | number>} attributes
 */
function text(said, attributes) {
  const element = svg("text", attributes);
  element.textContent = said;
  return element;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}
