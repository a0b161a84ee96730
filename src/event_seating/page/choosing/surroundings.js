// Owns what floats over the map: the tip at the pointer, the name of the section in the middle, the card
// of a standing area, the buttons that zoom.
//
// Modules: showTip(hover, model, seats, words), nameSection(camera, grid, model, seats), openAreaCard(choosing, area,
// number) -> {refresh}, watchZoomButtons(view).

import { areaRow } from "./areas.js";
import { byId, icon, make } from "../ui/dom.js";
import { areaWords, seatWords, sectionWords } from "./words.js";

/** @import { Choosing } from "./areas.js" */
/** @import { Camera } from "../map/camera.js" */
/** @import { GridIndex } from "../map/grid.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Area } from "../map/parse.js" */
/** @import { Seats } from "../map/seats.js" */
/** @import { Hover, MapView } from "../map/view.js" */
/** @import { Tariff } from "../sale/tariff.js" */
/** @import { Words } from "./words.js" */

const TIP_AWAY_PX = 16;
const EDGE_PX = 4;
// From this distance between seats, in CSS pixels, sections have no label on the map.
const NAMED_FROM_PX = 7;
const NAMED_WITHIN_PITCHES = 6;
// The factor of one press on a button.
const ZOOM = 2;

/**
 * Show what the pointer is at; null for nothing. `words` gives the text, by default a buyer's.
 *
 * @param {Hover | null} hover
 * @param {SeatModel} model
 * @param {Seats<Tariff>} seats
 * @param {(hover: Hover, model: SeatModel, seats: Seats<Tariff>) => Words} [words]
 */
export function showTip(hover, model, seats, words = wordsOf) {
  const tip = byId("tip");
  tip.hidden = !hover || (hover.seat < 0 && hover.area < 0);
  if (tip.hidden) return;
  const { title, price, status } = words(/** @type {Hover} */ (hover), model, seats);
  tip.replaceChildren(make("b", { textContent: title }), [price, status].filter(Boolean).join(" · "));
  const { clientWidth, clientHeight } = byId("map");
  const { x, y } = /** @type {Hover} */ (hover).at;
  const isWide = x + TIP_AWAY_PX + tip.offsetWidth > clientWidth;
  const left = isWide ? x - TIP_AWAY_PX - tip.offsetWidth : x + TIP_AWAY_PX;
  const top = Math.min(y + TIP_AWAY_PX, clientHeight - tip.offsetHeight - EDGE_PX);
  tip.style.transform = `translate(${Math.max(EDGE_PX, left)}px, ${Math.max(EDGE_PX, top)}px)`;
}

/**
 * @param {Hover} hover
 * @param {SeatModel} model
 * @param {Seats<Tariff>} seats
 */
function wordsOf({ seat, area, near }, model, seats) {
  if (seat < 0) return areaWords(model, seats, area);
  return near ? seatWords(model, seats, seat) : sectionWords(model, seats, model.rows[model.rowOf[seat]].section);
}

/**
 * Show the name of the section in the middle and what is free there, when the map is too near for its label.
 *
 * @param {Camera} camera
 * @param {GridIndex} grid
 * @param {SeatModel} model
 * @param {Seats<Tariff>} seats
 */
export function nameSection({ x, y, pitchPx, showsAll }, grid, model, seats) {
  const where = byId("where");
  const seat = pitchPx >= NAMED_FROM_PX && !showsAll ? grid.nearest(x, y, NAMED_WITHIN_PITCHES * model.pitch) : -1;
  where.hidden = seat < 0;
  if (seat < 0) return;
  const { title, status, price } = sectionWords(model, seats, model.rows[model.rowOf[seat]].section);
  const about = [status, price].filter(Boolean).join(" · ");
  // The map moves at every frame; an unchanged text is not set again.
  if (where.textContent !== title + about)
    where.replaceChildren(make("b", { textContent: title }), make("span", { textContent: about }));
}

/**
 * Open the card of a standing area; `choosing` is what areas.js takes.
 *
 * @param {Choosing} choosing
 * @param {Area} area
 * @param {number} number
 */
export function openAreaCard(choosing, area, number) {
  const card = byId("area-card");
  const row = areaRow({ ...choosing, area, number });
  const close = make(
    "button",
    { type: "button", className: "icon", "aria-label": "Close" },
    icon("M6 6l12 12M18 6L6 18"),
  );
  close.addEventListener("click", () => {
    card.hidden = true;
  });
  row.element.append(close);
  card.replaceChildren(row.element);
  card.hidden = false;
  return row;
}

/**
 * Let the buttons zoom this map.
 *
 * @param {MapView} view
 */
export function watchZoomButtons(view) {
  byId("zoom-in").addEventListener("click", () => view.zoom(ZOOM));
  byId("zoom-out").addEventListener("click", () => view.zoom(1 / ZOOM));
  byId("zoom-fit").addEventListener("click", () => view.fit());
}
