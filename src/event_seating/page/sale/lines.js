// Owns how the lines of a hold or a booking are counted: a line a seat, a line for places of an area. Pure.
//
// Modules: merged(lines), heldPlaces(hold, area, type).

/** @import { AreaLine, HoldBody, Line } from "../net/api.js" */

/**
 * The lines with those that are the same area, ticket type and price put together.
 *
 * @param {Line[]} lines
 * @returns {Line[]}
 */
export function merged(lines) {
  /** @type {Map<string, Line>} */
  const found = new Map();
  for (const line of lines) {
    const key = line.area
      ? JSON.stringify([line.area, line.ticketType, line.price])
      : /** @type {string} */ (line.seat);
    const before = found.get(key);
    found.set(
      key,
      before && line.area
        ? { .../** @type {AreaLine} */ (before), quantity: /** @type {AreaLine} */ (before).quantity + line.quantity }
        : line,
    );
  }
  return [...found.values()];
}

/**
 * How many places of an area are held.
 *
 * @param {HoldBody | null} hold
 * @param {string} area
 * @param {string} type
 * @returns {number}
 */
export function heldPlaces(hold, area, type) {
  const lines = hold?.lines.filter((line) => line.area === area && line.ticketType === type) ?? [];
  // A price that changed meanwhile makes two lines of a type.
  return lines.reduce((sum, { quantity }) => sum + /** @type {number} */ (quantity), 0);
}
