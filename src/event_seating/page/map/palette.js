// Owns the colours of the canvas: those of the style sheet, and one for each price category that
// stands out from the paper in light and dark alike (3:1 at least).
//
// Modules: readPalette(categories) -> palette; whenThemeChanges(listener); mix, contrast, hexOf, isDark.

/**
 * The colours of the canvas, each as `#rrggbb`.
 *
 * @typedef {object} Palette
 * @property {string} paper
 * @property {string} surface
 * @property {string} ink
 * @property {string} muted
 * @property {string} line
 * @property {string} accent
 * @property {string} accentInk
 * @property {string} ground
 * @property {string} taken
 * @property {string} font
 * @property {boolean} forced Whether the reader's system forces its own colours.
 * @property {string[]} categories
 * @property {string[]} onCategories Colours that can be read on those of the categories.
 * @property {Record<number, string>} [looks] Colours of taken seats by look; a look without one has `taken`.
 */

const SHAPE_CONTRAST = 3;
const TEXT_CONTRAST = 4.5;

// For categories whose map names no colour.
const HUES = ["#7048e8", "#1971c2", "#0c8599", "#2f9e44", "#e67700", "#d6336c", "#5c940d", "#a61e4d"];

// Colours of maps that are remembered in painted form; a map has a dozen.
const COLORS_KEPT = 1_000;
/** @type {Map<unknown, string | null>} */
const known = new Map();

const NAMES = ["paper", "surface", "ink", "muted", "line", "accent", "accent-ink", "ground", "taken"];

/**
 * The palette for these categories and the page's present theme.
 *
 * @param {{color: string | null}[]} categories
 * @returns {Palette}
 */
export function readPalette(categories) {
  const style = getComputedStyle(document.documentElement);
  const palette = /** @type {Palette & Record<string, unknown>} */ ({});
  for (const name of NAMES) palette[name.replace("-i", "I")] = toHex(style.getPropertyValue(`--${name}`));
  palette.font = style.getPropertyValue("--font").trim();
  palette.forced = matchMedia("(forced-colors: active)").matches;
  palette.categories = categories.map(({ color }, number) => {
    const wanted = palette.forced ? palette.ink : hexOf(color) ?? HUES[number % HUES.length];
    return standingOut(wanted, palette.paper, palette.ink, SHAPE_CONTRAST + 0.3);
  });
  palette.onCategories = palette.categories.map((color) => bestOn(color));
  return palette;
}

/**
 * Call the listener when the theme turns light or dark, or forced colours are switched on or off.
 *
 * @param {() => void} listener
 */
export function whenThemeChanges(listener) {
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"]) {
    matchMedia(query).addEventListener("change", listener);
  }
}

/**
 * A colour between two, `part` of the way from the first.
 *
 * @param {string} from
 * @param {string} to
 * @param {number} part
 * @returns {string}
 */
export function mix(from, to, part) {
  const [a, b] = [/** @type {number[]} */ (parse(from)), /** @type {number[]} */ (parse(to))];
  return hex(a.map((value, at) => value + (b[at] - value) * part));
}

/**
 * Whether the luminance of a colour is below one half.
 *
 * @param {string} color
 */
export function isDark(color) {
  return luminance(color) < 0.5;
}

/**
 * A colour of a map, in any notation of CSS, as `#rrggbb`; null when it is no colour.
 *
 * @param {unknown} color
 * @returns {string | null}
 */
export function hexOf(color) {
  if (!known.has(color)) {
    if (known.size >= COLORS_KEPT) known.clear();
    known.set(color, typeof color === "string" ? painted(color) : null);
  }
  return /** @type {string | null} */ (known.get(color));
}

/**
 * The contrast of two colours by WCAG, from 1 to 21.
 *
 * @param {string} one
 * @param {string} other
 */
export function contrast(one, other) {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/**
 * @param {string} color
 * @param {string} paper
 * @param {string} ink
 * @param {number} least
 */
function standingOut(color, paper, ink, least) {
  let found = hex(/** @type {number[]} */ (parse(color)));
  for (let step = 1; contrast(found, paper) < least && step <= 20; step += 1) found = mix(color, ink, step / 20);
  return found;
}

/** @param {string} color */
function bestOn(color) {
  return contrast("#ffffff", color) >= TEXT_CONTRAST || contrast("#ffffff", color) > contrast("#10131a", color)
    ? "#ffffff"
    : "#10131a";
}

/** @param {string} color */
function luminance(color) {
  const [r, g, b] = /** @type {number[]} */ (parse(color)).map((value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/**
 * Red, green and blue of `#rgb`, `#rrggbb` or `rgb(…)`; null for anything else.
 *
 * @param {string} color
 * @returns {number[] | null}
 */
function parse(color) {
  const text = String(color ?? "").trim();
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i.exec(text);
  if (short) return short.slice(1).map((digit) => parseInt(digit + digit, 16));
  const long = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text);
  if (long) return long.slice(1).map((digits) => parseInt(digits, 16));
  const numbers = /^rgba?\(\s*([\d.]+)[ ,]+([\d.]+)[ ,]+([\d.]+)/.exec(text);
  return numbers ? numbers.slice(1).map(Number) : null;
}

/** @param {number[]} rgb */
function hex(rgb) {
  return `#${rgb.map((value) => Math.round(Math.min(255, Math.max(0, value))).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The colour that a canvas paints for this text; null when the text is no colour.
 *
 * @param {string} color
 * @returns {string | null}
 */
function painted(color) {
  if (parse(color)) return hex(/** @type {number[]} */ (parse(color)));
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(1, 1).getContext("2d"));
  // A canvas ignores a text that is no colour, and keeps the colour that it had before.
  const taken = ["#000000", "#ffffff"].map((before) => {
    context.fillStyle = before;
    context.fillStyle = color;
    return context.fillStyle;
  });
  if (taken[0] !== taken[1]) return null;
  context.fillRect(0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  return alpha ? hex([red, green, blue]) : null;
}

/**
 * Any colour of a style sheet (`Canvas`, `oklch(…)`) as one that can be mixed.
 *
 * @param {string} color
 */
function toHex(color) {
  return painted(color.trim()) ?? "#000000";
}
