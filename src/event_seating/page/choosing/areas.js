// Owns how places of a standing area are chosen: a stepper for each ticket type, on the map's card and in the
// list alike.
//
// Modules: areaRow({area, number, seats, hold, canChoose, seatsLeft}) -> {element, refresh}.

import { make, stepper } from "../ui/dom.js";

/** @import { Area } from "../map/parse.js" */
/** @import { Seats } from "../map/seats.js" */
/** @import { Hold } from "../sale/hold.js" */
/** @import { Tariff } from "../sale/tariff.js" */

/** @typedef {{seats: Seats<Tariff>, hold: Hold, canChoose: () => boolean, seatsLeft: () => number}} Choosing */

/** @typedef {{element: HTMLElement, refresh: () => void}} AreaRow */

/**
 * A row about an area with its steppers. `seatsLeft()` is how many more seats and places the buyer may hold.
 *
 * @param {Choosing & {area: Area, number: number, withTitle?: boolean}} options
 * @returns {AreaRow}
 */
export function areaRow({ area, number, seats, hold, canChoose, seatsLeft, withTitle = true }) {
  const about = make("span");
  const types = seats.tariff.types(area.category);
  const steppers = types.map(([type, amount]) => ({
    type,
    amount,
    ...stepper({
      label: `${area.label}${types.length > 1 ? `, ${seats.tariff.label(type)}` : ""}`,
      onStep: (wanted) => hold.setPlaces(area, type, wanted),
    }),
  }));
  const single = steppers.length === 1;
  const element = make(
    "div",
    { className: "area-row" },
    make("div", { className: "about" }, withTitle ? make("b", { textContent: area.label }) : null, about),
    single ? steppers[0].element : null,
    single ? null : make(
      "div",
      { className: "area-types" },
      ...steppers.map(({ type, amount, element: each }) =>
        make(
          "div",
          {},
          make("span", { textContent: `${seats.tariff.label(type)} · ${seats.tariff.short(amount)}` }),
          each,
        )
      ),
    ),
  );
  const refresh = () => {
    const free = seats.areas[number].available;
    const price = seats.tariff.price(area.category);
    about.textContent = [
      free ? `${free.toLocaleString()} free` : "none left",
      price === null ? "not sold" : seats.tariff.short(price),
    ].join(" · ");
    for (const each of steppers) {
      const have = hold.places(area, each.type);
      each.set(have, {
        least: hold.frozenBy ? have : 0,
        most: canChoose() ? have + Math.min(free, seatsLeft()) : have,
      });
    }
  };
  refresh();
  return { element, refresh };
}
