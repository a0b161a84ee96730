// Owns the conversion of a map's shapes from JSON to what scenery.js draws: where each is, its colours and its
// text, in all the forms that real maps have. Rotated shapes become polygons.
// Pure: no DOM, no network; runs in the worker.
//
// Modules: readShapes(json.shapes) -> [{kind, points, x, y, width, height, radius, color, border,
// text, isStage}]; text is null or {words, x, y, angle, size, color}, its x and y null for the middle.

/** @typedef {[number, number]} Point */

/** @typedef {"polygon" | "ellipse" | "rectangle" | "text"} Kind */

/**
 * @typedef {object} Text
 * @property {string} words
 * @property {number | null} x
 * @property {number | null} y
 * @property {number} angle
 * @property {number} size
 * @property {string | null} color
 */

/**
 * @typedef {object} Shape
 * @property {Kind} kind
 * @property {Point[]} points
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {number} radius
 * @property {string | null} color
 * @property {string | null} border
 * @property {Text | null} text
 * @property {boolean} isStage
 */

/** @typedef {Record<string, unknown>} ShapeBody A shape as a map has it; its fields depend on the program that drew it. */

/** @typedef {{x: number, y: number, width: number, height: number}} Rectangle */

// Corners of the outline of a rotated ellipse.
const CORNERS = 48;

const DEGREE = Math.PI / 180;

/**
 * The shapes that have a position.
 *
 * @param {ShapeBody[] | undefined} shapes
 * @returns {Shape[]}
 */
export function readShapes(shapes) {
  const found = [];
  for (const shape of shapes ?? []) {
    const points = Array.isArray(shape.points) ? shape.points.filter(isPlace) : [];
    if (!points.length && !isPlace(shape)) continue;
    found.push(readShape(shape, points));
  }
  return found;
}

/**
 * @param {ShapeBody} shape
 * @param {{x: number, y: number}[]} points
 * @returns {Shape}
 */
function readShape(shape, points) {
  const box = boxOf(shape);
  const kind = points.length ? "polygon" : kindOf(shape);
  const names = [shape.id, shape.name, shape.label, shape.type, wordsOf(shape)];
  /** @type {Shape} */
  const read = {
    kind,
    points: points.map(({ x, y }) => /** @type {Point} */ ([x, y])),
    ...box,
    radius: sizeOf(shape.cornerRadius),
    color: colorOf(shape.color),
    border: colorOf(shape.border_color),
    text: null,
    isStage: names.some((name) => typeof name === "string" && name.trim().toLowerCase() === "stage"),
  };
  const origin = originOf(shape, kind, box);
  const angle = Number.isFinite(shape.rotation) && origin ? (/** @type {number} */ (shape.rotation) % 360) * DEGREE : 0;
  read.text = textOf(shape, kind, origin, angle);
  return angle ? turned(read, /** @type {Point} */ (origin), angle) : read;
}

/**
 * The point that a shape rotates about and from which its text is placed: a corner, or an ellipse's centre.
 *
 * @param {ShapeBody} shape
 * @param {Kind} kind
 * @param {Rectangle} box
 * @returns {Point | null}
 */
function originOf(shape, kind, { x, y, width, height }) {
  if (!isPlace(shape)) return null;
  return kind === "ellipse" ? [x + width / 2, y + height / 2] : [shape.x, shape.y];
}

/**
 * @param {ShapeBody} shape
 * @param {Kind} kind
 * @param {Point | null} origin
 * @param {number} angle
 * @returns {Text | null}
 */
function textOf(shape, kind, origin, angle) {
  const words = wordsOf(shape);
  if (!words) return null;
  const { position, size, color } =
    /** @type {Record<string, unknown>} */ (typeof shape.text === "object" && shape.text ? shape.text : {});
  const [x, y] = isPlace(position) && origin
    ? turn([origin[0] + position.x, origin[1] + position.y], origin, angle)
    : [null, null];
  return {
    words,
    x,
    y,
    angle,
    size: sizeOf(size),
    color: colorOf(color) ?? (kind === "text" ? colorOf(shape.color) : null),
  };
}

/**
 * A label, a text, or the text of an object with more about it.
 *
 * @param {ShapeBody} shape
 */
function wordsOf({ label, text }) {
  const words =
    /** @type {string | undefined} */ ([label, text, /** @type {{text?: unknown}} */ (text)?.text].find((each) =>
      typeof each === "string" && each.trim()
    ));
  return words ? words.trim() : "";
}

/**
 * @param {Shape} shape
 * @param {Point} origin
 * @param {number} angle
 * @returns {Shape}
 */
function turned(shape, origin, angle) {
  if (shape.kind === "text") return shape;
  return { ...shape, kind: "polygon", points: outlineOf(shape).map((point) => turn(point, origin, angle)) };
}

/**
 * @param {Shape} shape
 * @returns {Point[]}
 */
function outlineOf({ kind, points, x, y, width, height }) {
  if (kind === "polygon") return points;
  if (kind === "rectangle") return [[x, y], [x + width, y], [x + width, y + height], [x, y + height]];
  return Array.from({ length: CORNERS }, (_, corner) => {
    const at = (2 * Math.PI * corner) / CORNERS;
    return [x + (width / 2) * (1 + Math.cos(at)), y + (height / 2) * (1 + Math.sin(at))];
  });
}

/**
 * A point rotated clockwise about another.
 *
 * @param {Point} point
 * @param {Point} about
 * @param {number} angle
 * @returns {Point}
 */
function turn([x, y], [ox, oy], angle) {
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return [ox + (x - ox) * cos - (y - oy) * sin, oy + (x - ox) * sin + (y - oy) * cos];
}

/**
 * @param {ShapeBody} shape
 * @returns {Kind}
 */
function kindOf(shape) {
  const named = String(shape.type ?? "").toLowerCase();
  if (named.includes("circle") || named.includes("ellipse") || sizeOf(shape.radius)) return "ellipse";
  return sizeOf(shape.width) && sizeOf(shape.height) ? "rectangle" : "text";
}

/**
 * The box around a shape; a shape that has only a radius is placed by its centre.
 *
 * @param {ShapeBody} shape
 * @returns {Rectangle}
 */
function boxOf(shape) {
  const { x = 0, y = 0 } = /** @type {{x?: number, y?: number}} */ (shape);
  const radius = sizeOf(shape.radius);
  if (!sizeOf(shape.width) && radius) return { x: x - radius, y: y - radius, width: 2 * radius, height: 2 * radius };
  return { x, y, width: sizeOf(shape.width), height: sizeOf(shape.height) };
}

/**
 * A colour as the map writes it; palette.js checks whether it is one.
 *
 * @param {unknown} value
 */
function colorOf(value) {
  return typeof value === "string" && value ? value : null;
}

/**
 * @param {unknown} value
 * @returns {value is {x: number, y: number}}
 */
function isPlace(value) {
  return Number.isFinite(/** @type {{x?: unknown}} */ (value)?.x) &&
    Number.isFinite(/** @type {{y?: unknown}} */ (value)?.y);
}

/**
 * @param {unknown} value
 * @returns {number}
 */
function sizeOf(value) {
  return Number.isFinite(value) && /** @type {number} */ (value) > 0 ? /** @type {number} */ (value) : 0;
}
