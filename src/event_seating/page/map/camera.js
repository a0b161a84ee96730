// Owns which part of the map is seen and how large: a centre in map units and a scale in CSS pixels a unit. It
// moves at once or in a smooth flight, and never leaves the map. No DOM; the time is an argument.
//
// Modules: Camera(bounds, pitch); .resize, .toScreen, .toMap, .panBy, .zoomAt, .fly, .step(now).

/** @import { Box } from "./parse.js" */

/** @typedef {{x: number, y: number, scale: number}} Place The centre in map units, and the scale. */

// The largest distance from seat to seat, in CSS pixels, so that a finger of 44 px has room.
const CLOSEST_PX = 64;
// How much smaller than the view the whole map may get.
const FARTHEST = 0.85;
// CSS pixels that stay free around the map when all of it is seen.
const MARGIN_PX = 20;
const FLIGHT_MS = 420;

export class Camera {
  /**
   * @param {Box} bounds
   * @param {number} pitch
   */
  constructor(bounds, pitch) {
    this.bounds = bounds;
    this.pitch = pitch;
    this.width = 1;
    this.height = 1;
    this.x = (bounds.left + bounds.right) / 2;
    this.y = (bounds.top + bounds.bottom) / 2;
    this.scale = 1;
    /** @type {{from: Place, to: Place, start: number} | null} */
    this.flight = null;
    this.fitted = true;
  }

  /**
   * Take the size of the view in CSS pixels.
   *
   * @param {number} width
   * @param {number} height
   */
  resize(width, height) {
    this.width = Math.max(1, width);
    this.height = Math.max(1, height);
    if (this.fitted) this.place(this.whole());
    else this.#stay();
  }

  get fitScale() {
    const { left, right, top, bottom } = this.bounds;
    const across = (this.width - 2 * MARGIN_PX) / (right - left);
    const down = (this.height - 2 * MARGIN_PX) / (bottom - top);
    return Math.max(1e-6, Math.min(across, down));
  }

  get closestScale() {
    return Math.max(CLOSEST_PX / this.pitch, this.fitScale);
  }

  /** CSS pixels from seat to seat. */
  get pitchPx() {
    return this.pitch * this.scale;
  }

  /** Whether all of it is seen. */
  get showsAll() {
    return this.scale < 1.01 * this.fitScale;
  }

  /**
   * The place from which the whole map is seen.
   *
   * @returns {Place}
   */
  whole() {
    const { left, right, top, bottom } = this.bounds;
    return { x: (left + right) / 2, y: (top + bottom) / 2, scale: this.fitScale };
  }

  /**
   * The place from which this box is seen, at most so near that seats are `closestPx` CSS pixels apart.
   *
   * @param {Box} box
   * @param {number} [closestPx]
   * @returns {Place}
   */
  around({ left, top, right, bottom }, closestPx = CLOSEST_PX) {
    const across = this.width / (right - left || 1);
    const down = this.height / (bottom - top || 1);
    const scale = Math.min(0.9 * Math.min(across, down), closestPx / this.pitch, this.closestScale);
    return { x: (left + right) / 2, y: (top + bottom) / 2, scale: Math.max(scale, this.fitScale) };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @returns {[number, number]}
   */
  toScreen(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, (y - this.y) * this.scale + this.height / 2];
  }

  /**
   * @param {number} sx
   * @param {number} sy
   * @returns {[number, number]}
   */
  toMap(sx, sy) {
    return [(sx - this.width / 2) / this.scale + this.x, (sy - this.height / 2) / this.scale + this.y];
  }

  /**
   * What is seen, in map units.
   *
   * @returns {Box}
   */
  get view() {
    const [left, top] = this.toMap(0, 0);
    const [right, bottom] = this.toMap(this.width, this.height);
    return { left, top, right, bottom };
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    this.flight = null;
    this.fitted = false;
    this.x -= dx / this.scale;
    this.y -= dy / this.scale;
    this.#stay();
  }

  /**
   * Zoom by a factor; the point of the map that is under this point of the screen stays there.
   *
   * @param {number} factor
   * @param {number} sx
   * @param {number} sy
   */
  zoomAt(factor, sx, sy) {
    this.flight = null;
    this.fitted = false;
    const [x, y] = this.toMap(sx, sy);
    this.scale = Math.min(this.closestScale, Math.max(FARTHEST * this.fitScale, this.scale * factor));
    this.x = x - (sx - this.width / 2) / this.scale;
    this.y = y - (sy - this.height / 2) / this.scale;
    this.#stay();
  }

  /**
   * The place to which `zoomAt` would lead, for a flight.
   *
   * @param {number} factor
   * @param {number} sx
   * @param {number} sy
   * @returns {Place}
   */
  zoomed(factor, sx, sy) {
    const [x, y] = this.toMap(sx, sy);
    const scale = Math.min(this.closestScale, Math.max(FARTHEST * this.fitScale, this.scale * factor));
    return { x: x - (sx - this.width / 2) / scale, y: y - (sy - this.height / 2) / scale, scale };
  }

  /**
   * Move there at once.
   *
   * @param {Place} place
   */
  place({ x, y, scale }) {
    this.flight = null;
    Object.assign(this, { x, y, scale });
    this.fitted = Math.abs(scale / this.fitScale - 1) < 0.01;
    this.#stay();
  }

  /**
   * Begin a flight to this place; `step` makes it.
   *
   * @param {Place} to
   * @param {number} now
   * @param {boolean} [still]
   */
  fly(to, now, still = false) {
    if (still) {
      this.place(to);
      return;
    }
    this.flight = { from: { x: this.x, y: this.y, scale: this.scale }, to, start: now };
  }

  /**
   * Make a step of the flight; whether it goes on.
   *
   * @param {number} now
   * @returns {boolean}
   */
  step(now) {
    if (!this.flight) return false;
    const { from, to, start } = this.flight;
    const part = Math.min(1, (now - start) / FLIGHT_MS);
    const eased = 1 - (1 - part) ** 3;
    const flight = this.flight;
    const scale = from.scale * (to.scale / from.scale) ** eased;
    // The centre moves with the scale, so that the target grows along a straight line.
    const along = Math.abs(to.scale - from.scale) < 1e-9 * from.scale
      ? eased
      : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
    this.place({ x: from.x + (to.x - from.x) * along, y: from.y + (to.y - from.y) * along, scale });
    this.flight = part < 1 ? flight : null;
    return part < 1;
  }

  /** Keep some of the map in the middle half of the view. */
  #stay() {
    const { left, right, top, bottom } = this.bounds;
    this.x = Math.min(right, Math.max(left, this.x));
    this.y = Math.min(bottom, Math.max(top, this.y));
  }
}
