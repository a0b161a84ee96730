// Owns the look of a seat, by shape as well as by colour: free is a filled disc, taken a cross, held a ring with
// a dot, filtered out a thin ring, the buyer's own a large disc with a tick; a wheelchair place is square. Each
// is drawn once for a size and then copied.
//
// Modules: Sprites(palette, pixels); .of(look, category, flags) -> canvas; .number(text, color).

import { ACCESSIBLE, COMPANION } from "./parse.js";
import { LOOK } from "./seats.js";
import { mix } from "./palette.js";

/** @import { Palette } from "./palette.js" */

/** @typedef {OffscreenCanvasRenderingContext2D} Context */

// A seat's diameter, as a part of the distance to the next seat.
const FILL = 0.78;
const MINE_FILL = 0.96;
// Numbers that are cached; a row has some dozens.
const NUMBERS_MAX = 1_000;
const ICON_FROM_PX = 14;

export class Sprites {
  /** @type {Map<number, OffscreenCanvas>} */
  #made = new Map();
  /** @type {Map<string, OffscreenCanvas>} */
  #numbers = new Map();

  /**
   * `pixels` is the distance from seat to seat in pixels of the canvas.
   *
   * @param {Palette} palette
   * @param {number} pixels
   */
  constructor(palette, pixels) {
    this.palette = palette;
    this.pixels = pixels;
    this.side = Math.max(3, Math.ceil(pixels));
  }

  /**
   * @param {number} look
   * @param {number} category
   * @param {number} flags
   * @returns {OffscreenCanvas}
   */
  of(look, category, flags) {
    const own = look === LOOK.free;
    const key = look + 16 * (flags + 4 * (own ? category : 0));
    let sprite = this.#made.get(key);
    if (!sprite) {
      sprite = this.#draw(look, this.palette.categories[category] ?? this.palette.muted, flags, category);
      this.#made.set(key, sprite);
    }
    return sprite;
  }

  /**
   * A seat's printed number, to be copied onto its sprite.
   *
   * @param {string} text
   * @param {string} color
   * @returns {OffscreenCanvas}
   */
  number(text, color) {
    const key = color + text;
    let sprite = this.#numbers.get(key);
    if (!sprite) {
      if (this.#numbers.size >= NUMBERS_MAX) this.#numbers.clear();
      sprite = this.#drawNumber(text, color);
      this.#numbers.set(key, sprite);
    }
    return sprite;
  }

  /**
   * @param {number} look
   * @param {string} color
   * @param {number} flags
   * @param {number} category
   */
  #draw(look, color, flags, category) {
    const canvas = new OffscreenCanvas(this.side, this.side);
    const context = /** @type {Context} */ (canvas.getContext("2d"));
    const middle = this.side / 2;
    context.translate(middle, middle);
    const radius = (this.pixels * FILL) / 2;
    const { palette } = this;
    context.lineWidth = Math.max(1, this.pixels * 0.07);
    context.lineCap = "round";
    const taken = palette.looks?.[look] ?? palette.taken;
    context.strokeStyle = taken;
    context.fillStyle = taken;
    if (look === LOOK.free) this.#free(context, radius, color, flags, palette.onCategories[category]);
    else if (look === LOOK.dim) outline(context, radius - context.lineWidth / 2, flags);
    else if (look === LOOK.held) this.#held(context, radius);
    else if (look === LOOK.booked) cross(context, radius * 0.5);
    else if (look === LOOK.mine) this.#mine(context, palette.ink, palette.paper, flags);
    else if (look === LOOK.pending)
      this.#mine(context, palette.looks?.[look] ?? mix(palette.ink, palette.paper, 0.45), palette.paper, flags);
    else if (palette.looks) bar(context, radius * 0.6);
    else disc(context, Math.max(0.7, radius * 0.25));
    return canvas;
  }

  /**
   * @param {Context} context
   * @param {number} radius
   * @param {string} color
   * @param {number} flags
   * @param {string} onColor
   */
  #free(context, radius, color, flags, onColor) {
    context.fillStyle = color;
    shape(context, radius, flags);
    context.fill();
    if (this.pixels < ICON_FROM_PX || !flags) return;
    context.strokeStyle = onColor;
    context.fillStyle = onColor;
    context.lineWidth = Math.max(1, radius * 0.16);
    if (flags & ACCESSIBLE) wheelchair(context, radius * 0.62);
    else if (flags & COMPANION) plus(context, radius * 0.4);
  }

  /**
   * @param {Context} context
   * @param {number} radius
   */
  #held(context, radius) {
    context.beginPath();
    context.arc(0, 0, radius - context.lineWidth, 0, 2 * Math.PI);
    context.stroke();
    disc(context, radius * 0.32);
  }

  /**
   * @param {Context} context
   * @param {string} fill
   * @param {string} mark
   * @param {number} flags
   */
  #mine(context, fill, mark, flags) {
    const radius = (this.pixels * MINE_FILL) / 2;
    context.fillStyle = fill;
    shape(context, radius, flags);
    context.fill();
    context.strokeStyle = mark;
    context.lineWidth = Math.max(1, radius * 0.22);
    context.lineJoin = "round";
    context.beginPath();
    context.moveTo(-0.42 * radius, 0.02 * radius);
    context.lineTo(-0.1 * radius, 0.34 * radius);
    context.lineTo(0.44 * radius, -0.32 * radius);
    context.stroke();
  }

  /**
   * @param {string} text
   * @param {string} color
   */
  #drawNumber(text, color) {
    const canvas = new OffscreenCanvas(this.side, this.side);
    const context = /** @type {Context} */ (canvas.getContext("2d"));
    const size = Math.max(7, this.pixels * (text.length > 2 ? 0.28 : 0.36));
    context.font = `600 ${size}px ${this.palette.font}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    context.fillStyle = color;
    context.fillText(text, this.side / 2, this.side / 2 + size * 0.06, this.pixels * FILL);
    return canvas;
  }
}

/**
 * @param {Context} context
 * @param {number} radius
 * @param {number} flags
 */
function shape(context, radius, flags) {
  context.beginPath();
  if (flags) context.roundRect(-radius, -radius, 2 * radius, 2 * radius, radius * 0.32);
  else context.arc(0, 0, radius, 0, 2 * Math.PI);
}

/**
 * @param {Context} context
 * @param {number} radius
 * @param {number} flags
 */
function outline(context, radius, flags) {
  shape(context, radius, flags);
  context.stroke();
}

/**
 * @param {Context} context
 * @param {number} radius
 */
function disc(context, radius) {
  context.beginPath();
  context.arc(0, 0, radius, 0, 2 * Math.PI);
  context.fill();
}

/**
 * @param {Context} context
 * @param {number} reach
 */
function cross(context, reach) {
  context.beginPath();
  context.moveTo(-reach, -reach);
  context.lineTo(reach, reach);
  context.moveTo(reach, -reach);
  context.lineTo(-reach, reach);
  context.stroke();
}

/**
 * Blocked: at the box office, which blocks seats, it has to stand out.
 *
 * @param {Context} context
 * @param {number} reach
 */
function bar(context, reach) {
  context.beginPath();
  context.moveTo(-reach, 0);
  context.lineTo(reach, 0);
  context.lineWidth *= 1.6;
  context.stroke();
}

/**
 * @param {Context} context
 * @param {number} reach
 */
function plus(context, reach) {
  context.beginPath();
  context.moveTo(-reach, 0);
  context.lineTo(reach, 0);
  context.moveTo(0, -reach);
  context.lineTo(0, reach);
  context.stroke();
}

/**
 * @param {Context} context
 * @param {number} reach
 */
function wheelchair(context, reach) {
  context.beginPath();
  context.arc(-0.1 * reach, 0.3 * reach, 0.6 * reach, -0.6 * Math.PI, 0.75 * Math.PI, true);
  context.moveTo(-0.1 * reach, -0.5 * reach);
  context.lineTo(-0.05 * reach, 0.1 * reach);
  context.lineTo(0.5 * reach, 0.15 * reach);
  context.lineTo(0.75 * reach, 0.75 * reach);
  context.stroke();
  context.beginPath();
  context.arc(-0.12 * reach, -0.85 * reach, 0.22 * reach, 0, 2 * Math.PI);
  context.fill();
}
