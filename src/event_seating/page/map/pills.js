// Owns the images of the small labels on the map: sections with what is free there, rows, the way to the stage.
// Each is drawn once and copied. Texts come from maps of unknown authors and are only painted.
//
// Modules: Pills(palette); .of(lines, style) -> {canvas, width, height} in CSS pixels.

/** @import { Palette } from "./palette.js" */

/** @typedef {"plain" | "dark" | "bare"} Style */

/** @typedef {{canvas: OffscreenCanvas, width: number, height: number}} Pill In CSS pixels. */

// Labels that are cached: more than a stadium has sections and rows in sight.
const KEPT_MAX = 3_000;
const LINE_PX = 14;
const PAD_X = 5;
const PAD_Y = 3;
// A longer label is cut.
const CHARS_MAX = 28;

export class Pills {
  /** @type {Map<string, Pill>} */
  #made = new Map();
  /** @type {Map<string, number>} */
  #widths = new Map();
  #measure = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(1, 1).getContext("2d"));

  /**
   * @param {Palette} palette
   * @param {number} ratio
   */
  constructor(palette, ratio) {
    this.palette = palette;
    this.ratio = ratio;
  }

  /**
   * A label of these lines, the first one bold; "plain", "dark", or "bare" without an edge.
   *
   * @param {string[]} lines
   * @param {Style} [style]
   * @returns {Pill}
   */
  of(lines, style = "plain") {
    const key = `${style}\n${lines.join("\n")}`;
    let pill = this.#made.get(key);
    if (!pill) {
      if (this.#made.size >= KEPT_MAX) this.#made.clear();
      pill = this.#draw(lines.map(cut), style);
      this.#made.set(key, pill);
    }
    return pill;
  }

  /**
   * How wide a label of these lines would be.
   *
   * @param {string[]} lines
   * @returns {number}
   */
  width(lines) {
    const key = lines.join("\n");
    let width = this.#widths.get(key);
    if (width === undefined) {
      if (this.#widths.size >= KEPT_MAX) this.#widths.clear();
      width = 2 * PAD_X + Math.max(...lines.map((line, at) => {
        this.#measure.font = this.#font(at);
        return this.#measure.measureText(cut(line)).width;
      }));
      this.#widths.set(key, width);
    }
    return width;
  }

  /** @param {string[]} lines */
  static height(lines) {
    return lines.length * LINE_PX + 2 * PAD_Y;
  }

  /** @param {number} line */
  #font(line) {
    return line ? `500 10.5px ${this.palette.font}` : `650 11.5px ${this.palette.font}`;
  }

  /**
   * @param {string[]} lines
   * @param {Style} style
   */
  #draw(lines, style) {
    const bare = style === "bare";
    const width = Math.ceil(this.width(lines)) - (bare ? PAD_X : 0);
    const height = Pills.height(lines) - (bare ? 2 * PAD_Y : 0);
    const canvas = new OffscreenCanvas(Math.ceil(width * this.ratio), Math.ceil(height * this.ratio));
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
    const { surface, ink, muted, line, paper } = this.palette;
    const dark = style === "dark";
    context.scale(this.ratio, this.ratio);
    context.beginPath();
    context.roundRect(0.5, 0.5, width - 1, height - 1, Math.min(8, height / 2));
    context.globalAlpha = style === "bare" ? 0.82 : 0.94;
    context.fillStyle = dark ? ink : style === "bare" ? paper : surface;
    context.fill();
    context.globalAlpha = 1;
    context.strokeStyle = dark ? paper : line;
    if (style !== "bare") context.stroke();
    context.textAlign = "center";
    context.textBaseline = "middle";
    lines.forEach((text, at) => {
      context.font = this.#font(at);
      context.fillStyle = dark ? paper : at ? muted : ink;
      context.fillText(text, width / 2, height / 2 + LINE_PX * (at - (lines.length - 1) / 2) + 0.5);
    });
    return { canvas, width, height };
  }
}

/** @param {string} text */
function cut(text) {
  return text.length > CHARS_MAX ? `${text.slice(0, CHARS_MAX - 1)}…` : text;
}
