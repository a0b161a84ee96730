// Owns the list of seats as the box office has it: the same list as a buyer's, with whole sections and
// rows to select, and every seat to look at, whatever its status. What the frame does on the map, this
// does for keyboards and screen readers.
//
// Modules: makeSeatList({model, seats, tally, selection, isSelecting, onSeat, onSection, onFocus, swatch}).

import { make } from "../ui/dom.js";
import { SeatList } from "../choosing/list.js";
import { FREE } from "../map/seats.js";
import { say } from "../ui/announce.js";
import { statusName } from "./names.js";
import { percent } from "./occupancy-chart.js";

/** @import { ListOptions } from "../choosing/list.js" */
/** @import { AreaRow } from "../choosing/areas.js" */
/** @import { Area } from "../map/parse.js" */
/** @import { Shared } from "./panels.js" */
/** @import { Selection } from "./selection.js" */
/** @import { Tallied } from "./tally.js" */

/**
 * The list of seats with the box office's content in place of a buyer's.
 *
 * @param {Shared & ListOptions & {onArea: (area: number) => void}} options
 */
export function makeSeatList(options) {
  const { model, seats, tally, selection } = options;
  return new SeatList({
    ...options,
    areaItem: (_list, area, number) => areaItem(area, () => tally.ofArea(number), () => options.onArea(number)),
    sectionAbout(_list, number) {
      const { available, booked, size } = tally.ofSection(number);
      return { text: `${available.toLocaleString()} free · ${percent(booked, size)} booked`, none: !available };
    },
    seatAbout: (_list, seat) => ({
      chosen: selection.has(seat),
      disabled: false,
      color: seats.status[seat] === FREE ? options.swatch(model.category[seat]) : "transparent",
      status: statusName(seats.status[seat]),
      word: `${statusName(seats.status[seat])}${selection.has(seat) ? ", selected" : ""}`,
    }),
    rowName: (_list, { label, start, end }) => selector(label, `Row ${label}: select all of it`, start, end, selection),
    sectionTools: (_list, number) => {
      const { label, start, end } = model.sections[number];
      return selector("Select all", `${label}: select all of it`, start, end, selection);
    },
  });
}

/**
 * A button that selects seats [start, end), or takes them all out again.
 *
 * @param {string} text
 * @param {string} label
 * @param {number} start
 * @param {number} end
 * @param {Selection} selection
 */
function selector(text, label, start, end, selection) {
  const button = make("button", {
    type: "button",
    className: "small row-select",
    textContent: text,
    "aria-label": label,
    title: label,
  });
  button.addEventListener("click", () => {
    const seats = Array.from({ length: end - start }, (_, at) => start + at);
    const isAdded = selection.toggleAll(seats);
    say(`${isAdded ? "Selected" : "Taken out"}: ${seats.length.toLocaleString()} seats.`);
  });
  return button;
}

/**
 * @param {Area} area
 * @param {() => Tallied} counts
 * @param {() => void} onOpen
 * @returns {AreaRow}
 */
function areaItem(area, counts, onOpen) {
  const about = make("span");
  const button = make("button", {
    type: "button",
    className: "small",
    textContent: "Places",
    "aria-label": `${area.label}: choose places`,
  });
  button.addEventListener("click", onOpen);
  const refresh = () => {
    const { available, booked, size } = counts();
    about.textContent = `${available.toLocaleString()} free · ${percent(booked, size)} booked`;
  };
  refresh();
  return {
    refresh,
    element: make(
      "div",
      { className: "area-row" },
      make("div", { className: "about" }, make("b", { textContent: area.label }), about),
      button,
    ),
  };
}
