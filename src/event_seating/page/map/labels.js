// Owns where labels stand on the canvas: on sections while they are blocks and over them when nearer, on
// standing areas, at the end of each row that is in sight (at the edge when its end is not), and at the edge
// towards the stage when that is out of sight. It draws pills.js's labels; its only text is "Stage".
//
// Modules: drawSectionLabels, drawSectionHeads, drawAreaLabels, drawRowLabels, drawWayToStage; each takes a frame
// {context, camera, ratio, pills, model}.

import { Pills } from "./pills.js";

/** @import { Camera } from "./camera.js" */
/** @import { SeatModel } from "./model.js" */
/** @import { Section } from "./parse.js" */
/** @import { Pill } from "./pills.js" */
/** @import { Seats } from "./seats.js" */

/**
 * The canvas, the camera and what is drawn with them.
 *
 * @typedef {{context: CanvasRenderingContext2D, camera: Camera, ratio: number, pills: Pills, model: SeatModel}} Frame
 */

/** @typedef {{pill: Pill, x: number, y: number}} Placed The centre of a label, in CSS pixels. */

/** @typedef {(section: number) => string[][]} FormsOf The lines of a section's label, the fullest form first. */

// The part of a section's width and depth that a label may take.
const FILL = 0.96;
// The part of its depth that one of several lines may take: the colours behind it show the prices.
const FILL_DEEP = 0.62;
const EDGE_PX = 6;
// The height of a label over a section: two lines.
const HEAD_PX = 36;
// Rows nearer to each other than this have no room for a label each.
const ROW_LABEL_PX = 13;
// The height of what covers the lower edge of the map: the section's name and the zoom buttons.
const LOWER_EDGE_PX = 74;

/**
 * Labels on sections that are drawn as blocks. Each section gets the fullest of `formsOf(section)` that fits, but
 * none fuller than fits half of the sections: a map whose labels all differ is hard to read.
 *
 * @param {Frame} frame
 * @param {number[]} sections
 * @param {FormsOf} formsOf
 */
export function drawSectionLabels(frame, sections, formsOf) {
  const { camera, model, pills } = frame;
  const fitting = sections.map((number) => {
    const [width, height] = roomIn(model.sections[number]).map((units) => units * camera.scale);
    const forms = formsOf(number);
    /** @param {string[]} lines */
    const fits = (lines) =>
      Pills.height(lines) <= height * (lines.length > 1 ? FILL_DEEP : FILL) && pills.width(lines) <= width * FILL;
    return { number, forms, from: forms.findIndex(fits) };
  }).filter(({ from }) => from >= 0);
  const usual = fitting.map(({ forms, from }) => forms.length - from).sort((a, b) => a - b)[fitting.length >> 1] ?? 0;
  for (const { number, forms, from } of fitting) {
    const { firstRow, lastRow } = model.sections[number];
    const row = model.rows[(firstRow + lastRow) >> 1];
    const [seat, next] = [(row.start + row.end - 1) >> 1, (row.start + row.end) >> 1];
    const [x, y] = camera.toScreen((model.x[seat] + model.x[next]) / 2, (model.y[seat] + model.y[next]) / 2);
    put(frame, pills.of(forms[Math.max(from, forms.length - usual)]), x, y);
  }
}

/**
 * The width and height for a label on a block, in map units; smaller for a slanting block that fills less of its box.
 *
 * @param {Section} section
 * @returns {[number, number]}
 */
function roomIn({ bounds, pitch, rowGap, start, end }) {
  const [width, height] = [bounds.right - bounds.left + pitch, bounds.bottom - bounds.top + rowGap];
  const filled = Math.min(1, Math.sqrt(((end - start) * pitch * rowGap * 1.15) / (width * height)));
  return [width * filled, height * filled];
}

/**
 * Labels on standing areas.
 *
 * @param {Frame} frame
 * @param {Seats} seats
 */
export function drawAreaLabels(frame, seats) {
  const { camera, model, pills } = frame;
  model.areas.forEach((area, number) => {
    const [left, top] = camera.toScreen(area.x, area.y);
    const [right, bottom] = camera.toScreen(area.x + area.width, area.y + area.height);
    if (right < 0 || bottom < 0 || left > camera.width || top > camera.height) return;
    const price = seats.tariff.price(area.category);
    const free = seats.areas[number].available;
    const lines = [area.label, free ? `${free.toLocaleString()} free` : "none left"];
    if (free && price !== null) lines[1] += ` · ${seats.tariff.short(price)}`;
    const form = [lines, lines.slice(0, 1)].find((each) =>
      pills.width(each) <= right - left && Pills.height(each) <= bottom - top
    );
    if (!form) return;
    // In the centre of its visible part.
    const x = (Math.max(0, left) + Math.min(camera.width, right)) / 2;
    const y = (Math.max(0, top) + Math.min(camera.height, bottom)) / 2;
    put(frame, pills.of(form), x, y);
  });
}

/**
 * Labels over sections whose seats are drawn one by one, where the space above them is free.
 *
 * @param {Frame} frame
 * @param {number[]} sections
 * @param {FormsOf} formsOf
 */
export function drawSectionHeads(frame, sections, formsOf) {
  const { camera, model, pills } = frame;
  for (const number of sections) {
    const { bounds, pitch, headroom } = model.sections[number];
    const [left, top] = camera.toScreen(bounds.left - pitch, bounds.top - pitch / 2);
    const [right] = camera.toScreen(bounds.right + pitch, bounds.top);
    if (top < 0 || top > camera.height) continue;
    const room = (headroom - pitch) * camera.scale;
    const form = formsOf(number).find((lines) =>
      Pills.height(lines) <= Math.min(room, HEAD_PX) && pills.width(lines) <= right - left
    );
    if (form) put(frame, pills.of(form), (left + right) / 2, top - Pills.height(form) / 2, true);
  }
}

/**
 * Labels of rows: at the beginning of each that is in sight, or at its end, or else over its first visible seat.
 *
 * @param {Frame} frame
 * @param {number[]} sections
 */
export function drawRowLabels(frame, sections) {
  const { rows } = frame.model;
  /** @type {Placed[]} */
  const placed = [];
  /** @type {[number, number][]} */
  const begun = [];
  for (const row of rowsWithRoom(frame, sections)) {
    const { start, end } = rows[row];
    let seat = start;
    while (seat < end && !isSeen(frame, seat)) seat += 1;
    if (seat === start) placed.push(putBeside(frame, row, start, start + 1));
    else if (seat < end) begun.push([row, seat]);
  }
  for (const [row, seat] of begun) {
    const { start, end } = rows[row];
    const box = isSeen(frame, end - 1) ? besideSeat(frame, row, end - 1, end - 2) : null;
    if (box && !placed.some((other) => overlap(box, other))) placed.push(putBeside(frame, row, end - 1, end - 2));
    else putBeside(frame, row, seat, seat + 1 < end ? seat + 1 : seat - 1, seat > start);
  }
}

/**
 * @param {Frame} frame
 * @param {number[]} sections
 */
function* rowsWithRoom({ camera, model }, sections) {
  for (const number of sections) {
    const { firstRow, lastRow, rowGap } = model.sections[number];
    if (rowGap * camera.scale < ROW_LABEL_PX) continue;
    for (let row = firstRow; row < lastRow; row += 1) yield row;
  }
}

/**
 * @param {Frame} frame
 * @param {number} seat
 */
function isSeen({ camera, model: { x, y } }, seat) {
  const [sx, sy] = camera.toScreen(x[seat], y[seat]);
  const margin = 2 * EDGE_PX;
  return sx > margin && sy > margin && sx < camera.width - margin && sy < camera.height - margin;
}

/**
 * Where a row's label stands: beside a seat, on the side away from the next seat.
 *
 * @param {Frame} frame
 * @param {number} row
 * @param {number} seat
 * @param {number} next
 * @param {boolean} [atEdge]
 * @returns {Placed}
 */
function besideSeat({ camera, model: { x, y, rows, sections }, pills }, row, seat, next, atEdge = false) {
  const { label, start, end, section } = rows[row];
  const pill = pills.of([label], atEdge ? "plain" : "bare");
  // At the edge of the screen the beginning of the row is on the side of the lower numbers.
  const side = atEdge ? Math.sign(next - seat) : 1;
  const [dx, dy] = next < start || next >= end ? [1, 0] : [(x[next] - x[seat]) * side, (y[next] - y[seat]) * side];
  const away = (0.45 * sections[section].pitch * camera.scale + pill.width / 2 + 2) / (Math.hypot(dx, dy) || 1);
  const [sx, sy] = camera.toScreen(x[seat], y[seat]);
  return { pill, x: sx - dx * away, y: sy - dy * away };
}

/**
 * @param {Frame} frame
 * @param {number} row
 * @param {number} seat
 * @param {number} next
 * @param {boolean} [atEdge]
 */
function putBeside(frame, row, seat, next, atEdge) {
  const box = besideSeat(frame, row, seat, next, atEdge);
  put(frame, box.pill, box.x, box.y, atEdge);
  return box;
}

/**
 * @param {Placed} one
 * @param {Placed} other
 */
function overlap(one, other) {
  return 2 * Math.abs(one.x - other.x) < one.pill.width + other.pill.width &&
    2 * Math.abs(one.y - other.y) < one.pill.height + other.pill.height;
}

/**
 * A label at the edge towards the stage, when the stage is out of sight.
 *
 * @param {Frame} frame
 */
export function drawWayToStage({ context, camera, ratio, pills, model }) {
  if (!model.focus) return;
  const [x, y] = camera.toScreen(model.focus.x, model.focus.y);
  if (x >= 0 && y >= 0 && x <= camera.width && y <= camera.height) return;
  const pill = pills.of(["Stage"], "dark");
  const [halfWidth, halfHeight] = [pill.width / 2 + 14, pill.height / 2 + 14];
  const [dx, dy] = [x - camera.width / 2, y - camera.height / 2];
  const down = camera.height / 2 - halfHeight - (dy > 0 ? LOWER_EDGE_PX : 0);
  const part = Math.min((camera.width / 2 - halfWidth) / Math.abs(dx || 1), down / Math.abs(dy || 1));
  const [px, py] = [camera.width / 2 + dx * part, camera.height / 2 + dy * part];
  context.drawImage(pill.canvas, Math.round((px - pill.width / 2) * ratio), Math.round((py - pill.height / 2) * ratio));
  // A small arrow that points to the stage, just outside the label.
  const angle = Math.atan2(dy, dx);
  const reach = Math.min(
    (pill.width / 2) / Math.abs(Math.cos(angle) || 1e-9),
    (pill.height / 2) / Math.abs(Math.sin(angle) || 1e-9),
  );
  context.save();
  context.translate((px + Math.cos(angle) * (reach + 3)) * ratio, (py + Math.sin(angle) * (reach + 3)) * ratio);
  context.rotate(angle);
  context.beginPath();
  context.moveTo(7 * ratio, 0);
  context.lineTo(0, -5 * ratio);
  context.lineTo(0, 5 * ratio);
  context.fillStyle = pills.palette.ink;
  context.fill();
  context.restore();
}

/**
 * @param {Frame} frame
 * @param {Pill} pill
 * @param {number} x
 * @param {number} y
 * @param {boolean} [atEdge]
 */
function put({ context, camera, ratio }, { canvas, width, height }, x, y, atEdge = false) {
  let left = x - width / 2;
  let top = y - height / 2;
  if (atEdge) {
    left = Math.min(camera.width - width - EDGE_PX, Math.max(EDGE_PX, left));
    top = Math.min(camera.height - height - EDGE_PX, Math.max(EDGE_PX, top));
  }
  context.drawImage(canvas, Math.round(left * ratio), Math.round(top * ratio));
}
