// Owns the conversion of a seat map from JSON to columns of numbers, and what follows from geometry alone: how
// far apart seats are, which parts of a row have no gap, how large the whole map is.
// Pure: no DOM, no network. Runs in the worker (map-worker.js), so its result holds typed arrays and
// plain objects only.
//
// Modules: readMap(json) -> columns, as model.js takes them.

import { readShapes } from "./shapes.js";

/** @import { Shape, ShapeBody } from "./shapes.js" */

/** @typedef {{left: number, top: number, right: number, bottom: number}} Box In map units. */

/** @typedef {{key: string, label: string, color: string | null}} Category */

/**
 * Seats [start, end) in rows [firstRow, lastRow).
 *
 * @typedef {object} Section
 * @property {string} id
 * @property {string} label
 * @property {number} start
 * @property {number} end
 * @property {number} firstRow
 * @property {number} lastRow
 * @property {number} pitch From seat to seat.
 * @property {number} rowGap From row to row.
 * @property {Box} bounds
 * @property {number} headroom The free space above it, in map units.
 */

/**
 * Seats [start, end) of a section; `runs` are its parts without an aisle.
 *
 * @typedef {object} Row
 * @property {number} section
 * @property {string} label
 * @property {number} start
 * @property {number} end
 * @property {[number, number][]} runs
 * @property {Box} bounds
 */

/**
 * @typedef {object} Area
 * @property {string} id
 * @property {string} label
 * @property {number} capacity
 * @property {number} category
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 */

/**
 * A map in columns: `x`, `y`, `category`, `flags` and `rowOf` by the number of the seat; `ids` and `labels` have a line for each seat.
 *
 * @typedef {object} Columns
 * @property {string} name
 * @property {Float32Array<ArrayBuffer>} x
 * @property {Float32Array<ArrayBuffer>} y
 * @property {Uint8Array<ArrayBuffer>} category
 * @property {Uint8Array<ArrayBuffer>} flags
 * @property {Uint32Array<ArrayBuffer>} rowOf
 * @property {string} ids
 * @property {string} labels
 * @property {Category[]} categories
 * @property {Section[]} sections
 * @property {Row[]} rows
 * @property {Area[]} areas
 * @property {Shape[]} shapes
 * @property {{x: number, y: number} | null} focus
 * @property {Box} bounds
 */

/**
 * A map as the server sends it; the server has checked the fields that are not `unknown` here.
 *
 * @typedef {object} MapBody
 * @property {unknown} [name]
 * @property {{width?: number, height?: number}} [map]
 * @property {Record<string, {label?: unknown, color?: unknown} | null>} [priceTiers]
 * @property {SectionBody[]} [sections]
 * @property {AreaBody[]} [areas]
 * @property {ShapeBody[]} [shapes]
 *
 * @typedef {object} SectionBody
 * @property {unknown} id
 * @property {unknown} [label]
 * @property {{x?: number, y?: number, scale?: number}} [transform]
 * @property {{index: unknown, seats: SeatBody[]}[]} [rows]
 *
 * @typedef {object} SeatBody
 * @property {string} id
 * @property {number} x
 * @property {number} y
 * @property {unknown} [priceTier]
 * @property {string} [label]
 * @property {unknown} [col]
 * @property {unknown} [accessible]
 * @property {unknown} [companion]
 *
 * @typedef {object} AreaBody
 * @property {unknown} id
 * @property {unknown} [label]
 * @property {number} capacity
 * @property {unknown} [priceTier]
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 */

/** @typedef {Pick<Columns, "x" | "y">} Places */

export const ACCESSIBLE = 1;
export const COMPANION = 2;

// Seats further apart than this many times the row's median distance have an aisle between them.
const RUN_GAP = 1.5;

// Seats of a section whose nearest neighbour is measured: enough for a median.
const PITCH_SAMPLE = 24;

// Map units, for a section with one seat and a map without any.
const PITCH_DEFAULT = 10;

/**
 * The columns of a map, with what follows from its geometry.
 *
 * @param {MapBody} json
 * @returns {Columns}
 */
export function readMap(json) {
  const count = countSeats(json);
  /** @type {Columns} */
  const columns = {
    name: String(json.name ?? ""),
    x: new Float32Array(count),
    y: new Float32Array(count),
    category: new Uint8Array(count),
    flags: new Uint8Array(count),
    rowOf: new Uint32Array(count),
    // One text with a seat a line: copied between threads far faster than a list of texts. No id
    // or label has a line break in it; the server refuses control characters.
    ids: "",
    labels: "",
    categories: readCategories(json),
    sections: [],
    rows: [],
    areas: [],
    shapes: readShapes(json.shapes),
    focus: null,
    bounds: /** @type {Box} */ (/** @type {Box | null} */ (null)),
  };
  readSections(json, columns);
  columns.areas = readAreas(json.areas, columns.categories);
  for (const section of columns.sections) section.headroom = headroomOf(columns, section);
  columns.bounds = boundsOf(json, columns);
  columns.focus = focusOf(columns);
  return columns;
}

/** @param {MapBody} json */
function countSeats(json) {
  let count = 0;
  for (const section of json.sections ?? []) {
    for (const row of section.rows ?? []) count += row.seats.length;
  }
  return count;
}

/**
 * @param {MapBody} json
 * @returns {Category[]}
 */
function readCategories(json) {
  return Object.entries(json.priceTiers ?? {}).map(([key, tier]) => ({
    key,
    label: String(tier?.label ?? key),
    color: typeof tier?.color === "string" ? tier.color : null,
  }));
}

/**
 * @param {MapBody} json
 * @param {Columns} columns
 */
function readSections(json, columns) {
  const numbers = new Map(columns.categories.map(({ key }, number) => [key, number]));
  /** @type {string[]} */
  const ids = [];
  /** @type {string[]} */
  const labels = [];
  let seat = 0;
  for (const [number, section] of (json.sections ?? []).entries()) {
    const { x = 0, y = 0, scale = 1 } = section.transform ?? {};
    const firstRow = columns.rows.length;
    const first = seat;
    for (const row of section.rows ?? []) {
      const start = seat;
      for (const each of row.seats) {
        columns.x[seat] = x + scale * each.x;
        columns.y[seat] = y + scale * each.y;
        columns.category[seat] = numbers.get(String(each.priceTier)) ?? 0;
        columns.flags[seat] = (each.accessible ? ACCESSIBLE : 0) | (each.companion ? COMPANION : 0);
        columns.rowOf[seat] = columns.rows.length;
        ids.push(each.id);
        labels.push(each.label ?? String(each.col ?? seat - start + 1));
        seat += 1;
      }
      columns.rows.push(
        /** @type {Row} */ (/** @type {Partial<Row>} */ ({
          section: number,
          label: String(row.index),
          start,
          end: seat,
          runs: [],
        })),
      );
    }
    columns.sections.push(
      /** @type {Section} */ ({
        id: String(section.id),
        label: String(section.label ?? section.id),
        start: first,
        end: seat,
        firstRow,
        lastRow: columns.rows.length,
        pitch: pitchOf(columns, first, seat),
        rowGap: 0,
        bounds: extent(columns, first, seat),
      }),
    );
  }
  for (const section of columns.sections) section.rowGap = rowGapOf(columns, section);
  columns.ids = ids.join("\n");
  columns.labels = labels.join("\n");
  for (const row of columns.rows) {
    row.runs = runsOf(columns, row);
    row.bounds = extent(columns, row.start, row.end);
  }
}

/**
 * The median distance from a seat to the nearest other seat of its section.
 *
 * @param {Places} columns
 * @param {number} start
 * @param {number} end
 */
function pitchOf({ x, y }, start, end) {
  const step = Math.max(1, Math.floor((end - start) / PITCH_SAMPLE));
  const nearest = [];
  for (let seat = start; seat < end; seat += step) {
    let best = Infinity;
    for (let other = start; other < end; other += 1) {
      const distance = (x[seat] - x[other]) ** 2 + (y[seat] - y[other]) ** 2;
      if (distance < best && distance > 0) best = distance;
    }
    if (best < Infinity) nearest.push(Math.sqrt(best));
  }
  nearest.sort((a, b) => a - b);
  return nearest[nearest.length >> 1] ?? PITCH_DEFAULT;
}

/**
 * The median distance from the middle seat of a row to the nearest one of the next row.
 *
 * @param {Places & Pick<Columns, "rows">} columns
 * @param {Section} section
 */
function rowGapOf({ x, y, rows }, { firstRow, lastRow, pitch }) {
  const gaps = [];
  for (let number = firstRow; number + 1 < lastRow; number += 1) {
    const seat = (rows[number].start + rows[number].end) >> 1;
    let best = Infinity;
    for (let other = rows[number + 1].start; other < rows[number + 1].end; other += 1) {
      best = Math.min(best, (x[seat] - x[other]) ** 2 + (y[seat] - y[other]) ** 2);
    }
    if (best > 0 && best < Infinity) gaps.push(Math.sqrt(best));
  }
  gaps.sort((a, b) => a - b);
  // Rows that lie far apart are no block, and filling the space between them would hide that.
  return Math.min(gaps[gaps.length >> 1] ?? pitch, 2.5 * pitch);
}

/**
 * The free space above a section, up to the next thing there; 0 where something reaches beside it.
 *
 * @param {Columns} columns
 * @param {Section} section
 */
function headroomOf({ sections, areas, shapes }, { bounds, start, end }) {
  let least = Infinity;
  if (start === end) return 0;
  const seated = sections.filter((other) => other.bounds !== bounds && other.start < other.end).map((other) =>
    other.bounds
  );
  for (const { left, top, right, bottom } of [...seated, ...[...areas, ...shapes].map(boxAround)]) {
    const isBeside = right < bounds.left || left > bounds.right || top >= bounds.top;
    if (!isBeside) least = Math.min(least, Math.max(0, bounds.top - bottom));
  }
  return least;
}

/**
 * @param {{points?: [number, number][], x: number, y: number, width: number, height: number}} each
 * @returns {Box}
 */
function boxAround({ points = [], x, y, width, height }) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [px, py] of points) include(box, px, py);
  if (!points.length) {
    include(box, x, y);
    include(box, x + width, y + height);
  }
  return box;
}

/**
 * The parts [start, end) of a row without an aisle.
 *
 * @param {Places} columns
 * @param {{start: number, end: number}} row
 */
function runsOf({ x, y }, { start, end }) {
  const gaps = [];
  for (let seat = start + 1; seat < end; seat += 1) {
    gaps.push(Math.hypot(x[seat] - x[seat - 1], y[seat] - y[seat - 1]));
  }
  const widest = RUN_GAP * ([...gaps].sort((a, b) => a - b)[(gaps.length - 1) >> 1] ?? 0);
  /** @type {[number, number][]} */
  const runs = [];
  let from = start;
  gaps.forEach((gap, number) => {
    if (gap <= widest) return;
    runs.push([from, start + number + 1]);
    from = start + number + 1;
  });
  runs.push([from, end]);
  return runs;
}

/**
 * @param {AreaBody[] | undefined} areas
 * @param {Category[]} categories
 * @returns {Area[]}
 */
function readAreas(areas, categories) {
  return (areas ?? []).map((area) => ({
    id: String(area.id),
    label: String(area.label ?? area.id),
    capacity: area.capacity,
    category: Math.max(0, categories.findIndex(({ key }) => key === String(area.priceTier))),
    x: area.x,
    y: area.y,
    width: area.width,
    height: area.height,
  }));
}

/**
 * @param {Places} columns
 * @param {number} start
 * @param {number} end
 * @returns {Box}
 */
function extent({ x, y }, start, end) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (let seat = start; seat < end; seat += 1) include(box, x[seat], y[seat]);
  return box;
}

/**
 * @param {Box} box
 * @param {number} x
 * @param {number} y
 */
function include(box, x, y) {
  if (x < box.left) box.left = x;
  if (x > box.right) box.right = x;
  if (y < box.top) box.top = y;
  if (y > box.bottom) box.bottom = y;
}

/**
 * The box around everything that is drawn, without the empty paper around it.
 *
 * @param {MapBody} json
 * @param {Columns} columns
 * @returns {Box}
 */
function boundsOf(json, columns) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const section of columns.sections) {
    if (section.start === section.end) continue;
    include(box, section.bounds.left - section.pitch, section.bounds.top - section.pitch);
    include(box, section.bounds.right + section.pitch, section.bounds.bottom + section.pitch);
  }
  for (const each of [...columns.areas, ...columns.shapes]) {
    const { left, top, right, bottom } = boxAround(each);
    include(box, left, top);
    include(box, right, bottom);
  }
  if (box.left < box.right && box.top < box.bottom) return box;
  const { width = 100, height = 100 } = json.map ?? {};
  return { left: 0, top: 0, right: width, bottom: height };
}

/**
 * The centre of the first shape that is called stage, or null.
 *
 * @param {Columns} columns
 */
function focusOf({ shapes }) {
  const stage = shapes.find(({ isStage }) => isStage);
  if (!stage) return null;
  if (!stage.points.length) return { x: stage.x + stage.width / 2, y: stage.y + stage.height / 2 };
  const sum = stage.points.reduce(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return { x: sum[0] / stage.points.length, y: sum[1] / stage.points.length };
}
