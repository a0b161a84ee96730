// Owns one event on the buyer's page: it makes the parts, joins them and passes each change on to those
// that show it. Every rule is in a part.
//
// Modules: showEvent(id) -> the EventPage, or null when there is a message instead.

import { say } from "../ui/announce.js";
import { read, serverNow } from "../net/api.js";
import { showSale } from "../sale/banners.js";
import { Basket } from "../choosing/basket.js";
import { Checkout } from "./checkout.js";
import { deployment } from "../sale/deployment.js";
import { byId } from "../ui/dom.js";
import { showBooked, showCode } from "./done.js";
import { Finder } from "../choosing/finder.js";
import { Hold } from "../sale/hold.js";
import { Legend } from "../choosing/legend.js";
import { SeatList } from "../choosing/list.js";
import { LiveEvent } from "../sale/live-event.js";
import { ACCESSIBLE } from "../map/model.js";
import { clearNotice, notify } from "../ui/notices.js";
import { readPalette, whenThemeChanges } from "../map/palette.js";
import { openEvent } from "../sale/open-event.js";
import { listed, reasonOf } from "../sale/reasons.js";
import { saleOf } from "../sale/sale.js";
import { watchSheet } from "./sheet.js";
import { nameSection, openAreaCard, showTip, watchZoomButtons } from "../choosing/surroundings.js";
import { Countdown } from "../sale/timer.js";
import { moment } from "../ui/times.js";
import { MapView } from "../map/view.js";
import { seatWords, sectionForms } from "../choosing/words.js";

/** @import { EventBody, Frame, HoldBody, Snapshot } from "../net/api.js" */
/** @import { Choice } from "../ui/notices.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Change, Own } from "../map/seats.js" */
/** @import { BestWish } from "../sale/hold.js" */
/** @import { Refusal } from "../sale/reasons.js" */
/** @import { AreaRow, Choosing } from "../choosing/areas.js" */
/** @import { Item } from "../choosing/basket.js" */

// How often the page looks whether the time alone has started or ended the sale.
const SALE_EVERY_MS = 1_000;

// A mark for performance tools: the map is drawn.
const FIRST_PICTURE = "first-picture";

const HOME = "/";

/**
 * Show the event with this id.
 *
 * @param {string} id
 * @returns {Promise<EventPage | null>}
 */
export function showEvent(id) {
  return openEvent({
    id,
    home: HOME,
    read,
    showHead,
    notFound: "The address may be mistyped, or the event is long over.",
    whileAway: "Seats that you hold stay yours until their time is up.",
    makePage: (event, model, snapshot) => {
      const page = new EventPage(event, model, snapshot);
      page.start();
      return page;
    },
  });
}

/** @param {EventBody} event */
function showHead(event) {
  document.title = `${event.name} · ${event.venueName}`;
  byId("title").textContent = event.name;
  byId("subtitle").textContent = `${moment(event.startsAt, event.timeZone)} · ${event.venueName}`;
}

class EventPage {
  /** @type {AreaRow | null} */
  #areaCard = null;

  /**
   * @param {EventBody} event
   * @param {SeatModel} model
   * @param {Snapshot} snapshot
   */
  constructor(event, model, snapshot) {
    this.sale = saleOf(event, serverNow());
    this.model = model;
    this.live = new LiveEvent({
      event,
      model,
      snapshot,
      home: HOME,
      read,
      onEvent: (change) => this.#onEvent(change),
      onFrame: (frame) => this.#onFrame(frame),
      onReload: () => this.#refresh(),
      onBack: () => this.#checkHold(),
    });
    this.seats = this.live.seats;
    this.palette = readPalette(model.categories);
    // Made by start(), before anything can change.
    /** @type {Choosing} */
    this.choosing;
    /** @type {Legend} */
    this.legend;
    /** @type {Finder} */
    this.finder;
    /** @type {Checkout} */
    this.checkout;
    /** @type {Basket} */
    this.basket;
    /** @type {SeatList} */
    this.list;
    /** @type {MapView} */
    this.view;
    /** @type {boolean | undefined} */
    this.accessibleSeats;
    this.hold = new Hold({
      eventId: event.id,
      model,
      tariff: () => this.tariff,
      onChange: (change) => this.#onHold(change),
      onProblem: (problem, lost) => this.#onProblem(problem, lost),
    });
    this.countdown = new Countdown({
      onTick: (left) => this.basket.tick(left),
      onEnd: () => this.#checkHold(),
      onWake: () => this.#checkHold(),
    });
  }

  start() {
    const { model, seats, hold } = this;
    const choosing = { seats, hold, canChoose: () => this.canChoose, seatsLeft: () => this.#seatsLeft() };
    this.choosing = choosing;
    this.legend = new Legend(model, seats);
    this.finder = new Finder({ onBest: (wish) => this.#best(wish) });
    this.checkout = new Checkout({ hold, eventId: this.event.id });
    this.basket = this.#makeBasket();
    this.list = new SeatList({
      ...choosing,
      model,
      onSeat: (seat) => this.#choose(seat),
      onSection: (number) => this.view.showSection(number),
      onFocus: (seat) => this.#onListFocus(seat),
      swatch: (category) => this.palette.categories[category],
    });
    this.view = new MapView(byId("canvas", "canvas"), model, seats, {
      palette: this.palette,
      lookOf: (seat) => seats.look(seat),
      labelOf: (section) => sectionForms(model, seats, section),
      onSeat: (seat) => this.#choose(seat),
      onArea: (area) => (this.#areaCard = openAreaCard(choosing, model.areas[area], area)),
      onHover: (hover) => showTip(hover, model, seats),
      onMove: (camera, grid) => nameSection(camera, grid, model, seats),
    });
    byId("loading").hidden = true;
    performance.mark(FIRST_PICTURE);
    watchZoomButtons(this.view);
    watchSheet();
    seats.onChange((change) => this.#onSeats(change));
    whenThemeChanges(() => this.#repaint());
    this.legend.show(this.tariff, this.palette);
    this.#refresh();
    setInterval(() => this.#refreshSale(), SALE_EVERY_MS);
    // Back from the shop: the page that the browser kept may show a hold that is over.
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.#checkHold());
    this.live.follow();
    hold.restore().catch((problem) => this.#onProblem(problem));
  }

  get event() {
    return this.live.event;
  }

  get tariff() {
    return this.live.tariff;
  }

  /** Whether this buyer may choose seats now. */
  get canChoose() {
    return this.sale.open && !this.hold.frozenBy;
  }

  #makeBasket() {
    return new Basket({
      model: this.model,
      hold: this.hold,
      booking: deployment.booking,
      tariff: () => this.tariff,
      hint: () => (this.sale.open ? hintFor(this.model) : this.sale.sentence),
      onGo: () => this.#finish(),
      onExtend: () => this.#extend(),
      onRemove: (line) => this.#remove(line),
      onShow: (seat) => this.view.show(seat),
      onType: (id, type) => this.hold.setType(id, type),
    });
  }

  // What comes from the server

  /** @param {Frame} frame */
  #onFrame(frame) {
    if (!this.hold.isBusy && this.#touchesHold(frame)) this.#restoreHold();
  }

  /**
   * Whether somebody else changed seats of this hold: the shop booked them, or gave them back.
   *
   * @param {Frame} frame
   */
  #touchesHold({ changes = {} }) {
    return (this.hold.granted?.seats ?? []).some((id) => id in changes && changes[id] !== "held");
  }

  /** @param {{hasNewPrices: boolean}} change */
  #onEvent({ hasNewPrices }) {
    showHead(this.event);
    if (this.event.status === "cancelled") this.hold.letGo();
    if (hasNewPrices) this.legend.show(this.tariff, this.palette);
    this.#refresh();
  }

  /** After a sleep, a break or an end: ask what is left of the hold. */
  #checkHold() {
    this.live.reconnect();
    this.#restoreHold();
  }

  #restoreHold() {
    this.hold.restore().catch((problem) => problem.passing || this.#onProblem(problem));
  }

  // What changed

  /** @param {Change} change */
  #onSeats(change) {
    this.list.refresh(change);
    this.#areaCard?.refresh();
    this.#refreshSale();
  }

  /** @param {Own} [change] */
  #onHold(change) {
    if (!this.view) return;
    if (change) this.seats.confirm(change);
    this.seats.setMine(this.hold.kept, this.hold.wished);
    if (this.hold.granted) this.countdown.run(Date.parse(this.hold.granted.expiresAt));
    else this.countdown.stop();
    this.#refresh();
  }

  #refresh() {
    this.#refreshSale();
    this.checkout.show();
    this.basket.show();
    this.#areaCard?.refresh();
  }

  #refreshSale() {
    this.sale = saleOf(this.event, serverNow());
    const holds = this.hold.count > 0;
    showSale(this.sale, { soldOut: this.sale.open && this.seats.available === 0 && !holds, holds });
    this.finder.show({
      most: this.event.rules.maxSeatsPerHold,
      canChoose: this.canChoose,
      isBusy: this.hold.isBusy,
      hasSeats: this.model.seatCount > 0,
      hasAccessible: this.#hasAccessible(),
    });
  }

  #hasAccessible() {
    this.accessibleSeats ??= this.model.flags.some((flags) => flags & ACCESSIBLE);
    return this.accessibleSeats;
  }

  #repaint() {
    this.palette = readPalette(this.model.categories);
    this.view.setPalette(this.palette);
    this.legend.show(this.tariff, this.palette);
  }

  // What the buyer does

  /** How many more seats the buyer may hold. */
  #seatsLeft() {
    return Math.max(0, this.event.rules.maxSeatsPerHold - this.hold.count);
  }

  /** @param {number} seat */
  #choose(seat) {
    clearNotice();
    const { seats, model } = this;
    if (this.hold.frozenBy) {
      this.hold.toggle(seat); // reports why that is refused, and what would work
    } else if (seats.isMine(seat)) {
      this.hold.toggle(seat);
      say(`${model.describe(seat)}: given back.`);
    } else if (!this.canChoose) notify(this.sale.sentence);
    else if (!seats.isFree(seat) || seats.tariff.price(model.category[seat]) === null)
      notify(`${model.describe(seat)}: ${seatWords(model, seats, seat).status}.`);
    else if (!this.#seatsLeft()) notify(`At most ${this.event.rules.maxSeatsPerHold} tickets can be chosen at once.`);
    else {
      this.hold.toggle(seat);
      say(`${model.describe(seat)}: chosen.`);
    }
  }

  /** @param {{quantity: number, accessible: boolean}} asked */
  async #best({ quantity, accessible }) {
    clearNotice();
    const { hidden, maxPrice } = this.seats.filter;
    /** @type {BestWish} */
    const wish = { quantity };
    const wanted = [...this.model.categories.keys()].filter((number) => !hidden.has(this.model.categories[number].key));
    wish.ticketType = this.tariff.typeToAskFor(wanted);
    if (hidden.size) wish.categories = wanted.map((number) => this.model.categories[number].key);
    if (maxPrice < Infinity) wish.maxPrice = String(maxPrice);
    if (accessible) wish.accessible = true;
    if (hidden.size && !/** @type {string[]} */ (wish.categories).length) {
      notify("Every price is switched off. Switch one on to find seats.");
      return;
    }
    const before = this.hold.token;
    await this.hold.best(wish);
    if (this.hold.token === before) return;
    const found = [...this.hold.held];
    this.view.showAll(found);
    say(`Held for you: ${listed(found, this.model)}.`);
  }

  /** @param {Item} line */
  #remove(line) {
    if (line.seat !== undefined && line.number >= 0) this.hold.toggle(line.number);
    else if (line.area) {
      const area = this.model.areas[/** @type {number} */ (this.model.areaNumbers.get(line.area))];
      this.hold.setPlaces(area, line.ticketType, this.hold.places(area, line.ticketType) - 1);
    }
  }

  async #extend() {
    const before = this.hold.granted?.expiresAt;
    await this.hold.extend();
    if (this.hold.granted && this.hold.granted.expiresAt !== before) say("You have more time now.");
  }

  async #finish() {
    const { granted } = this.hold;
    if (!granted) return;
    if (deployment.booking === "checkout") await this.checkout.go();
    else if (deployment.booking === "elsewhere") showCode(granted, this.tariff);
    else {
      const booking = await this.hold.book();
      if (booking) showBooked(booking, this.tariff, () => this.view.fit());
    }
  }

  /**
   * @param {Refusal} problem
   * @param {HoldBody | null} [lost]
   */
  #onProblem(problem, lost) {
    const { sentence, suggestion } = reasonOf(problem, this);
    /** @type {Choice[]} */
    const actions = [];
    if (suggestion)
      actions.push({
        label: suggestion.length === 1 ? "Take that seat" : "Take those seats",
        run: () => this.hold.swap(suggestion),
      });
    if (problem.code === "hold_expired" && lost?.seats.length && this.canChoose) {
      actions.push({ label: "Try for the same seats", run: () => this.hold.swap(lost.seats, typesOf(lost)) });
    }
    if (problem.code === "hold_frozen") actions.push(...this.checkout.actions());
    notify(sentence, actions);
    this.#onHold();
  }

  // The map

  /** @param {number} seat */
  #onListFocus(seat) {
    this.view.mark(seat);
    if (seat >= 0) this.view.show(seat);
  }
}

/** @param {SeatModel} model */
function hintFor({ seatCount }) {
  return seatCount
    ? "Choose a section and then your seats, or let us find the best ones."
    : "Choose how many places you want.";
}

/**
 * The ticket type of each seat that was held.
 *
 * @param {HoldBody} hold
 */
function typesOf({ lines }) {
  return Object.fromEntries(
    lines.filter(({ seat }) => seat !== undefined).map(({ seat, ticketType }) => [seat, ticketType]),
  );
}
