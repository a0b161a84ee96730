// Owns how elements are found and made: by properties and text nodes alone, so that no text from the server
// is ever read as HTML.
//
// Modules: byId(id), make(tag, properties, ...children), icon(path), stepper({...}).

/**
 * @template {HTMLElement} E
 * @typedef {Partial<E> & Record<`${string}-${string}`, string>} Properties
 */

/** @typedef {{element: HTMLElement, set: (now: number, bounds?: {least?: number, most?: number}) => void}} Stepper */

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element with this tag; without one any element.
 *
 * @template {keyof HTMLElementTagNameMap | undefined} Tag
 * @typedef {Tag extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[Tag] : HTMLElement} ElementOf
 */

/**
 * The element with this id, which the page has. Its tag is named where more is needed than an `HTMLElement` has;
 * it is for the type checker, and a test compares it with the pages.
 *
 * @template {keyof HTMLElementTagNameMap | undefined} [Tag=undefined]
 * @param {string} id
 * @param {Tag} [_tag]
 * @returns {ElementOf<Tag>}
 */
export function byId(id, _tag) {
  return /** @type {ElementOf<Tag>} */ (document.getElementById(id));
}

/**
 * An element; `properties` are set as properties, those with a dash and `role` as attributes.
 *
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Properties<HTMLElementTagNameMap[Tag]>} [properties]
 * @param {...(Node | string | null | undefined)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, properties = {}, ...children) {
  const element = /** @type {HTMLElement & Record<string, unknown>} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, /** @type {string} */ (value));
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return /** @type {HTMLElementTagNameMap[Tag]} */ (element);
}

/**
 * A line drawing in a square of 24 units.
 *
 * @param {string} path
 * @returns {SVGSVGElement}
 */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/**
 * Minus, a number, plus. `onStep` gets the wanted number; `.set(value, {least, most})` shows a number.
 *
 * @param {{label: string, onStep: (wanted: number) => void}} options
 * @returns {Stepper}
 */
export function stepper({ label, onStep }) {
  let value = 0;
  const less = make("button", { type: "button", textContent: "−", "aria-label": `One less: ${label}` });
  const more = make("button", { type: "button", textContent: "+", "aria-label": `One more: ${label}` });
  const output = make("output", { "aria-label": label });
  const element = make("div", { className: "stepper", role: "group", "aria-label": label }, less, output, more);
  less.addEventListener("click", () => onStep(value - 1));
  more.addEventListener("click", () => onStep(value + 1));
  return {
    element,
    /**
     * @param {number} now
     * @param {{least?: number, most?: number}} [bounds]
     */
    set(now, { least = 0, most = Infinity } = {}) {
      value = now;
      output.value = String(now);
      less.disabled = now <= least;
      more.disabled = now >= most;
    },
  };
}
