// Owns the seats as a list of sections, their rows and their seats, with the same choice as the map, for
// keyboards and screen readers. Arrow keys go along a row and from row to row. Only the open section is in the
// document, and of a large one some rows at a time.
//
// Modules: SeatList({model, seats, hold, canChoose, seatsLeft, onSeat, onSection, onFocus}); .refresh(change).
// The box office gives its own areaItem, sectionAbout, seatAbout, rowName and sectionTools.

import { areaRow } from "./areas.js";
import { say } from "../ui/announce.js";
import { byId, icon, make } from "../ui/dom.js";
import { ACCESSIBLE, COMPANION } from "../map/model.js";
import { BOOKED, FREE, HELD } from "../map/seats.js";

/** @import { AreaRow, Choosing } from "./areas.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Area, Row, Section } from "../map/parse.js" */
/** @import { Change, Seats } from "../map/seats.js" */
/** @import { Tariff } from "../sale/tariff.js" */

/**
 * What a list shows of areas, sections, seats and rows; each function gets the list.
 *
 * @typedef {object} Content
 * @property {(list: SeatList, area: Area, number: number) => AreaRow} areaItem
 * @property {(list: SeatList, section: number) => {text: string, none: boolean}} sectionAbout
 * @property {(list: SeatList, seat: number) => SeatAbout} seatAbout
 * @property {(list: SeatList, row: Row) => HTMLElement} rowName
 * @property {(list: SeatList, section: number) => HTMLElement | null} sectionTools
 */

/** @typedef {{chosen: boolean, disabled: boolean, color: string, word: string, status?: string}} SeatAbout */

/**
 * @typedef {object} ListOptions
 * @property {SeatModel} model
 * @property {Seats<Tariff>} seats
 * @property {(seat: number) => void} onSeat
 * @property {(section: number) => void} onSection
 * @property {(seat: number) => void} onFocus
 * @property {(category: number) => string} swatch
 */

/** @typedef {{item: HTMLElement, button: HTMLButtonElement, about: HTMLElement}} SectionItem */

// Seats that are added to the document at once.
const SEATS_AT_ONCE = 700;

/** @type {Content} */
const BUYERS = {
  areaItem: (list, area, number) => areaRow({ .../** @type {SeatList & Choosing} */ (list), area, number }),
  sectionAbout({ seats }, number) {
    const free = seats.freeIn(number);
    return {
      text: free ? `${free.toLocaleString()} free · from ${seats.tariff.short(seats.fromIn(number))}` : "nothing free",
      none: !free,
    };
  },
  seatAbout({ seats, model, swatch }, seat) {
    const mine = seats.isMine(seat);
    const open = seats.isFree(seat) && seats.tariff.price(model.category[seat]) !== null;
    return {
      chosen: mine,
      disabled: !mine && !open,
      color: seats.isFree(seat) ? swatch(model.category[seat]) : "transparent",
      word: mine ? "yours" : statusWord(seats.status[seat]),
    };
  },
  rowName: (_list, { label }) => make("span", { textContent: label, "aria-hidden": "true" }),
  sectionTools: () => null,
};

export class SeatList {
  #open = -1;
  /** @type {Map<number, HTMLButtonElement>} */
  #buttons = new Map();
  /** @type {[number, SectionItem][]} */
  #sections = [];
  /** @type {AreaRow[]} */
  #areas = [];
  #active = -1;

  /** @param {ListOptions & Partial<Choosing> & Partial<Content>} options */
  constructor(options) {
    this.model = options.model;
    this.seats = options.seats;
    this.hold = options.hold;
    this.canChoose = options.canChoose;
    this.seatsLeft = options.seatsLeft;
    this.onSeat = options.onSeat;
    this.onSection = options.onSection;
    this.onFocus = options.onFocus;
    this.swatch = options.swatch;
    const { areaItem, sectionAbout, seatAbout, rowName, sectionTools } = { ...BUYERS, ...options };
    this.areaItem = areaItem;
    this.sectionAbout = sectionAbout;
    this.seatAbout = seatAbout;
    this.rowName = rowName;
    this.sectionTools = sectionTools;
    this.body = byId("list-body");
    /** @type {HTMLElement} */
    this.rows;
    this.body.addEventListener("keydown", (event) => this.#onKey(event));
    this.showSections();
  }

  /**
   * Show what changed.
   *
   * @param {Change} change
   */
  refresh({ seats, sections }) {
    for (const area of this.#areas) area.refresh();
    if (this.#open < 0) {
      for (const [number, item] of this.#sections)
        if (!sections || sections.has(number)) this.#showSection(number, item);
    } else if (!seats) {
      for (const [seat, button] of this.#buttons) this.#showSeat(seat, button);
    } else {
      for (const seat of seats)
        if (this.#buttons.has(seat)) this.#showSeat(seat, /** @type {HTMLButtonElement} */ (this.#buttons.get(seat)));
    }
  }

  /** @param {number} [focused] */
  showSections(focused = -1) {
    this.#open = -1;
    this.#buttons.clear();
    this.#areas = this.model.areas.map((area, number) => this.areaItem(this, area, number));
    this.#sections = /** @type {[number, SectionItem][]} */ (this.model.sections.map((
      section,
      number,
    ) => [number, this.#sectionItem(section, number)]).filter((
      [, item],
    ) => item));
    this.body.replaceChildren(
      make(
        "ul",
        { className: "sections" },
        ...this.#areas.map(({ element }) => make("li", {}, element)),
        ...this.#sections.map(([, { item }]) => item),
      ),
    );
    const back = this.#sections.find(([number]) => number === focused);
    back?.[1].button.focus();
  }

  /** @param {number} number */
  showSection(number) {
    const section = this.model.sections[number];
    this.#open = number;
    this.#active = -1;
    this.#areas = [];
    this.#buttons.clear();
    const back = make("button", { type: "button", className: "icon", "aria-label": "All sections" });
    back.append(icon("M15 5l-7 7 7 7"));
    back.addEventListener("click", () => this.showSections(number));
    this.rows = make("div", { className: "rows" });
    this.body.replaceChildren(
      make(
        "div",
        { className: "section-head" },
        back,
        make("h3", { textContent: section.label, tabIndex: -1 }),
        this.sectionTools(this, number),
      ),
      this.rows,
    );
    this.#addRows(section.firstRow, section.lastRow);
    byId("list").scrollIntoView({ block: "start" });
  }

  /**
   * @param {Section} section
   * @param {number} number
   * @returns {SectionItem | null}
   */
  #sectionItem(section, number) {
    if (section.start === section.end) return null;
    const name = make("b", { textContent: section.label });
    const about = make("span");
    const button = make("button", { type: "button" }, name, about);
    button.addEventListener("click", () => {
      this.showSection(number);
      this.onSection(number);
      /** @type {HTMLElement} */ (this.body.querySelector("h3")).focus({ preventScroll: true });
      say(`${section.label}. ${about.textContent}. Arrow keys go from seat to seat.`);
    });
    const found = { item: make("li", {}, button), button, about };
    this.#showSection(number, found);
    return found;
  }

  /**
   * @param {number} number
   * @param {SectionItem} found
   */
  #showSection(number, { item, about }) {
    const { text, none } = this.sectionAbout(this, number);
    about.textContent = text;
    item.classList.toggle("none", none);
  }

  /**
   * @param {number} from
   * @param {number} last
   */
  #addRows(from, last) {
    let added = 0;
    let row = from;
    for (; row < last && added < SEATS_AT_ONCE; row += 1) {
      const { label, start, end } = this.model.rows[row];
      const buttons = [];
      for (let seat = start; seat < end; seat += 1) buttons.push(this.#seatButton(seat));
      added += end - start;
      this.rows.append(
        make(
          "div",
          { className: "row", role: "group", "aria-label": `Row ${label}` },
          this.rowName(this, this.model.rows[row]),
          make("div", {}, ...buttons),
        ),
      );
    }
    if (this.#active < 0 && this.#buttons.size) this.#activate(this.#firstFree());
    if (row >= last) return;
    const more = make("button", { type: "button", className: "more-rows", textContent: "Show more rows" });
    more.addEventListener("click", () => {
      const seat = this.model.rows[row].start;
      more.remove();
      this.#addRows(row, last);
      this.#focus(seat);
    });
    this.rows.append(more);
  }

  /** @param {number} seat */
  #seatButton(seat) {
    const button = make("button", {
      type: "button",
      className: "seat",
      tabIndex: -1,
      textContent: this.model.labels[seat],
    });
    button.addEventListener("click", () => {
      this.#activate(seat);
      if (button.getAttribute("aria-disabled") !== "true") this.onSeat(seat);
      else say(/** @type {string} */ (button.getAttribute("aria-label")));
    });
    button.addEventListener("focus", () => this.onFocus(seat));
    button.addEventListener("blur", () => this.onFocus(-1));
    this.#buttons.set(seat, button);
    this.#showSeat(seat, button);
    return button;
  }

  /**
   * @param {number} seat
   * @param {HTMLButtonElement} button
   */
  #showSeat(seat, button) {
    const { seats, model } = this;
    const category = model.category[seat];
    const { chosen, disabled, color, status, word } = this.seatAbout(this, seat);
    const price = seats.tariff.price(category);
    const flags = model.flags[seat];
    const words = [`Row ${model.rowLabel(seat)}, seat ${model.labels[seat]}`];
    if (price !== null) words.push(seats.tariff.text(price));
    if (flags & ACCESSIBLE) words.push("wheelchair place");
    if (flags & COMPANION) words.push("companion's seat");
    words.push(word);
    button.setAttribute("aria-label", words.join(", "));
    button.setAttribute("aria-pressed", String(chosen));
    button.setAttribute("aria-disabled", String(disabled));
    button.style.setProperty("--swatch", color);
    if (status) button.dataset.status = status;
  }

  // Keys

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const seat = this.#seatOf(event.target);
    if (event.key === "Escape" && this.#open >= 0) {
      this.showSections(this.#open);
      event.preventDefault();
      return;
    }
    if (seat < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    const next = this.#nextSeat(seat, event.key);
    if (next === undefined) return;
    event.preventDefault();
    if (next >= 0) this.#focus(next);
  }

  /**
   * @param {number} seat
   * @param {string} key
   * @returns {number | undefined}
   */
  #nextSeat(seat, key) {
    const row = this.model.rows[this.model.rowOf[seat]];
    if (key === "ArrowLeft") return seat > row.start ? seat - 1 : -1;
    if (key === "ArrowRight") return seat + 1 < row.end ? seat + 1 : -1;
    if (key === "Home") return row.start;
    if (key === "End") return row.end - 1;
    if (key === "ArrowUp") return this.#inRow(this.model.rowOf[seat] - 1, seat);
    if (key === "ArrowDown") return this.#inRow(this.model.rowOf[seat] + 1, seat);
    return undefined;
  }

  /**
   * The seat of a row of the open section that is nearest to this one.
   *
   * @param {number} number
   * @param {number} seat
   */
  #inRow(number, seat) {
    const section = this.model.sections[this.#open];
    if (number < section.firstRow || number >= section.lastRow) return -1;
    const { x, y, rows } = this.model;
    let best = -1;
    let least = Infinity;
    for (let other = rows[number].start; other < rows[number].end; other += 1) {
      const square = (x[other] - x[seat]) ** 2 + (y[other] - y[seat]) ** 2;
      if (square < least) [best, least] = [other, square];
    }
    return best;
  }

  /** @param {number} seat */
  #focus(seat) {
    while (!this.#buttons.has(seat)) {
      const more = /** @type {HTMLElement | null} */ (this.body.querySelector(".more-rows"));
      if (!more) return;
      more.click();
    }
    this.#activate(seat);
    /** @type {HTMLButtonElement} */ (this.#buttons.get(seat)).focus();
  }

  /**
   * Make this the one seat that the tab key reaches.
   *
   * @param {number} seat
   */
  #activate(seat) {
    const before = this.#buttons.get(this.#active);
    if (before) before.tabIndex = -1;
    this.#active = seat;
    /** @type {HTMLButtonElement} */ (this.#buttons.get(seat)).tabIndex = 0;
  }

  /** @returns {number} */
  #firstFree() {
    for (const seat of this.#buttons.keys()) if (this.seats.isFree(seat)) return seat;
    return /** @type {number} */ (this.#buttons.keys().next().value);
  }

  /** @param {EventTarget | null} element */
  #seatOf(element) {
    for (const [seat, button] of this.#buttons) if (button === element) return seat;
    return -1;
  }
}

/** @param {number} status */
function statusWord(status) {
  if (status === FREE) return "free";
  if (status === HELD) return "held by somebody else";
  return status === BOOKED ? "sold" : "not for sale";
}
