// Owns the seat map of an event as the page knows it: columns indexed by the seat's number (0 to
// seatCount - 1, in map order), sections, rows and areas. It never changes once it is made;
// the seats' statuses are in seats.js. No DOM.
//
// Modules: loadModel(url) -> SeatModel; SeatModel.ids, .labels, .number(id), .describe(seat),
// .sectionOf(seat), .rowLabel(seat). The box office uses the same.

import { Problem } from "../net/api.js";
import { readMap } from "./parse.js";

/** @import { Columns } from "./parse.js" */

export { ACCESSIBLE, COMPANION } from "./parse.js";

// Time for a map of 100,000 seats over a slow network.
const LOAD_WITHIN_MS = 120_000;

export class SeatModel {
  /** @type {Map<string, number> | null} */
  #numbers = null;

  /** @param {Columns} columns */
  constructor(columns) {
    this.name = columns.name;
    this.x = columns.x;
    this.y = columns.y;
    this.category = columns.category;
    this.flags = columns.flags;
    this.rowOf = columns.rowOf;
    this.categories = columns.categories;
    this.sections = columns.sections;
    this.rows = columns.rows;
    this.areas = columns.areas;
    this.shapes = columns.shapes;
    this.focus = columns.focus;
    this.bounds = columns.bounds;
    this.seatCount = columns.x.length;
    this.ids = this.seatCount ? columns.ids.split("\n") : [];
    this.labels = this.seatCount ? columns.labels.split("\n") : [];
    this.areaNumbers = new Map(this.areas.map(({ id }, number) => [id, number]));
    // The smallest usual distance between neighbours in any section; zooming is measured by it.
    this.pitch = this.sections.reduce(
      (least, { start, end, pitch }) => (start < end && pitch < least ? pitch : least),
      Infinity,
    );
    if (this.pitch === Infinity) this.pitch = 10;
  }

  /**
   * The number of a seat, or undefined when the map has no such id.
   *
   * @param {string} id
   * @returns {number | undefined}
   */
  number(id) {
    // Made when it is first needed, which the first picture does not.
    this.#numbers ??= new Map(this.ids.map((each, number) => [each, number]));
    return this.#numbers.get(id);
  }

  /** @param {number} seat */
  sectionOf(seat) {
    return this.sections[this.rows[this.rowOf[seat]].section];
  }

  /** @param {number} seat */
  rowLabel(seat) {
    return this.rows[this.rowOf[seat]].label;
  }

  /**
   * `Lower A, row 3, seat 12`, as a ticket says it.
   *
   * @param {number} seat
   * @returns {string}
   */
  describe(seat) {
    return `${this.sectionOf(seat).label}, row ${this.rowLabel(seat)}, seat ${this.labels[seat]}`;
  }
}

/**
 * Fetch and read a map, in a worker where there is one. Raises a `Problem`.
 *
 * @param {string} url
 * @returns {Promise<SeatModel>}
 */
export async function loadModel(url) {
  const columns = await (window.Worker ? inWorker(url) : here(url));
  return new SeatModel(columns);
}

/**
 * @param {string} url
 * @returns {Promise<Columns>}
 */
function inWorker(url) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./map-worker.js", import.meta.url), { type: "module" });
    /**
     * @template T
     * @param {(value: T) => void} settle
     * @param {T} value
     */
    const end = (settle, value) => {
      clearTimeout(timer);
      worker.terminate();
      settle(value);
    };
    const timer = setTimeout(() => end(reject, Problem.away("The seat map took too long.")), LOAD_WITHIN_MS);
    worker.onmessage = ({ data }) => {
      if (data.columns) end(resolve, data.columns);
      else end(reject, new Problem(data.status, "map_unreadable", data.text));
    };
    // A browser without module workers: do the same on this thread.
    worker.onerror = () => end(resolve, here(url));
    worker.postMessage({ url: new URL(url, location.href).href });
  });
}

/** @param {string} url */
async function here(url) {
  let answer;
  try {
    answer = await fetch(url);
  } catch {
    throw Problem.away();
  }
  if (!answer.ok)
    throw new Problem(answer.status, "map_unreadable", `The seat map could not be read (${answer.status}).`);
  return readMap(await answer.json());
}
