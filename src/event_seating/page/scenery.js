// Owns what is drawn and not sold (stage, floor, other shapes) and the ground of areas. Draws in map
// units; the caller has set the transform.
//
// Modules: drawScenery(context, model, palette), drawAreas(context, model, seats, palette, pixel).

import { mix } from "./palette.js";

export function drawScenery(context, { shapes }, palette) {
  for (const shape of shapes) {
    context.fillStyle = shape.isStage ? palette.ink : palette.ground;
    trace(context, shape);
    if (shape.kind !== "text") context.fill();
    if (shape.label) write(context, shape, palette);
  }
}

/** Standing room: a tint of its category, an edge that shows it is to be had. */
export function drawAreas(context, { areas }, seats, palette, pixel) {
  areas.forEach((area, number) => {
    const free = seats.areas[number].available > 0 && seats.shows(area.category);
    const color = free ? palette.categories[area.category] : palette.taken;
    context.beginPath();
    context.roundRect(area.x, area.y, area.width, area.height, Math.min(area.width, area.height) * 0.06);
    context.fillStyle = mix(palette.paper, color, free ? 0.2 : 0.12);
    context.fill();
    context.lineWidth = 1.5 * pixel;
    context.strokeStyle = color;
    context.stroke();
  });
}

function trace(context, shape) {
  const { kind, points, x, y, width, height, radius } = shape;
  context.beginPath();
  if (kind === "polygon") {
    points.forEach(([px, py], at) => (at ? context.lineTo(px, py) : context.moveTo(px, py)));
    context.closePath();
  } else if (kind === "ellipse") {
    context.ellipse(x + width / 2, y + height / 2, width / 2, height / 2, 0, 0, 2 * Math.PI);
  } else if (kind === "rectangle") {
    const round = radius || (shape.isStage ? Math.min(width, height) * 0.05 : 0);
    context.roundRect(x, y, width, height, Math.min(round, width / 2, height / 2));
  }
}

/** The shape's label in its middle, along its longer side. */
function write(context, shape, palette) {
  const [x, y, width, height] = frameOf(shape);
  const upright = height > 1.4 * width;
  const along = upright ? height : width;
  const size = Math.min(0.5 * (upright ? width : height), (1.5 * along) / Math.max(4, shape.label.length), 0.16 * along);
  context.save();
  context.translate(x + width / 2, y + height / 2);
  if (upright) context.rotate(-Math.PI / 2);
  context.font = `600 ${size || 12}px ${palette.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = shape.isStage ? palette.paper : palette.muted;
  context.fillText(shape.label, 0, 0);
  context.restore();
}

function frameOf({ kind, points, x, y, width, height }) {
  if (kind !== "polygon") return [x, y, width, height];
  const xs = points.map(([px]) => px);
  const ys = points.map(([, py]) => py);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}
