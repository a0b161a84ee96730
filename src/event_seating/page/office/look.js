// Owns how the map looks at the box office: the selection and the seats of the booking that is shown stand out,
// held, booked and blocked seats have a colour each beside their shape, and sections show how full they are.
//
// Modules: officePalette(categories), lookOf({seats, selection, highlighted}), formsOf({model, tally}),
// showSigns(palette).

import { byId, make } from "../ui/dom.js";
import { contrast, mix, readPalette } from "../map/palette.js";
import { LOOK } from "../map/seats.js";
import { Sprites } from "../map/sprites.js";
import { percent } from "./occupancy-chart.js";

/** @import { SeatModel } from "../map/model.js" */
/** @import { Palette } from "../map/palette.js" */
/** @import { Category } from "../map/parse.js" */
/** @import { Seats } from "../map/seats.js" */
/** @import { Selection } from "./selection.js" */
/** @import { Tally } from "./tally.js" */

const SHAPE_CONTRAST = 3;
const SIGN_PX = 16;

/** @type {[string, number][]} */
const SIGNS = [["available", LOOK.free], ["held", LOOK.held], ["booked", LOOK.booked], ["blocked", LOOK.closed], [
  "selected",
  LOOK.mine,
], ["this booking", LOOK.pending]];

/**
 * The palette of the page, with the colours of the statuses from the style sheet.
 *
 * @param {Category[]} categories
 * @returns {Palette}
 */
export function officePalette(categories) {
  const palette = readPalette(categories);
  const style = getComputedStyle(document.documentElement);
  /** @param {string} name */
  const named = (name) => {
    const color = style.getPropertyValue(name).trim();
    return !palette.forced && /^#[0-9a-f]{6}$/i.test(color) ? standingOut(color, palette) : palette.ink;
  };
  palette.looks = {
    [LOOK.held]: named("--held"),
    [LOOK.booked]: named("--booked"),
    [LOOK.closed]: named("--blocked"),
    [LOOK.pending]: palette.accent,
  };
  return palette;
}

/**
 * @param {string} color
 * @param {Palette} palette
 */
function standingOut(color, { paper, ink }) {
  let found = color;
  for (let step = 1; contrast(found, paper) < SHAPE_CONTRAST && step <= 20; step += 1)
    found = mix(color, ink, step / 20);
  return found;
}

/**
 * How a seat is drawn.
 *
 * @param {{seats: Pick<Seats, "look">, selection: Selection, highlighted: Set<number>}} page
 * @returns {(seat: number) => number}
 */
export function lookOf({ seats, selection, highlighted }) {
  return (seat) => {
    if (selection.has(seat)) return LOOK.mine;
    return highlighted.has(seat) ? LOOK.pending : seats.look(seat);
  };
}

/**
 * The lines of a section's label, the fullest form first.
 *
 * @param {{model: SeatModel, tally: Tally}} page
 * @returns {(section: number) => string[][]}
 */
export function formsOf({ model, tally }) {
  return (number) => {
    const { label } = model.sections[number];
    const last = label.trim().split(/\s+/).at(-1) ?? label;
    const { booked, available, size } = tally.ofSection(number);
    const full = percent(booked, size);
    return [
      [label, `${full} booked · ${available.toLocaleString()} free`],
      [label, `${full} booked`],
      [label, full],
      [last, full],
      [label],
      [last],
    ];
  };
}

/**
 * Show what the signs on the map mean.
 *
 * @param {Palette} palette
 */
export function showSigns(palette) {
  const ratio = Math.ceil(window.devicePixelRatio || 1);
  const sprites = new Sprites(palette, SIGN_PX * ratio);
  byId("signs").replaceChildren(...SIGNS.map(([text, look]) => {
    const canvas = make("canvas", { width: sprites.side, height: sprites.side, "aria-hidden": "true" });
    /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")).drawImage(sprites.of(look, 0, 0), 0, 0);
    return make("li", {}, canvas, text);
  }));
}
