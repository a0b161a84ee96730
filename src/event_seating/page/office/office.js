// Owns one event at the box office: it reads what there is, joins the parts and says to each what
// changed. Every rule is in a part; here is who tells whom.
//
// Modules: showOffice(id) -> the OfficePage, or null when there is a message instead.

import { say } from "../ui/announce.js";
import { lineIs } from "../sale/banners.js";
import { byId } from "../ui/dom.js";
import { follow } from "../net/live.js";
import { setView, showMessage } from "../ui/message.js";
import { loadModel } from "../map/model.js";
import { notify } from "../ui/notices.js";
import { whenThemeChanges } from "../map/palette.js";
import { Seats } from "../map/seats.js";
import { showTip } from "../choosing/surroundings.js";
import { sellsAlike, Tariff } from "../sale/tariff.js";
import { MapView } from "../map/view.js";
import { BlockForm } from "./block.js";
import { BookingPanel } from "./booking-panel.js";
import { Finder } from "./find.js";
import { Framing } from "./framing.js";
import { Counters, SaleSwitch, showHead } from "./head.js";
import { whenKeyChanges } from "./key.js";
import { Ledger } from "./ledger.js";
import { formsOf, lookOf, officePalette, showSigns } from "./look.js";
import { moneyOf } from "./money.js";
import { seatsWord, statusName } from "./names.js";
import { OccupancyChart } from "./occupancy-chart.js";
import { SaleCharts } from "./sale-charts.js";
import { Sales } from "./sales.js";
import { makeSeatList } from "./seat-list.js";
import { SeatPanel } from "./seat-panel.js";
import { Selection } from "./selection.js";
import { SelectionPanel } from "./selection-panel.js";
import { SellForm } from "./sell.js";
import { read } from "./server.js";
import { Tabs } from "../ui/tabs.js";
import { Tally } from "./tally.js";

/** @import { BookingBody, EventBody, Frame, Problem, Snapshot } from "../net/api.js" */
/** @import { LineState } from "../net/live.js" */
/** @import { SeatList } from "../choosing/list.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Change } from "../map/seats.js" */
/** @import { Framed, Hover } from "../map/view.js" */
/** @import { Words } from "../choosing/words.js" */
/** @import { State } from "./ledger.js" */
/** @import { MoneyText } from "./money.js" */

/**
 * What the panels have in common.
 *
 * @typedef {object} Shared
 * @property {string} eventId
 * @property {SeatModel} model
 * @property {Seats<Tariff>} seats
 * @property {Tally} tally
 * @property {Sales} sales
 * @property {Selection} selection
 * @property {() => Tariff} tariff
 * @property {() => MoneyText} money
 * @property {() => string} zone
 * @property {() => EventBody} event
 * @property {() => State} state
 * @property {(id: string, known?: BookingBody | null) => void} onBooking
 * @property {(seats: number[]) => void} onShow
 */

// How often what depends on the time alone (a sale that starts) is looked at.
const LOOK_EVERY_MS = 5_000;

/**
 * @param {string} id
 * @returns {Promise<OfficePage | null>}
 */
export async function showOffice(id) {
  const path = `/events/${encodeURIComponent(id)}`;
  try {
    const [event, snapshot] = await Promise.all([
      /** @type {Promise<EventBody>} */ (read(path)),
      /** @type {Promise<Snapshot>} */ (read(`${path}/seats?format=compact`)),
    ]);
    showHead(event);
    setView("event");
    const page = new OfficePage(event, await loadModel(event.map), snapshot);
    page.start();
    return page;
  } catch (/** @type {any} */ problem) {
    showProblem(problem, id);
    return null;
  }
}

/**
 * @param {Problem} problem
 * @param {string} id
 */
function showProblem(problem, id) {
  const all = { label: "See all events", href: "/box-office" };
  const again = { label: "Try again", run: () => showOffice(id) };
  if (problem.code === "event_not_found" || problem.code === "not_found") {
    showMessage({
      title: "There is no such event",
      text: "The address may be mistyped, or the event was taken away.",
      actions: [all],
    });
  } else if (problem.passing) {
    showMessage({ title: "The server is away", text: problem.message, actions: [again, all] });
  } else {
    // What is no answer of the server is a fault of ours: for whoever opens the console.
    console.error(problem);
    showMessage({ title: "This event cannot be shown", text: problem.message, actions: [again, all] });
  }
}

class OfficePage {
  /**
   * @param {EventBody} event
   * @param {SeatModel} model
   * @param {Snapshot} snapshot
   */
  constructor(event, model, snapshot) {
    this.event = event;
    this.model = model;
    this.tariff = new Tariff(event, model.categories, { staff: true });
    this.seats = new Seats(model, this.tariff);
    this.seats.load(snapshot);
    this.tally = new Tally(model, this.seats);
    this.sales = new Sales(model);
    this.selection = new Selection(model);
    /** @type {Set<number>} */
    this.highlighted = new Set();
    this.palette = officePalette(model.categories);
    // Made by start(), before the server or the operator is heard.
    /** @type {MapView} */
    this.view;
    /** @type {Framing} */
    this.framing;
    /** @type {Counters} */
    this.counters;
    /** @type {SaleSwitch} */
    this.saleSwitch;
    /** @type {SeatPanel} */
    this.seatPanel;
    /** @type {SelectionPanel} */
    this.selectionPanel;
    /** @type {SellForm} */
    this.sell;
    /** @type {BlockForm} */
    this.block;
    /** @type {BookingPanel} */
    this.bookingPanel;
    /** @type {Finder} */
    this.finder;
    /** @type {SaleCharts} */
    this.saleCharts;
    /** @type {OccupancyChart} */
    this.occupancy;
    /** @type {SeatList} */
    this.list;
    /** @type {Tabs} */
    this.tabs;
    /** @type {MoneyText} */
    this.money;
    this.#setMoney();
    this.ledger = new Ledger({ eventId: event.id, sales: this.sales, onChange: () => this.#onSales() });
  }

  start() {
    const { model, seats } = this;
    const shared = this.#shared();
    this.view = new MapView(byId("canvas"), model, seats, {
      palette: this.palette,
      lookOf: lookOf(this),
      labelOf: formsOf(this),
      onSeat: (seat) => this.#onSeat(seat),
      onArea: (area) => this.#openArea(area),
      onHover: (hover) => showTip(hover, model, seats, () => this.#wordsOf(/** @type {Hover} */ (hover))),
      onFrame: (frame) => this.#onFrame(frame),
    });
    this.framing = new Framing({ canvas: byId("canvas"), onMode: (on) => this.#onMode(on) });
    this.#makePanels(shared);
    byId("loading").hidden = true;
    byId("zoom-in").addEventListener("click", () => this.view.zoom(2));
    byId("zoom-out").addEventListener("click", () => this.view.zoom(0.5));
    byId("zoom-fit").addEventListener("click", () => this.view.fit());
    byId("larger").addEventListener("click", () => this.#enlarge());
    seats.onChange((change) => this.#onSeats(change));
    this.selection.onChange((moved) => this.#onSelection(moved));
    whenThemeChanges(() => this.#repaint());
    whenKeyChanges(() => this.#onKey());
    showSigns(this.palette);
    this.framing.set(false);
    this.#refresh();
    this.#follow();
    this.ledger.start();
    setInterval(() => this.saleSwitch.refresh(), LOOK_EVERY_MS);
  }

  /** @returns {Shared} */
  #shared() {
    return {
      eventId: this.event.id,
      model: this.model,
      seats: this.seats,
      tally: this.tally,
      sales: this.sales,
      selection: this.selection,
      tariff: () => this.tariff,
      money: () => this.money,
      zone: () => this.event.timeZone,
      event: () => this.event,
      state: () => this.ledger.state,
      onBooking: (id, known) => this.#openBooking(id, known),
      onShow: (seats) => this.#show(seats),
    };
  }

  /** @param {Shared} shared */
  #makePanels(shared) {
    this.counters = new Counters(shared);
    this.saleSwitch = new SaleSwitch({ ...shared, onEvent: (event) => this.#onEvent(event) });
    this.seatPanel = new SeatPanel({ ...shared, onShow: (seat) => this.view.show(seat) });
    this.selectionPanel = new SelectionPanel(shared);
    this.sell = new SellForm(shared);
    this.block = new BlockForm(shared);
    this.bookingPanel = new BookingPanel({
      ...shared,
      onHighlight: (seats) => this.#highlight(seats),
      onOther: (booking) => this.#onOtherEvent(booking),
    });
    this.finder = new Finder(shared);
    this.saleCharts = new SaleCharts(shared);
    this.occupancy = new OccupancyChart({
      ...shared,
      onSection: (number) => this.view.showSection(number),
      onArea: (number) => this.#openArea(number),
    });
    this.list = makeSeatList({
      ...shared,
      onSeat: (seat) => this.#onSeat(seat),
      onArea: (area) => this.#openArea(area),
      onSection: (number) => this.view.showSection(number),
      onFocus: (seat) => this.#onListFocus(seat),
      swatch: (category) => this.palette.categories[category],
    });
    this.tabs = new Tabs((name) => this.#onTab(name));
  }

  // What comes from the server

  #follow() {
    this.line = follow({
      eventId: this.event.id,
      position: () => ({ version: this.seats.version, epoch: this.seats.epoch }),
      onFrame: (frame) => this.#onLive(frame),
      onReload: (snapshot) => this.#reload(snapshot),
      onState: (state) => this.#onLine(state),
    });
  }

  /** @param {Frame} frame */
  #onLive(frame) {
    if (frame.event) this.#onPublicEvent(frame.event);
    const isOlder = frame.version < this.seats.version;
    this.seats.apply(frame);
    if (!isOlder && (frame.changes || frame.areas)) this.ledger.wake();
  }

  /**
   * A change of the event: everybody is told what is public, and the rest has to be asked for.
   *
   * @param {EventBody} event
   */
  #onPublicEvent({ prices: _prices, ticketTypes: _ticketTypes, ...event }) {
    this.#onEvent(event);
    this.#askForEvent();
  }

  async #askForEvent() {
    try {
      const event = /** @type {EventBody} */ (await read(`/events/${encodeURIComponent(this.event.id)}`));
      if (event.version >= this.event.version) this.#onEvent(event);
    } catch (/** @type {any} */ problem) {
      if (problem.passing) setTimeout(() => this.#askForEvent(), LOOK_EVERY_MS);
    }
  }

  /** @param {Snapshot} [snapshot] */
  async #reload(snapshot) {
    const path = `/events/${encodeURIComponent(this.event.id)}`;
    try {
      const [event, body] = await Promise.all([
        /** @type {Promise<EventBody>} */ (read(path)),
        snapshot ?? /** @type {Promise<Snapshot>} */ (read(`${path}/seats?format=compact`)),
      ]);
      if (body.epoch !== this.seats.epoch) this.ledger.reset();
      this.#onEvent(event);
      this.seats.load(body);
      this.ledger.wake();
    } catch (/** @type {any} */ problem) {
      if (problem.code === "event_not_found") this.#onLine("gone");
      // Else the line is lost again, and it says so itself.
    }
  }

  /** @param {Partial<EventBody>} event */
  #onEvent(event) {
    const before = this.event;
    this.event = { ...before, ...event };
    showHead(this.event);
    if (!sellsAlike(before, this.event)) {
      this.tariff = new Tariff(this.event, this.model.categories, { staff: true });
      this.#setMoney();
      this.seats.setTariff(this.tariff);
    }
    this.#refresh();
  }

  #setMoney() {
    const prices = Object.values(this.event.prices).flatMap((types) => Object.values(types));
    this.money = moneyOf(this.event.currency, prices[0] ?? "0.00");
  }

  /** @param {LineState} state */
  #onLine(state) {
    if (state !== "gone") {
      lineIs(state);
      return;
    }
    this.ledger.stop();
    showMessage({
      title: "This event is gone",
      text: "It was taken away while you looked at it.",
      actions: [{ label: "See all events", href: "/box-office" }],
    });
  }

  #onKey() {
    this.line?.wake();
    this.ledger.wake();
    this.#refresh();
  }

  // What changed

  /** @param {Change} change */
  #onSeats({ seats, sections }) {
    this.list.refresh({ seats, sections });
    this.occupancy.refresh(sections);
    this.seatPanel.refresh(seats);
    this.bookingPanel.refresh(seats);
    if (!seats || this.selection.count) this.#refreshForms();
    this.counters.refresh();
  }

  #onSales() {
    this.counters.refresh();
    this.saleCharts.refresh();
  }

  /** @param {number[]} moved */
  #onSelection(moved) {
    this.#redraw(moved);
    this.list.refresh({ seats: moved, sections: new Set() });
    this.seatPanel.refreshSelection();
    this.#refreshForms();
    byId("tab-button-sell").dataset.count = this.selection.count ? this.selection.count.toLocaleString() : "";
  }

  #refreshForms() {
    this.selectionPanel.refresh();
    this.sell.refresh();
    this.block.refresh();
  }

  #refresh() {
    this.saleSwitch.refresh();
    this.#refreshForms();
    this.counters.refresh();
    this.saleCharts.refresh();
  }

  /** @param {number[]} seats */
  #redraw(seats) {
    if (!seats.length) return;
    this.view.renderer.changed({ seats, sections: new Set() });
    this.view.invalidate();
  }

  /** @param {number[]} seats */
  #highlight(seats) {
    const moved = [...this.highlighted, ...seats];
    this.highlighted.clear();
    for (const seat of seats) this.highlighted.add(seat);
    this.#redraw(moved);
  }

  #repaint() {
    this.palette = officePalette(this.model.categories);
    this.view.setPalette(this.palette);
    showSigns(this.palette);
  }

  // What the operator does

  /** @param {number} seat */
  #onSeat(seat) {
    if (this.framing.isSelecting) {
      this.selection.toggle(seat);
      say(`${this.model.describe(seat)}: ${this.selection.has(seat) ? "selected" : "taken out"}.`);
      return;
    }
    this.seatPanel.show(seat);
    if (this.tabs.name === "list") say(`${this.model.describe(seat)} is shown under Seat.`);
    this.tabs.show("seat");
  }

  /** @param {Framed} framed */
  #onFrame({ frame, seats, done }) {
    this.framing.draw({ frame, done });
    if (!done) return;
    if (!seats.length) {
      notify("There is no seat in that frame.");
      return;
    }
    const isAdded = this.selection.toggleAll(seats);
    say(`${isAdded ? "Selected" : "Taken out"}: ${seatsWord(seats.length)}.`);
    this.tabs.show("sell");
  }

  /** @param {boolean} isSelecting */
  #onMode(isSelecting) {
    this.view.setFraming(isSelecting);
    byId("mode-hint").textContent = isSelecting ? "Drag a frame over seats, or press one." : "";
    byId("mode-hint").hidden = !isSelecting;
    if (isSelecting && this.tabs) this.tabs.show("sell");
  }

  /** @param {string} name */
  #onTab(name) {
    this.saleCharts.setShown(name === "charts");
    this.occupancy.setShown(name === "charts");
  }

  /**
   * @param {string} id
   * @param {BookingBody | null} [known]
   */
  #openBooking(id, known = null) {
    this.tabs.show("bookings");
    this.bookingPanel.open(id, known);
  }

  /** @param {BookingBody} booking */
  #onOtherEvent(booking) {
    notify("That booking is of another event.", [{
      label: "Go there",
      run: () => location.assign(`/box-office?event=${encodeURIComponent(booking.eventId)}`),
    }]);
  }

  /** @param {number} number */
  #openArea(number) {
    this.tabs.show("sell");
    if (!this.selection.placesOf(number)) this.selection.setPlaces(number, 1);
    /** @type {HTMLInputElement} */ (byId("selection-areas").children[number].querySelector("input")).select();
  }

  // Around the map

  /** @param {number[]} seats */
  #show(seats) {
    if (seats.length === 1) this.view.show(seats[0]);
    else this.view.showAll(seats);
  }

  /** @param {number} seat */
  #onListFocus(seat) {
    this.view.mark(seat);
    if (seat >= 0) this.view.show(seat);
  }

  /**
   * @param {Hover} hover
   * @returns {Words}
   */
  #wordsOf({ seat, area, near }) {
    const { model, seats, tally, sales } = this;
    /** @param {{booked: number, held: number, blocked: number, available: number}} counts */
    const counted = ({ booked, held, blocked, available }) =>
      `${booked} booked · ${held} held · ${blocked} blocked · ${available} available`;
    if (seat < 0) return { title: model.areas[area].label, status: counted(tally.ofArea(area)) };
    const { section } = model.rows[model.rowOf[seat]];
    if (!near) return { title: model.sections[section].label, status: counted(tally.ofSection(section)) };
    const name = statusName(seats.status[seat]);
    const holder = name === "booked" ? sales.holderOf(seat) : null;
    const price = this.tariff.price(model.category[seat]);
    return {
      title: model.describe(seat),
      status: holder ? `${name} · ${holder.name || `booking …${holder.id.slice(-6)}`}` : name,
      price: price === null ? "" : this.tariff.text(price),
    };
  }

  #enlarge() {
    const isLarge = document.body.dataset.side !== "large";
    document.body.dataset.side = isLarge ? "large" : "";
    byId("larger").setAttribute("aria-expanded", String(isLarge));
  }
}
