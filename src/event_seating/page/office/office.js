// Owns one event at the box office: it makes the map, the panels and what they show, and passes each change
// on to those that show it. Every rule is in a part.
//
// Modules: showOffice(id) -> the OfficePage, or null when there is a message instead.

import { say } from "../ui/announce.js";
import { byId } from "../ui/dom.js";
import { notify } from "../ui/notices.js";
import { whenThemeChanges } from "../map/palette.js";
import { MapView } from "../map/view.js";
import { LiveEvent } from "../sale/live-event.js";
import { openEvent } from "../sale/open-event.js";
import { showTip, watchZoomButtons } from "../choosing/surroundings.js";
import { Framing } from "./framing.js";
import { showHead } from "./head.js";
import { whenKeyChanges } from "./key.js";
import { Ledger } from "./ledger.js";
import { formsOf, lookOf, officePalette, showSigns } from "./look.js";
import { moneyOf } from "./money.js";
import { hoverWords, seatsWord } from "./names.js";
import { Panels } from "./panels.js";
import { Sales } from "./sales.js";
import { Selection } from "./selection.js";
import { read } from "./server.js";
import { Tally } from "./tally.js";

/** @import { EventBody, Frame, Snapshot } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Change } from "../map/seats.js" */
/** @import { Framed, Hover } from "../map/view.js" */
/** @import { Tariff } from "../sale/tariff.js" */
/** @import { MoneyText } from "./money.js" */

const HOME = "/box-office";

// How often the page looks whether the time alone has started or ended the sale.
const SALE_EVERY_MS = 5_000;

/**
 * Show the event with this id.
 *
 * @param {string} id
 * @returns {Promise<OfficePage | null>}
 */
export function showOffice(id) {
  return openEvent({
    id,
    home: HOME,
    read,
    showHead,
    notFound: "The address may be mistyped, or the event was taken away.",
    makePage: (event, model, snapshot) => {
      const page = new OfficePage(event, model, snapshot);
      page.start();
      return page;
    },
  });
}

class OfficePage {
  /** @type {{tariff: Tariff, text: MoneyText} | null} */
  #money = null;

  /**
   * @param {EventBody} event
   * @param {SeatModel} model
   * @param {Snapshot} snapshot
   */
  constructor(event, model, snapshot) {
    this.model = model;
    this.live = new LiveEvent({
      event,
      model,
      snapshot,
      home: HOME,
      staff: true,
      read,
      onEvent: () => this.#onEvent(),
      onFrame: (frame, { isOlder }) => this.#onFrame(frame, isOlder),
      onNewEpoch: () => this.ledger.reset(),
      onReload: () => this.ledger.wake(),
      onGone: () => this.ledger.stop(),
    });
    this.seats = this.live.seats;
    this.tally = new Tally(model, this.seats);
    this.sales = new Sales(model);
    this.selection = new Selection(model);
    /** @type {Set<number>} */
    this.highlighted = new Set();
    this.palette = officePalette(model.categories);
    this.ledger = new Ledger({ eventId: event.id, sales: this.sales, onChange: () => this.panels.onSales() });
    // Made by start(), before anything can change.
    /** @type {MapView} */
    this.view;
    /** @type {Framing} */
    this.framing;
    /** @type {Panels} */
    this.panels;
  }

  start() {
    const { model, seats } = this;
    this.view = new MapView(byId("canvas", "canvas"), model, seats, {
      palette: this.palette,
      lookOf: lookOf(this),
      labelOf: formsOf(this),
      onSeat: (seat) => this.#onSeat(seat),
      onArea: (area) => this.panels.openArea(area),
      onHover: (hover) => showTip(hover, model, seats, () => hoverWords(/** @type {Hover} */ (hover), this)),
      onFrame: (framed) => this.#onFramed(framed),
    });
    this.framing = new Framing({ canvas: byId("canvas", "canvas"), onMode: (on) => this.#onMode(on) });
    this.panels = this.#makePanels();
    byId("loading").hidden = true;
    watchZoomButtons(this.view);
    seats.onChange((change) => this.#onSeats(change));
    this.selection.onChange((moved) => this.#onSelection(moved));
    whenThemeChanges(() => this.#repaint());
    whenKeyChanges(() => this.#onKey());
    showSigns(this.palette);
    this.framing.set(false);
    this.panels.refresh();
    this.live.follow();
    this.ledger.start();
    setInterval(() => this.panels.refreshSale(), SALE_EVERY_MS);
  }

  get tariff() {
    return this.live.tariff;
  }

  #makePanels() {
    return new Panels({
      shared: {
        eventId: this.live.event.id,
        model: this.model,
        seats: this.seats,
        tally: this.tally,
        sales: this.sales,
        selection: this.selection,
        tariff: () => this.tariff,
        money: () => this.#moneyText(),
        zone: () => this.live.event.timeZone,
        event: () => this.live.event,
        state: () => this.ledger.state,
        onShow: (seats) => this.#show(seats),
      },
      onEvent: (event) => this.live.update(event),
      onSeat: (seat) => this.#onSeat(seat),
      onSection: (number) => this.view.showSection(number),
      onFocus: (seat) => this.#onListFocus(seat),
      onHighlight: (seats) => this.#highlight(seats),
      swatch: (category) => this.palette.categories[category],
    });
  }

  /** How amounts read, in the minor units of the prices of now. */
  #moneyText() {
    const { event, tariff } = this.live;
    if (this.#money?.tariff !== tariff) {
      const prices = Object.values(event.prices).flatMap((types) => Object.values(types));
      this.#money = { tariff, text: moneyOf(event.currency, prices[0] ?? "0.00") };
    }
    return this.#money.text;
  }

  // What changed

  #onEvent() {
    showHead(this.live.event);
    this.panels.refresh();
  }

  /**
   * @param {Frame} frame
   * @param {boolean} isOlder
   */
  #onFrame(frame, isOlder) {
    if (!isOlder && (frame.changes || frame.areas)) this.ledger.wake();
  }

  #onKey() {
    this.live.reconnect();
    this.ledger.wake();
    this.panels.refresh();
  }

  /** @param {Change} change */
  #onSeats(change) {
    this.panels.onSeats(change);
  }

  /** @param {number[]} moved */
  #onSelection(moved) {
    this.#redraw(moved);
    this.panels.onSelection(moved);
  }

  #repaint() {
    this.palette = officePalette(this.model.categories);
    this.view.setPalette(this.palette);
    showSigns(this.palette);
  }

  // What the operator does

  /** @param {number} seat */
  #onSeat(seat) {
    if (!this.framing.isSelecting) {
      this.panels.showSeat(seat);
      return;
    }
    this.selection.toggle(seat);
    say(`${this.model.describe(seat)}: ${this.selection.has(seat) ? "selected" : "taken out"}.`);
  }

  /** @param {Framed} framed */
  #onFramed({ frame, seats, done }) {
    this.framing.draw({ frame, done });
    if (!done) return;
    if (!seats.length) {
      notify("There is no seat in that frame.");
      return;
    }
    const isAdded = this.selection.toggleAll(seats);
    say(`${isAdded ? "Selected" : "Taken out"}: ${seatsWord(seats.length)}.`);
    this.panels.showTab("sell");
  }

  /** @param {boolean} isSelecting */
  #onMode(isSelecting) {
    this.view.setFraming(isSelecting);
    byId("mode-hint").textContent = isSelecting ? "Drag a frame over seats, or press one." : "";
    byId("mode-hint").hidden = !isSelecting;
    if (isSelecting && this.panels) this.panels.showTab("sell");
  }

  // The map

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

  /** @param {number[]} seats The seats of the booking that is shown. */
  #highlight(seats) {
    const moved = [...this.highlighted, ...seats];
    this.highlighted.clear();
    for (const seat of seats) this.highlighted.add(seat);
    this.#redraw(moved);
  }

  /** @param {number[]} seats */
  #redraw(seats) {
    if (!seats.length) return;
    this.view.renderer.changed({ seats, sections: new Set() });
    this.view.invalidate();
  }
}
