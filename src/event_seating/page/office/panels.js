// Owns the panels beside the map of the box office: it makes them, and passes each change on to those that
// show it. What a panel does is the panel's.
//
// Modules: Panels(options); .onSeats(change), .onSales(), .onSelection(moved), .refresh(), .openBooking(id),
// .openArea(number), .showSeat(seat), .showTab(name).

import { say } from "../ui/announce.js";
import { byId } from "../ui/dom.js";
import { notify } from "../ui/notices.js";
import { Tabs } from "../ui/tabs.js";
import { BlockForm } from "./block.js";
import { BookingPanel } from "./booking-panel.js";
import { BookingSearch } from "./find.js";
import { Counters, SaleSwitch } from "./head.js";
import { OccupancyChart } from "./occupancy-chart.js";
import { SaleCharts } from "./sale-charts.js";
import { makeSeatList } from "./seat-list.js";
import { SeatPanel } from "./seat-panel.js";
import { SelectionPanel } from "./selection-panel.js";
import { SellForm } from "./sell.js";

/** @import { BookingBody, EventBody } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Change, Seats } from "../map/seats.js" */
/** @import { Tariff } from "../sale/tariff.js" */
/** @import { State } from "./ledger.js" */
/** @import { MoneyText } from "./money.js" */
/** @import { Sales } from "./sales.js" */
/** @import { Selection } from "./selection.js" */
/** @import { Tally } from "./tally.js" */

/**
 * What the panels share: the event as it is now, and what a panel may ask of the page.
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

/**
 * What the panels ask of the map and of the page around them.
 *
 * @typedef {object} PanelOptions
 * @property {Omit<Shared, "onBooking">} shared
 * @property {(event: EventBody) => void} onEvent The event was changed here.
 * @property {(seat: number) => void} onSeat A seat was pressed in the list.
 * @property {(number: number) => void} onSection
 * @property {(seat: number) => void} onFocus The list is at this seat, or left it (-1).
 * @property {(seats: number[]) => void} onHighlight
 * @property {(category: number) => string} swatch The colour of a category.
 */

export class Panels {
  /** @param {PanelOptions} options */
  constructor(options) {
    /** @type {Shared} */
    const shared = { ...options.shared, onBooking: (id, known) => this.openBooking(id, known) };
    this.selection = shared.selection;
    this.model = shared.model;
    this.counters = new Counters(shared);
    this.saleSwitch = new SaleSwitch({ ...shared, onEvent: options.onEvent });
    this.seatPanel = new SeatPanel({ ...shared, onShow: (seat) => shared.onShow([seat]) });
    this.selectionPanel = new SelectionPanel(shared);
    this.sell = new SellForm(shared);
    this.block = new BlockForm(shared);
    this.bookingPanel = new BookingPanel({
      ...shared,
      onHighlight: options.onHighlight,
      onOther: (booking) => offerOtherEvent(booking),
    });
    this.bookingSearch = new BookingSearch(shared);
    this.saleCharts = new SaleCharts(shared);
    /** @param {number} number */
    const onArea = (number) => this.openArea(number);
    this.occupancy = new OccupancyChart({ ...shared, onSection: options.onSection, onArea });
    const { onSeat, onSection, onFocus, swatch } = options;
    this.list = makeSeatList({ ...shared, onSeat, onArea, onSection, onFocus, swatch });
    this.tabs = new Tabs((name) => this.#onTab(name));
    byId("larger").addEventListener("click", enlarge);
  }

  /** @param {Change} change */
  onSeats({ seats, sections }) {
    this.list.refresh({ seats, sections });
    this.occupancy.refresh(sections);
    this.seatPanel.refresh(seats);
    this.bookingPanel.refresh(seats);
    if (!seats || this.selection.count) this.#refreshForms();
    this.counters.refresh();
  }

  /** More of the bookings is known. */
  onSales() {
    this.counters.refresh();
    this.saleCharts.refresh();
  }

  /** @param {number[]} moved The seats that came into the selection or left it. */
  onSelection(moved) {
    this.list.refresh({ seats: moved, sections: new Set() });
    this.seatPanel.refreshSelection();
    this.#refreshForms();
    byId("tab-button-sell").dataset.count = this.selection.count ? this.selection.count.toLocaleString() : "";
  }

  /** The event changed, or the key did. */
  refresh() {
    this.saleSwitch.refresh();
    this.#refreshForms();
    this.counters.refresh();
    this.saleCharts.refresh();
  }

  /** The time alone may change whether the event is on sale. */
  refreshSale() {
    this.saleSwitch.refresh();
  }

  /**
   * Show a booking; `known` when its state was just answered.
   *
   * @param {string} id
   * @param {BookingBody | null} [known]
   */
  openBooking(id, known = null) {
    this.tabs.show("bookings");
    this.bookingPanel.open(id, known);
  }

  /**
   * Choose how many places of an area, at least one.
   *
   * @param {number} number
   */
  openArea(number) {
    this.tabs.show("sell");
    if (!this.selection.placesOf(number)) this.selection.setPlaces(number, 1);
    /** @type {HTMLInputElement} */ (byId("selection-areas").children[number].querySelector("input")).select();
  }

  /**
   * Show who holds a seat or sits there.
   *
   * @param {number} seat
   */
  showSeat(seat) {
    this.seatPanel.show(seat);
    if (this.tabs.name === "list") say(`${this.model.describe(seat)} is shown under Seat.`);
    this.tabs.show("seat");
  }

  /** @param {string} name */
  showTab(name) {
    this.tabs.show(name);
  }

  /** @param {string} name */
  #onTab(name) {
    this.saleCharts.setShown(name === "charts");
    this.occupancy.setShown(name === "charts");
  }

  #refreshForms() {
    this.selectionPanel.refresh();
    this.sell.refresh();
    this.block.refresh();
  }
}

/** @param {BookingBody} booking */
function offerOtherEvent(booking) {
  notify("That booking is of another event.", [{
    label: "Go there",
    run: () => location.assign(`/box-office?event=${encodeURIComponent(booking.eventId)}`),
  }]);
}

/** Give the panels the room of the map, or give it back. */
function enlarge() {
  const isLarge = document.body.dataset.side !== "large";
  document.body.dataset.side = isLarge ? "large" : "";
  byId("larger").setAttribute("aria-expanded", String(isLarge));
}
