// Owns the index of seats by position: which seat is nearest to a point, which seats are in a frame. A grid of
// cells with a few seats each, so that both cost the same in a club and in a stadium. Pure.
//
// Modules: GridIndex(model); .nearest(x, y, within), .inside(frame).

/** @import { Box } from "./parse.js" */

// At most this many cells for each seat: a map may be mostly empty.
const CELLS_PER_SEAT_MAX = 4;

export class GridIndex {
  /** @param {{x: Float32Array, y: Float32Array, seatCount: number, bounds: Box, pitch: number}} map */
  constructor({ x, y, seatCount, bounds, pitch }) {
    this.x = x;
    this.y = y;
    this.left = bounds.left;
    this.top = bounds.top;
    const width = bounds.right - bounds.left;
    const height = bounds.bottom - bounds.top;
    const smallest = Math.sqrt((width * height) / (CELLS_PER_SEAT_MAX * Math.max(1, seatCount)));
    this.size = Math.max(2 * pitch, smallest, width / 4_096, height / 4_096);
    this.columns = Math.ceil(width / this.size) + 1;
    this.lines = Math.ceil(height / this.size) + 1;
    /** @type {Uint32Array} */
    this.starts;
    /** @type {Uint32Array} */
    this.seats;
    this.#fill(seatCount);
  }

  /**
   * The seat nearest to a point, at most `within` map units away; -1 when there is none.
   *
   * @param {number} x
   * @param {number} y
   * @param {number} within
   * @returns {number}
   */
  nearest(x, y, within) {
    let best = -1;
    let bestSquare = within * within;
    this.#each(x - within, y - within, x + within, y + within, (seat) => {
      const square = (this.x[seat] - x) ** 2 + (this.y[seat] - y) ** 2;
      if (square <= bestSquare) {
        bestSquare = square;
        best = seat;
      }
    });
    return best;
  }

  /**
   * The seats in a frame {left, top, right, bottom}, in map order.
   *
   * @param {Box} frame
   * @returns {number[]}
   */
  inside({ left, top, right, bottom }) {
    /** @type {number[]} */
    const found = [];
    this.#each(left, top, right, bottom, (seat) => {
      const x = this.x[seat];
      const y = this.y[seat];
      if (x >= left && x <= right && y >= top && y <= bottom) found.push(seat);
    });
    return found.sort((a, b) => a - b);
  }

  /** @param {number} seatCount */
  #fill(seatCount) {
    const starts = new Uint32Array(this.columns * this.lines + 1);
    const cells = new Uint32Array(seatCount);
    for (let seat = 0; seat < seatCount; seat += 1) {
      cells[seat] = this.#column(this.x[seat]) + this.columns * this.#line(this.y[seat]);
      starts[cells[seat] + 1] += 1;
    }
    for (let cell = 1; cell < starts.length; cell += 1) starts[cell] += starts[cell - 1];
    const next = starts.slice();
    this.starts = starts;
    this.seats = new Uint32Array(seatCount);
    for (let seat = 0; seat < seatCount; seat += 1) this.seats[next[cells[seat]]++] = seat;
  }

  /**
   * @param {number} left
   * @param {number} top
   * @param {number} right
   * @param {number} bottom
   * @param {(seat: number) => void} visit
   */
  #each(left, top, right, bottom, visit) {
    const last = this.#column(right);
    for (let line = this.#line(top); line <= this.#line(bottom); line += 1) {
      for (let column = this.#column(left); column <= last; column += 1) {
        const cell = column + this.columns * line;
        for (let at = this.starts[cell]; at < this.starts[cell + 1]; at += 1) visit(this.seats[at]);
      }
    }
  }

  /** @param {number} x */
  #column(x) {
    return Math.min(this.columns - 1, Math.max(0, Math.floor((x - this.left) / this.size)));
  }

  /** @param {number} y */
  #line(y) {
    return Math.min(this.lines - 1, Math.max(0, Math.floor((y - this.top) / this.size)));
  }
}
