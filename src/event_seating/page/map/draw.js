// Owns one frame of the canvas: what is drawn at which distance, and in which order. Far away sections
// are blocks with a label; nearer they are pictures of their seats; near enough every seat is drawn
// by itself, with row labels that stay in sight. It reads the model and changes nothing.
//
// Modules: Renderer(canvas, model, seats, {lookOf, labelOf}); .draw(camera, state), .setPalette(palette),
// .changed(change). `labelOf(section)` gives the lines of a section's label, the longest form first.
// The box office gives its own lookOf and labelOf.

import { Bitmaps } from "./bitmaps.js";
import { Overview } from "./overview.js";
import { Pills } from "./pills.js";
import { drawAreas, drawScenery } from "./scenery.js";
import { Sprites } from "./sprites.js";
import { drawAreaLabels, drawRowLabels, drawSectionHeads, drawSectionLabels, drawWayToStage } from "./labels.js";
import { LOOK } from "./seats.js";

/** @import { Camera } from "./camera.js" */
/** @import { SeatModel } from "./model.js" */
/** @import { Palette } from "./palette.js" */
/** @import { Box } from "./parse.js" */
/** @import { Change, Seats } from "./seats.js" */

/**
 * @typedef {object} Look
 * @property {(seat: number) => number} lookOf How a seat is drawn, one of `LOOK`.
 * @property {(section: number) => string[][]} labelOf
 */

/** CSS pixels from seat to seat at which blocks give way to seats. */
export const SEATS_FROM_PX = 5;
const BLOCKS_UNTIL_PX = 6.5;
// Below it a moving map is drawn from bitmaps; a still one is drawn seat by seat.
const PICTURES_BELOW_PX = 15;
// More seats than this take too long even for a still map.
const STILL_SEATS_MAX = 12_000;
const ROWS_FROM_PX = 11;
const NUMBERS_FROM_PX = 24;

export class Renderer {
  /** @type {{palette: Palette, sizes: Map<number, Sprites>} | null} */
  #sprites = null;
  /** @type {(string[][] | undefined)[]} */
  #forms = [];

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {SeatModel} model
   * @param {Seats} seats
   * @param {Look} look
   */
  constructor(canvas, model, seats, { lookOf, labelOf }) {
    this.canvas = canvas;
    this.model = model;
    this.seats = seats;
    this.lookOf = lookOf;
    this.labelOf = labelOf;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    // Both come with setPalette, before anything is drawn.
    /** @type {Palette} */
    this.palette;
    /** @type {Pills | null} */
    this.pills;
    this.overview = new Overview(model, seats);
    this.bitmaps = new Bitmaps(model, seats, lookOf);
  }

  /** @param {Palette} palette */
  setPalette(palette) {
    this.palette = palette;
    this.#sprites = null;
    this.pills = null;
    this.overview.repaint(palette);
    this.bitmaps.repaint(palette);
  }

  /**
   * Mark what changed, so that it is painted again.
   *
   * @param {Change} change
   */
  changed({ seats, sections }) {
    if (sections) { for (const section of sections) this.#forms[section] = undefined; }
    else this.#forms = [];
    this.overview.refresh(sections);
    this.bitmaps.touch(seats);
  }

  /**
   * Draw what the camera sees; whether another frame would complete the picture.
   *
   * @param {Camera} camera
   * @param {{ratio: number, moving: boolean, marked?: number}} state
   * @returns {boolean}
   */
  draw(camera, { ratio, moving, marked = -1 }) {
    const { context, palette } = this;
    if (this.pills?.ratio !== ratio) this.pills = new Pills(palette, ratio);
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.globalAlpha = 1;
    context.fillStyle = palette.paper;
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    context.imageSmoothingQuality = moving ? "low" : "medium";
    const pitchPx = camera.pitchPx;
    const near = Math.min(1, Math.max(0, (pitchPx - SEATS_FROM_PX) / (BLOCKS_UNTIL_PX - SEATS_FROM_PX)));
    const sections = this.#visible(camera);
    let behind = false;
    if (near < 1) this.overview.draw(context, camera, ratio);
    else this.#drawGround(camera, ratio);
    if (near > 0) {
      context.globalAlpha = near;
      behind = this.#drawSeats(camera, ratio, sections, moving);
      context.globalAlpha = 1;
    }
    this.#drawLabels(camera, ratio, sections, near);
    if (marked >= 0) this.#mark(camera, ratio, marked);
    return behind;
  }

  /**
   * @param {Camera} camera
   * @param {number} ratio
   */
  #drawGround(camera, ratio) {
    const { context } = this;
    const scale = camera.scale * ratio;
    const [x, y] = camera.toScreen(0, 0);
    context.setTransform(scale, 0, 0, scale, x * ratio, y * ratio);
    drawScenery(context, this.model, this.palette);
    drawAreas(context, this.model, this.seats, this.palette, ratio / scale);
    context.setTransform(1, 0, 0, 1, 0, 0);
  }

  /**
   * @param {Camera} camera
   * @param {number} ratio
   * @param {number[]} sections
   * @param {boolean} moving
   */
  #drawSeats(camera, ratio, sections, moving) {
    if (camera.pitchPx < PICTURES_BELOW_PX) {
      const count = sections.reduce(
        (sum, number) => sum + this.model.sections[number].end - this.model.sections[number].start,
        0,
      );
      if (moving || count > STILL_SEATS_MAX) {
        this.bitmaps.draw(this.context, camera, ratio, sections);
        return this.bitmaps.isBehind;
      }
    }
    this.#drawEachSeat(camera, ratio, sections);
    return false;
  }

  /**
   * @param {Camera} camera
   * @param {number} ratio
   * @param {number[]} sections
   */
  #drawEachSeat(camera, ratio, sections) {
    const { context, model, lookOf, palette } = this;
    const { x, y, category, flags, labels, rows } = model;
    const scale = camera.scale * ratio;
    const view = camera.view;
    for (const number of sections) {
      const section = model.sections[number];
      const sprites = this.#spritesOf(section.pitch * scale);
      const half = sprites.side / 2;
      const left = -view.left * scale - half;
      const top = -view.top * scale - half;
      const withNumbers = section.pitch * camera.scale >= NUMBERS_FROM_PX;
      for (let row = section.firstRow; row < section.lastRow; row += 1) {
        const { start, end, bounds } = rows[row];
        if (!meets(bounds, view, section.pitch)) continue;
        for (let seat = start; seat < end; seat += 1) {
          const sx = (x[seat] * scale + left + 0.5) | 0;
          const sy = (y[seat] * scale + top + 0.5) | 0;
          if (sx < -2 * half || sy < -2 * half || sx > this.canvas.width || sy > this.canvas.height) continue;
          const look = lookOf(seat);
          context.drawImage(sprites.of(look, category[seat], flags[seat]), sx, sy);
          if (withNumbers && look === LOOK.free && !flags[seat]) {
            context.drawImage(sprites.number(labels[seat], palette.onCategories[category[seat]]), sx, sy);
          }
        }
      }
    }
  }

  /**
   * @param {Camera} camera
   * @param {number} ratio
   * @param {number[]} sections
   * @param {number} near
   */
  #drawLabels(camera, ratio, sections, near) {
    const frame = { context: this.context, camera, ratio, pills: /** @type {Pills} */ (this.pills), model: this.model };
    const drawNames = near < 1 ? drawSectionLabels : drawSectionHeads;
    drawNames(frame, sections, (section) => (this.#forms[section] ??= this.labelOf(section)));
    drawAreaLabels(frame, this.seats);
    if (camera.pitchPx >= ROWS_FROM_PX) drawRowLabels(frame, sections);
    drawWayToStage(frame);
  }

  /**
   * A ring around the seat that the pointer or the list is at.
   *
   * @param {Camera} camera
   * @param {number} ratio
   * @param {number} seat
   */
  #mark(camera, ratio, seat) {
    const { context, model, palette } = this;
    const [x, y] = camera.toScreen(model.x[seat], model.y[seat]);
    context.beginPath();
    context.arc(
      x * ratio,
      y * ratio,
      Math.max(6, 0.58 * model.sectionOf(seat).pitch * camera.scale) * ratio,
      0,
      2 * Math.PI,
    );
    context.lineWidth = 2.5 * ratio;
    context.strokeStyle = palette.accent;
    context.stroke();
  }

  /** @param {Camera} camera */
  #visible(camera) {
    const view = camera.view;
    /** @type {number[]} */
    const found = [];
    this.model.sections.forEach(({ start, end, bounds, pitch }, number) => {
      if (start < end && meets(bounds, view, pitch)) found.push(number);
    });
    return found;
  }

  /**
   * The sprites of a size; sizes are rounded so that a zoom does not draw new ones at each frame.
   *
   * @param {number} pixels
   * @returns {Sprites}
   */
  #spritesOf(pixels) {
    const rounded = pixels < 24 ? Math.round(pixels) : 2 * Math.round(pixels / 2);
    if (this.#sprites?.palette !== this.palette) this.#sprites = { palette: this.palette, sizes: new Map() };
    const { sizes } = this.#sprites;
    let found = sizes.get(rounded);
    if (!found) {
      if (sizes.size > 12) sizes.clear();
      found = new Sprites(this.palette, rounded);
      sizes.set(rounded, found);
    }
    return found;
  }
}

/**
 * @param {Box} bounds
 * @param {Box} view
 * @param {number} by
 */
function meets(bounds, view, by) {
  return bounds.right + by >= view.left && bounds.left - by <= view.right &&
    bounds.bottom + by >= view.top && bounds.top - by <= view.bottom;
}
