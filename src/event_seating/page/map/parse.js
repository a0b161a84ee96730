// Owns the way from a seat map as JSON to columns of numbers, and what follows from geometry alone:
// how far apart seats are, which stretches of a row have no gap, how wide the whole is.
// Pure: no DOM, no network. Runs in the worker (map-worker.js), so its result holds typed arrays and
// plain objects only.
//
// Modules: readMap(json) -> columns, as model.js takes them.

import { readShapes } from "./shapes.js";

export const ACCESSIBLE = 1;
export const COMPANION = 2;

// Seats further apart than this many times the row's median distance have an aisle between them.
const RUN_GAP = 1.5;

// Seats of a section that are asked for their nearest neighbour: enough for a median.
const PITCH_SAMPLE = 24;

// Map units, for a section with one seat and a map without any.
const PITCH_DEFAULT = 10;

/** The columns of a map in the first format. */
export function readMap(json) {
  const count = countSeats(json);
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
    bounds: null,
  };
  readSections(json, columns);
  columns.areas = readAreas(json.areas, columns.categories);
  for (const section of columns.sections) section.headroom = headroomOf(columns, section);
  columns.bounds = boundsOf(json, columns);
  columns.focus = focusOf(columns);
  return columns;
}

function countSeats(json) {
  let count = 0;
  for (const section of json.sections ?? []) {
    for (const row of section.rows ?? []) count += row.seats.length;
  }
  return count;
}

function readCategories(json) {
  return Object.entries(json.priceTiers ?? {}).map(([key, tier]) => ({
    key,
    label: String(tier?.label ?? key),
    color: typeof tier?.color === "string" ? tier.color : null,
  }));
}

function readSections(json, columns) {
  const numbers = new Map(columns.categories.map(({ key }, number) => [key, number]));
  const ids = [];
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
      columns.rows.push({ section: number, label: String(row.index), start, end: seat, runs: [] });
    }
    columns.sections.push({
      id: String(section.id),
      label: String(section.label ?? section.id),
      start: first,
      end: seat,
      firstRow,
      lastRow: columns.rows.length,
      pitch: pitchOf(columns, first, seat),
      rowGap: 0,
      bounds: extent(columns, first, seat),
    });
  }
  for (const section of columns.sections) section.rowGap = rowGapOf(columns, section);
  columns.ids = ids.join("\n");
  columns.labels = labels.join("\n");
  for (const row of columns.rows) {
    row.runs = runsOf(columns, row);
    row.bounds = extent(columns, row.start, row.end);
  }
}

/** The median distance from a seat to the nearest other one of its section. */
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

/** The median distance from the middle seat of a row to the nearest one of the next row. */
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
  // Rows that lie far apart are no block; what fills the space between them would hide that.
  return Math.min(gaps[gaps.length >> 1] ?? pitch, 2.5 * pitch);
}

/** How much space there is over a section before something else comes; 0 where it reaches beside that. */
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

function boxAround({ points = [], x, y, width, height }) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (const [px, py] of points) include(box, px, py);
  if (!points.length) {
    include(box, x, y);
    include(box, x + width, y + height);
  }
  return box;
}

/** Stretches [start, end) of a row without an aisle. */
function runsOf({ x, y }, { start, end }) {
  const gaps = [];
  for (let seat = start + 1; seat < end; seat += 1) {
    gaps.push(Math.hypot(x[seat] - x[seat - 1], y[seat] - y[seat - 1]));
  }
  const widest = RUN_GAP * ([...gaps].sort((a, b) => a - b)[(gaps.length - 1) >> 1] ?? 0);
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

function extent({ x, y }, start, end) {
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (let seat = start; seat < end; seat += 1) include(box, x[seat], y[seat]);
  return box;
}

function include(box, x, y) {
  if (x < box.left) box.left = x;
  if (x > box.right) box.right = x;
  if (y < box.top) box.top = y;
  if (y > box.bottom) box.bottom = y;
}

/** What has to be seen when all is seen: everything that is drawn, not the paper around it. */
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

/** What people come to look at: the middle of the first shape that is called stage, or none. */
function focusOf({ shapes }) {
  const stage = shapes.find(({ isStage }) => isStage);
  if (!stage) return null;
  if (!stage.points.length) return { x: stage.x + stage.width / 2, y: stage.y + stage.height / 2 };
  const sum = stage.points.reduce(([x, y], [px, py]) => [x + px, y + py], [0, 0]);
  return { x: sum[0] / stage.points.length, y: sum[1] / stage.points.length };
}
