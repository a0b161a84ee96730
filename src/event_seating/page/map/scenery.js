// Owns the drawing of what is not sold (stage, floor, other shapes) and of the ground of areas. It draws in map
// units; the caller has set the transform.
//
// Modules: drawScenery(context, model, palette), drawAreas(context, model, seats, palette, pixel).

import { contrast, hexOf, isDark, mix } from "./palette.js";

/** @import { Palette } from "./palette.js" */
/** @import { Area } from "./parse.js" */
/** @import { Seats } from "./seats.js" */
/** @import { Shape, Text } from "./shapes.js" */

/** @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context */

// The size of a text that has neither a size nor a shape around it.
const TEXT_SIZE = 12;
const TEXT_CONTRAST = 4.5;
// The part of a map's colour in what is painted: seats have to stand out from it as from the paper.
const TINT_LIGHT = 0.5;
const TINT_DARK = 0.2;
const BORDER_PX = 1.5;

/**
 * The shapes of the map, the stage among them, with their texts.
 *
 * @param {Context} context
 * @param {{shapes: Shape[]}} model
 * @param {Palette} palette
 */
export function drawScenery(context, { shapes }, palette) {
  const pixel = 1 / context.getTransform().a;
  for (const shape of shapes) {
    const fill = fillOf(shape, palette);
    trace(context, shape);
    if (shape.kind !== "text") {
      context.fillStyle = fill;
      context.fill();
      const border = palette.forced ? null : hexOf(shape.border);
      if (border && !shape.isStage) {
        context.lineWidth = BORDER_PX * pixel;
        context.strokeStyle = mix(palette.paper, border, 0.8);
        context.stroke();
      }
    }
    if (shape.text) write(context, shape, palette, shape.kind === "text" ? palette.paper : fill);
  }
}

/**
 * The colour of a shape: the same for a stage on every map, for others the map's colour as a tint.
 *
 * @param {Shape} shape
 * @param {Palette} palette
 */
function fillOf(shape, palette) {
  if (shape.isStage) return palette.ink;
  const color = palette.forced ? null : hexOf(shape.color);
  return color ? mix(palette.paper, color, isDark(palette.paper) ? TINT_DARK : TINT_LIGHT) : palette.ground;
}

/**
 * Standing areas: a tint of the category, and an edge where places are free.
 *
 * @param {Context} context
 * @param {{areas: Area[]}} model
 * @param {Seats} seats
 * @param {Palette} palette
 * @param {number} pixel
 */
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

/**
 * @param {Context} context
 * @param {Shape} shape
 */
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

/**
 * The text of a shape: where the map puts it, else in the centre, along the longer side.
 *
 * @param {Context} context
 * @param {Shape} shape
 * @param {Palette} palette
 * @param {string} fill
 */
function write(context, shape, palette, fill) {
  const { words, x, y, angle, size, color } = /** @type {Text} */ (shape.text);
  const [left, top, width, height] = frameOf(shape);
  const isPlaced = x !== null;
  const upright = !isPlaced && !angle && height > 1.4 * width;
  const along = upright ? height : width;
  const fitted = Math.min(0.5 * (upright ? width : height), (1.5 * along) / Math.max(4, words.length), 0.16 * along);
  context.save();
  context.translate(isPlaced ? x : left + width / 2, isPlaced ? /** @type {number} */ (y) : top + height / 2);
  context.rotate(upright ? -Math.PI / 2 : angle);
  context.font = `600 ${size || fitted || TEXT_SIZE}px ${palette.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  const wanted = shape.isStage ? palette.paper : palette.muted;
  context.fillStyle = readable(palette.forced ? null : color, wanted, fill, palette);
  context.fillText(words, 0, 0);
  context.restore();
}

/**
 * The colour of a text: the map's if it can be read there, else the page's, else one that can.
 *
 * @param {string | null} color
 * @param {string} ours
 * @param {string} fill
 * @param {Palette} palette
 */
function readable(color, ours, fill, { ink, paper }) {
  const wanted = /** @type {string[]} */ ([hexOf(color), ours].filter(Boolean)).find((each) =>
    contrast(each, fill) >= TEXT_CONTRAST
  );
  return wanted ?? [ink, paper].reduce((one, other) => (contrast(one, fill) >= contrast(other, fill) ? one : other));
}

/**
 * @param {Shape} shape
 * @returns {[number, number, number, number]}
 */
function frameOf({ kind, points, x, y, width, height }) {
  if (kind !== "polygon") return [x, y, width, height];
  const xs = points.map(([px]) => px);
  const ys = points.map(([, py]) => py);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return [left, top, Math.max(...xs) - left, Math.max(...ys) - top];
}
