// Owns the map on the page: it joins canvas, camera, drawing and gestures, and reports which seat, section or
// area was pressed. It draws only when something moved. What a press does is the caller's.
//
// Modules: MapView(canvas, model, seats, {lookOf, labelOf, onSeat, onArea, onHover, onFrame, onMove});
// .show(seat), .showSection(n), .fit(), .zoom(factor), .mark(seat), .setPalette(p), .setFraming(on).

import { Camera } from "./camera.js";
import { Renderer, SEATS_FROM_PX } from "./draw.js";
import { watchGestures } from "./gestures.js";
import { GridIndex } from "./grid.js";

/** @import { Look } from "./draw.js" */
/** @import { Callbacks, Point } from "./gestures.js" */
/** @import { Place } from "./camera.js" */
/** @import { SeatModel } from "./model.js" */
/** @import { Palette } from "./palette.js" */
/** @import { Box } from "./parse.js" */
/** @import { Seats } from "./seats.js" */

/** @typedef {{at: Point, seat: number, area: number, near: boolean}} Hover Numbers are -1 for none. */

/** @typedef {{frame: Box, seats: number[], done: true} | {frame: Box, seats: null, done: false}} Framed */

/**
 * @typedef {object} ViewCallbacks
 * @property {Palette} palette
 * @property {(seat: number) => void} [onSeat]
 * @property {(area: number) => void} [onArea]
 * @property {(hover: Hover | null) => void} [onHover]
 * @property {(framed: Framed) => void} [onFrame]
 * @property {(camera: Camera, grid: GridIndex) => void} [onMove]
 */

/** CSS pixels from seat to seat that a finger needs, and what a mouse does. */
const PICK_TOUCH_PX = 44;
const PICK_MOUSE_PX = 11;
// How far from its centre a finger still touches.
const FINGER_PX = 22;
const SECTION_CLOSEST_PX = 26;
const PAN_KEY_PX = 90;
// After the last movement, until the map is drawn in full detail.
const STILL_AFTER_MS = 140;
// A larger canvas is drawn coarser: few phones fill more pixels in a frame.
const CANVAS_PIXELS_MAX = 4_500_000;

export class MapView {
  #frame = 0;
  #movedAt = -Infinity;
  #marked = -1;
  #still = 0;
  #gestures;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {SeatModel} model
   * @param {Seats} seats
   * @param {Look & ViewCallbacks} options
   */
  constructor(canvas, model, seats, options) {
    this.canvas = canvas;
    this.model = model;
    this.seats = seats;
    this.options = options;
    this.camera = new Camera(model.bounds, model.pitch);
    this.grid = new GridIndex(model);
    /**
     * Pixels of the canvas in a CSS pixel, once it has a size.
     *
     * @type {number}
     */
    this.ratio;
    this.renderer = new Renderer(canvas, model, seats, options);
    this.renderer.setPalette(options.palette);
    this.#gestures = watchGestures(canvas, this.#callbacks());
    seats.onChange((change) => {
      this.renderer.changed(change);
      this.invalidate();
    });
    new ResizeObserver(() => this.#resize()).observe(/** @type {HTMLElement} */ (canvas.parentElement));
    canvas.addEventListener("keydown", (event) => this.#onKey(event));
    this.#resize();
  }

  /** @param {Palette} palette */
  setPalette(palette) {
    this.renderer.setPalette(palette);
    this.invalidate();
  }

  /** @param {boolean} on */
  setFraming(on) {
    this.#gestures.setFraming(on);
    this.canvas.classList.toggle("framing", on);
  }

  /** Draw again at the next frame. */
  invalidate() {
    this.#frame ||= requestAnimationFrame((now) => this.#draw(now));
  }

  fit() {
    this.#fly(this.camera.whole());
  }

  /** @param {number} factor */
  zoom(factor) {
    this.#fly(this.camera.zoomed(factor, this.camera.width / 2, this.camera.height / 2));
  }

  /**
   * Fly to a section and show all of it.
   *
   * @param {number} number
   */
  showSection(number) {
    const { bounds, pitch } = this.model.sections[number];
    const box = {
      left: bounds.left - 2 * pitch,
      top: bounds.top - 2 * pitch,
      right: bounds.right + 2 * pitch,
      bottom: bounds.bottom + 2 * pitch,
    };
    const to = this.camera.around(box, SECTION_CLOSEST_PX);
    // Of a section that is larger than the view a part is shown, so that seats can be picked.
    to.scale = Math.max(to.scale, (coarse() ? SEATS_FROM_PX + 2 : PICK_MOUSE_PX) / pitch);
    this.#fly(to);
  }

  /**
   * Fly to a seat, so near that it can be picked.
   *
   * @param {number} seat
   */
  show(seat) {
    const least = this.#pickingScale(coarse() ? "touch" : "mouse", seat) * (coarse() ? 1 : 2);
    const scale = Math.min(this.camera.closestScale, Math.max(this.camera.scale, least));
    this.#fly({ x: this.model.x[seat], y: this.model.y[seat], scale });
  }

  /**
   * Fly to several seats and show all of them.
   *
   * @param {number[]} seats
   */
  showAll(seats) {
    if (!seats.length) return;
    const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
    for (const seat of seats) {
      box.left = Math.min(box.left, this.model.x[seat] - 4 * this.model.pitch);
      box.right = Math.max(box.right, this.model.x[seat] + 4 * this.model.pitch);
      box.top = Math.min(box.top, this.model.y[seat] - 4 * this.model.pitch);
      box.bottom = Math.max(box.bottom, this.model.y[seat] + 4 * this.model.pitch);
    }
    this.#fly(this.camera.around(box, coarse() ? PICK_TOUCH_PX : SECTION_CLOSEST_PX));
  }

  /**
   * Draw a ring around a seat; -1 for none.
   *
   * @param {number} seat
   */
  mark(seat) {
    if (this.#marked === seat) return;
    this.#marked = seat;
    this.invalidate();
  }

  /**
   * The seat at a point of the canvas or up to `reachPx` from it, in CSS pixels; -1 for none.
   *
   * @param {number} sx
   * @param {number} sy
   * @param {number} [reachPx]
   * @returns {number}
   */
  seatAt(sx, sy, reachPx = 0) {
    const [x, y] = this.camera.toMap(sx, sy);
    const near = this.camera.pitchPx >= SEATS_FROM_PX;
    const within = near
      ? Math.max(0.72 * this.model.pitch, Math.max(5, reachPx) / this.camera.scale)
      : 24 / this.camera.scale;
    const seat = this.grid.nearest(x, y, Math.max(within, near ? 0 : 2 * this.model.pitch));
    // Sections may be spaced more widely than the tightest one.
    return seat >= 0 || !near ? seat : this.#inWideSection(x, y);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #inWideSection(x, y) {
    const widest = Math.max(...this.model.sections.map(({ pitch }) => pitch));
    const seat = this.grid.nearest(x, y, 0.6 * widest);
    if (seat < 0) return -1;
    const away = Math.hypot(this.model.x[seat] - x, this.model.y[seat] - y);
    return away <= 0.6 * this.model.sectionOf(seat).pitch ? seat : -1;
  }

  /**
   * @param {number} sx
   * @param {number} sy
   */
  areaAt(sx, sy) {
    const [x, y] = this.camera.toMap(sx, sy);
    return this.model.areas.findIndex((area) =>
      x >= area.x && y >= area.y && x <= area.x + area.width && y <= area.y + area.height
    );
  }

  /** @returns {Callbacks} */
  #callbacks() {
    return {
      onPan: (dx, dy) => this.#moved(() => this.camera.panBy(dx, dy)),
      onZoom: (factor, x, y) => this.#moved(() => this.camera.zoomAt(factor, x, y)),
      onZoomIn: (x, y) => this.#fly(this.camera.zoomed(2, x, y)),
      onTap: (x, y, pointer) => this.#tap(x, y, pointer),
      onHover: (at, pointer) => this.#hover(at, pointer),
      onRest: () => this.invalidate(),
      onFrame: this.options.onFrame && ((frame, done) => this.#framed(frame, done)),
    };
  }

  /**
   * Report what was tapped; whether anything was.
   *
   * @param {number} x
   * @param {number} y
   * @param {string} pointer
   */
  #tap(x, y, pointer) {
    const seat = this.seatAt(x, y, pointer === "mouse" ? 0 : FINGER_PX);
    if (seat < 0) {
      const area = this.areaAt(x, y);
      if (area >= 0) this.options.onArea?.(area);
      return area >= 0;
    }
    const picking = this.#pickingScale(pointer, seat);
    const isSmall = this.camera.scale < 0.98 * picking;
    if (this.camera.pitchPx < SEATS_FROM_PX || (isSmall && pointer === "mouse")) {
      this.showSection(this.model.rows[this.model.rowOf[seat]].section);
      return true;
    }
    if (isSmall) {
      // Too small for a finger: fly nearer, with the tapped point in the centre.
      this.#fly({
        x: this.model.x[seat],
        y: this.model.y[seat],
        scale: Math.min(picking * 1.05, this.camera.closestScale),
      });
      return true;
    }
    this.options.onSeat?.(seat);
    return true;
  }

  /**
   * @param {string} pointer
   * @param {number} seat
   */
  #pickingScale(pointer, seat) {
    return (pointer === "mouse" ? PICK_MOUSE_PX : PICK_TOUCH_PX) / this.model.sectionOf(seat).pitch;
  }

  /**
   * @param {Point | null} at
   * @param {string} pointer
   */
  #hover(at, pointer) {
    if (pointer !== "mouse") return;
    const seat = at ? this.seatAt(at.x, at.y) : -1;
    const near = this.camera.pitchPx >= SEATS_FROM_PX;
    const area = at && seat < 0 ? this.areaAt(at.x, at.y) : -1;
    this.canvas.classList.toggle("pointing", seat >= 0 || area >= 0);
    this.mark(near ? seat : -1);
    this.options.onHover?.(at ? { at, seat, area, near } : null);
  }

  /**
   * @param {Box} frame
   * @param {boolean} done
   */
  #framed(frame, done) {
    const [left, top] = this.camera.toMap(frame.left, frame.top);
    const [right, bottom] = this.camera.toMap(frame.right, frame.bottom);
    /** @type {NonNullable<ViewCallbacks["onFrame"]>} */ (this.options.onFrame)(
      /** @type {Framed} */ ({
        frame,
        seats: done ? this.grid.inside({ left, top, right, bottom }) : null,
        done,
      }),
    );
  }

  /** @param {() => void} move */
  #moved(move) {
    move();
    this.#movedAt = performance.now();
    this.invalidate();
  }

  /** @param {Place} to */
  #fly(to) {
    this.camera.fly(to, performance.now(), matchMedia("(prefers-reduced-motion: reduce)").matches);
    this.#movedAt = performance.now();
    this.invalidate();
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    /** @type {Record<string, [number, number]>} */
    const pans = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (pans[event.key])
      this.#moved(() => this.camera.panBy(PAN_KEY_PX * pans[event.key][0], PAN_KEY_PX * pans[event.key][1]));
    else if (event.key === "+" || event.key === "=") this.zoom(1.6);
    else if (event.key === "-") this.zoom(1 / 1.6);
    else if (event.key === "0" || event.key === "Home") this.fit();
    else return;
    event.preventDefault();
  }

  #resize() {
    const { clientWidth, clientHeight } = /** @type {HTMLElement} */ (this.canvas.parentElement);
    if (!clientWidth || !clientHeight) return;
    const wanted = window.devicePixelRatio || 1;
    this.ratio = Math.min(wanted, Math.sqrt(CANVAS_PIXELS_MAX / (clientWidth * clientHeight)));
    this.canvas.width = Math.round(clientWidth * this.ratio);
    this.canvas.height = Math.round(clientHeight * this.ratio);
    this.camera.resize(clientWidth, clientHeight);
    this.#draw(performance.now());
  }

  /** @param {number} now */
  #draw(now) {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#still);
    this.#frame = 0;
    const flying = this.camera.step(now);
    if (flying) this.#movedAt = now;
    const moving = flying || now - this.#movedAt < STILL_AFTER_MS;
    const behind = this.renderer.draw(this.camera, { ratio: this.ratio, moving, marked: this.#marked });
    this.options.onMove?.(this.camera, this.grid);
    if (flying || behind) this.invalidate();
    else if (moving) this.#still = setTimeout(() => this.invalidate(), STILL_AFTER_MS);
  }
}

function coarse() {
  return matchMedia("(pointer: coarse)").matches;
}
