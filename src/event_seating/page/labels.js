// Owns where labels stand on the canvas: on sections while they are blocks, on standing room, at the
// end of each row that is in sight (at the edge when its end is not), and at the edge that leads to
// the stage when that is out of sight. Draws through pills.js; knows no text of its own but "Stage".
//
// Modules: drawSectionLabels, drawAreaLabels, drawRowLabels, drawWayToStage; each takes a frame
// {context, camera, ratio, pills, model}.

import { Pills } from "./pills.js";

// Of a section's width and depth, what a label may take.
const FILL = 0.96;
const EDGE_PX = 6;
// Rows that are closer than this have no room for a label each.
const ROW_LABEL_PX = 13;
// What stands over the lower edge of the map: the section's name and the zoom buttons.
const LOWER_EDGE_PX = 58;

/**
 * `formsOf(section)` gives forms, the fullest first. Each section gets the fullest that fits, but none
 * fuller than fits most: a map on which every section says something else is hard to read.
 */
export function drawSectionLabels(frame, sections, formsOf) {
  const { camera, model, pills } = frame;
  const fitting = sections.map((number) => {
    const [width, height] = roomIn(model.sections[number]).map((units) => units * camera.scale * FILL);
    const forms = formsOf(number);
    return { number, forms, from: forms.findIndex((lines) => Pills.height(lines) <= height && pills.width(lines) <= width) };
  }).filter(({ from }) => from >= 0);
  const usual = fitting.map(({ forms, from }) => forms.length - from).sort((a, b) => a - b)[fitting.length >> 2] ?? 0;
  for (const { number, forms, from } of fitting) {
    const { firstRow, lastRow } = model.sections[number];
    const row = model.rows[(firstRow + lastRow) >> 1];
    const seat = (row.start + row.end) >> 1;
    const [x, y] = camera.toScreen(model.x[seat], model.y[seat]);
    put(frame, pills.of(forms[Math.max(from, forms.length - usual)]), x, y);
  }
}

/** How wide and high the block is, in map units; the less of its box a slanting one fills, the less. */
function roomIn({ bounds, pitch, rowGap, start, end }) {
  const [width, height] = [bounds.right - bounds.left + pitch, bounds.bottom - bounds.top + rowGap];
  const filled = Math.min(1, Math.sqrt(((end - start) * pitch * rowGap * 1.15) / (width * height)));
  return [width * filled, height * filled];
}

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
    const form = [lines, lines.slice(0, 1)].find((each) => pills.width(each) <= right - left && Pills.height(each) <= bottom - top);
    if (!form) return;
    // In the middle of what is in sight of it.
    const x = (Math.max(0, left) + Math.min(camera.width, right)) / 2;
    const y = (Math.max(0, top) + Math.min(camera.height, bottom)) / 2;
    put(frame, pills.of(form), x, y);
  });
}

export function drawRowLabels(frame, sections) {
  const { camera, model } = frame;
  const { x, y, rows } = model;
  const margin = 2 * EDGE_PX;
  for (const number of sections) {
    const { firstRow, lastRow, pitch, rowGap } = model.sections[number];
    if (rowGap * camera.scale < ROW_LABEL_PX) continue;
    for (let row = firstRow; row < lastRow; row += 1) {
      const { start, end, label } = rows[row];
      let seen = -1;
      for (let seat = start; seat < end && seen < 0; seat += 1) {
        const [sx, sy] = camera.toScreen(x[seat], y[seat]);
        if (sx > margin && sy > margin && sx < camera.width - margin && sy < camera.height - margin) seen = seat;
      }
      if (seen < 0) continue;
      const next = seen + 1 < end ? seen + 1 : seen - 1 >= start ? seen - 1 : -1;
      const [dx, dy] = next < 0 ? [1, 0] : [(x[next] - x[seen]) * Math.sign(next - seen), (y[next] - y[seen]) * Math.sign(next - seen)];
      const pill = frame.pills.of([label], seen > start ? "plain" : "bare");
      // Beside the first seat, and clear of it.
      const away = (0.45 * pitch * camera.scale + pill.width / 2 + 2) / (Math.hypot(dx, dy) || 1);
      const [sx, sy] = camera.toScreen(x[seen], y[seen]);
      put(frame, pill, sx - dx * away, sy - dy * away, seen > start);
    }
  }
}

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
  // A small arrow that points there, just outside the label.
  const angle = Math.atan2(dy, dx);
  const reach = Math.min((pill.width / 2) / Math.abs(Math.cos(angle) || 1e-9), (pill.height / 2) / Math.abs(Math.sin(angle) || 1e-9));
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

function put({ context, camera, ratio }, { canvas, width, height }, x, y, atEdge = false) {
  let left = x - width / 2;
  let top = y - height / 2;
  if (atEdge) {
    left = Math.min(camera.width - width - EDGE_PX, Math.max(EDGE_PX, left));
    top = Math.min(camera.height - height - EDGE_PX, Math.max(EDGE_PX, top));
  }
  context.drawImage(canvas, Math.round(left * ratio), Math.round(top * ratio));
}
