// Owns a bitmap of each section's seats for medium zoom, where there are too many seats to draw one by one at
// each frame. A bitmap is made when its section is first seen, a few at a frame; a seat that changes is painted
// over in place.
//
// Modules: Bitmaps(model, seats, lookOf); .draw(context, camera, ratio, sections), .touch(seats),
// .repaint(palette); .isBehind is true while more frames will complete it.

import { Sprites } from "./sprites.js";

/** @import { Camera } from "./camera.js" */
/** @import { SeatModel } from "./model.js" */
/** @import { Palette } from "./palette.js" */
/** @import { Section } from "./parse.js" */
/** @import { Seats } from "./seats.js" */

/**
 * The bitmap of a section; its corner is in map units, `scale` in pixels a unit.
 *
 * @typedef {object} Bitmap
 * @property {OffscreenCanvas} canvas
 * @property {OffscreenCanvasRenderingContext2D} context
 * @property {number} left
 * @property {number} top
 * @property {number} scale
 * @property {Sprites} sprites
 */

// Pixels from seat to seat in a bitmap: enough to distinguish the shapes.
const PITCH_PX = 9;
// For all bitmaps together: 64 MB; beyond that they are made coarser.
const PIXELS_MAX = 16_000_000;
// Time for new bitmaps in a frame; a section without one shows as a block for the moment.
const BUDGET_MS = 6;

export class Bitmaps {
  /** @type {(Bitmap | undefined)[]} */
  #made = [];
  /** @type {Map<number, Sprites>} */
  #sprites = new Map();
  /** @type {Palette | null} */
  #palette = null;
  #coarser = 1;

  /**
   * @param {SeatModel} model
   * @param {Seats} seats
   * @param {(seat: number) => number} lookOf
   */
  constructor(model, seats, lookOf) {
    this.model = model;
    this.seats = seats;
    this.lookOf = lookOf;
    this.isBehind = false;
    const pixels = model.sections.reduce((sum, { bounds, pitch, start, end }) => {
      const perUnit = PITCH_PX / pitch;
      return start === end
        ? sum
        : sum + (bounds.right - bounds.left + 2 * pitch) * (bounds.bottom - bounds.top + 2 * pitch) * perUnit ** 2;
    }, 0);
    this.#coarser = Math.min(1, Math.sqrt(PIXELS_MAX / Math.max(1, pixels)));
  }

  /** @param {Palette} palette */
  repaint(palette) {
    this.#palette = palette;
    this.#made = [];
    this.#sprites.clear();
  }

  /**
   * Paint these seats again; all seats when none are named.
   *
   * @param {number[] | null} seats
   */
  touch(seats) {
    if (!seats) {
      this.#made = [];
      return;
    }
    for (const seat of seats) {
      const number = this.model.rows[this.model.rowOf[seat]].section;
      const bitmap = this.#made[number];
      if (bitmap) this.#paintSeat(bitmap, seat, true);
    }
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Camera} camera
   * @param {number} ratio
   * @param {number[]} sections
   */
  draw(context, camera, ratio, sections) {
    const deadline = performance.now() + BUDGET_MS;
    this.isBehind = false;
    for (const number of sections) {
      let bitmap = this.#made[number];
      if (!bitmap) {
        if (performance.now() > deadline) {
          this.isBehind = true;
          continue;
        }
        bitmap = this.#made[number] = this.#paint(this.model.sections[number]);
      }
      const [left, top] = camera.toScreen(bitmap.left, bitmap.top);
      const scale = (camera.scale * ratio) / bitmap.scale;
      context.drawImage(
        bitmap.canvas,
        left * ratio,
        top * ratio,
        bitmap.canvas.width * scale,
        bitmap.canvas.height * scale,
      );
    }
  }

  /**
   * @param {Section} section
   * @returns {Bitmap}
   */
  #paint(section) {
    const { bounds, pitch, start, end } = section;
    const scale = (PITCH_PX * this.#coarser) / pitch;
    const [left, top] = [bounds.left - pitch, bounds.top - pitch];
    const canvas = new OffscreenCanvas(
      Math.ceil((bounds.right - bounds.left + 2 * pitch) * scale) || 1,
      Math.ceil((bounds.bottom - bounds.top + 2 * pitch) * scale) || 1,
    );
    const pixels = PITCH_PX * this.#coarser;
    const sprites = this.#sprites.get(pixels) ?? new Sprites(/** @type {Palette} */ (this.#palette), pixels);
    this.#sprites.set(pixels, sprites);
    const bitmap = {
      canvas,
      context: /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d")),
      left,
      top,
      scale,
      sprites,
    };
    for (let seat = start; seat < end; seat += 1) this.#paintSeat(bitmap, seat, false);
    return bitmap;
  }

  /**
   * @param {Bitmap} bitmap
   * @param {number} seat
   * @param {boolean} over
   */
  #paintSeat({ context, left, top, scale, sprites }, seat, over) {
    const { model } = this;
    const { side } = sprites;
    const x = Math.round((model.x[seat] - left) * scale - side / 2);
    const y = Math.round((model.y[seat] - top) * scale - side / 2);
    if (over) context.clearRect(x, y, side, side);
    context.drawImage(sprites.of(this.lookOf(seat), model.category[seat], model.flags[seat]), x, y);
  }
}
