// Owns the whole map as seen from far away: every section as one block, its rows in the colour of their
// category, the paler the fewer of their seats are free. It is drawn once into a bitmap that is then moved and
// scaled as a whole; only sections that changed are painted again.
//
// Modules: Overview(model, seats); .draw(context, camera), .refresh(sections), .repaint(palette).

import { mix } from "./palette.js";
import { drawAreas, drawScenery } from "./scenery.js";

/** @import { Camera } from "./camera.js" */
/** @import { SeatModel } from "./model.js" */
/** @import { Palette } from "./palette.js" */
/** @import { Row } from "./parse.js" */
/** @import { Seats } from "./seats.js" */

// Pixels of its longer side: sharp enough where blocks are shown, at most 12 MB of memory.
const PIXELS_MAX = 1_800;
// An aisle inside a section does not divide its block.
const BRIDGED_PITCHES = 4;

export class Overview {
  /** @type {OffscreenCanvas | null} */
  #canvas = null;
  /** @type {Palette | null} */
  #palette = null;
  #scale = 1;
  /** @type {Set<number>} */
  #stale = new Set();
  #isStale = false;

  /**
   * @param {SeatModel} model
   * @param {Seats} seats
   */
  constructor(model, seats) {
    this.model = model;
    this.seats = seats;
    this.#rows = new Array(model.rows.length);
  }

  /** @type {(Path2D | undefined)[]} */
  #rows;

  /**
   * Take new colours; everything is painted again when it is next drawn.
   *
   * @param {Palette} palette
   */
  repaint(palette) {
    this.#palette = palette;
    this.#canvas = null;
  }

  /**
   * Paint these sections again; all sections when none are named.
   *
   * @param {Iterable<number> | null} sections
   */
  refresh(sections) {
    this.#isStale = true;
    if (sections) { for (const section of sections) this.#stale.add(section); }
    else this.#canvas = null;
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Camera} camera
   * @param {number} ratio
   */
  draw(context, camera, ratio) {
    const { bounds } = this.model;
    if (!this.#canvas) this.#paint();
    else if (this.#isStale) this.#paintSections(this.#stale);
    this.#isStale = false;
    this.#stale.clear();
    const [left, top] = camera.toScreen(bounds.left, bounds.top);
    const scale = camera.scale * ratio;
    context.drawImage(
      /** @type {OffscreenCanvas} */ (this.#canvas),
      Math.round(left * ratio),
      Math.round(top * ratio),
      Math.round((bounds.right - bounds.left) * scale),
      Math.round((bounds.bottom - bounds.top) * scale),
    );
  }

  #paint() {
    const { left, top, right, bottom } = this.model.bounds;
    this.#scale = PIXELS_MAX / Math.max(right - left, bottom - top);
    const width = Math.max(1, Math.ceil((right - left) * this.#scale));
    const height = Math.max(1, Math.ceil((bottom - top) * this.#scale));
    this.#canvas = new OffscreenCanvas(width, height);
    const context = this.#context();
    context.fillStyle = /** @type {Palette} */ (this.#palette).paper;
    context.fillRect(left, top, right - left, bottom - top);
    drawScenery(context, this.model, /** @type {Palette} */ (this.#palette));
    this.#paintSections(this.model.sections.keys());
  }

  /** @param {Iterable<number>} sections */
  #paintSections(sections) {
    const context = this.#context();
    drawAreas(context, this.model, this.seats, /** @type {Palette} */ (this.#palette), 1 / this.#scale);
    context.lineCap = "square";
    context.lineJoin = "round";
    for (const number of sections) {
      const section = this.model.sections[number];
      context.lineWidth = 1.04 * Math.max(section.rowGap, section.pitch);
      for (let row = section.firstRow; row < section.lastRow; row += 1) {
        context.strokeStyle = this.#colorOf(this.model.rows[row]);
        context.stroke(this.#pathOf(row));
      }
    }
  }

  /** @returns {OffscreenCanvasRenderingContext2D} */
  #context() {
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
      /** @type {OffscreenCanvas} */ (this.#canvas).getContext("2d")
    );
    const { left, top } = this.model.bounds;
    context.setTransform(this.#scale, 0, 0, this.#scale, -left * this.#scale, -top * this.#scale);
    return context;
  }

  /**
   * @param {number} number
   * @returns {Path2D}
   */
  #pathOf(number) {
    if (this.#rows[number]) return /** @type {Path2D} */ (this.#rows[number]);
    const { x, y, rows, sections } = this.model;
    const { section, runs } = rows[number];
    const bridged = BRIDGED_PITCHES * sections[section].pitch;
    const path = new Path2D();
    let last = -1;
    for (const [from, end] of runs) {
      const isNear = last >= 0 && Math.hypot(x[from] - x[last], y[from] - y[last]) <= bridged;
      if (isNear) path.lineTo(x[from], y[from]);
      else path.moveTo(x[from], y[from]);
      // Every fourth seat follows a row's bends; the last one marks its end.
      for (let seat = from + 4; seat < end - 1; seat += 4) path.lineTo(x[seat], y[seat]);
      last = end - 1;
      path.lineTo(x[last] + (end - from === 1 ? 0.01 : 0), y[last]);
    }
    this.#rows[number] = path;
    return path;
  }

  /** @param {Row} row */
  #colorOf(row) {
    const { model, seats } = this;
    /** @type {Map<number, number>} */
    const counts = new Map();
    let shown = 0;
    for (let seat = row.start; seat < row.end; seat += 1) {
      const category = model.category[seat];
      if (!seats.shows(category) || !seats.isFree(seat)) continue;
      shown += 1;
      counts.set(category, (counts.get(category) ?? 0) + 1);
    }
    const { paper, taken, categories } = /** @type {Palette} */ (this.#palette);
    if (!shown) return mix(paper, taken, 0.28);
    const [category] = [...counts].reduce((most, each) => (each[1] > most[1] ? each : most));
    return mix(paper, categories[category], 0.3 + 0.5 * (shown / (row.end - row.start)));
  }
}
