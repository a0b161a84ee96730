// Owns one event on the page: it reads what there is, joins the parts and says to each what changed. Every
// rule is in a part; here is who tells whom.
//
// Modules: showEvent(id) -> the EventPage, or null when there is a message instead.

import { say } from "../ui/announce.js";
import { get, serverNow } from "../net/api.js";
import { lineIs, saleIs } from "../sale/banners.js";
import { Basket } from "../choosing/basket.js";
import { Checkout } from "./checkout.js";
import { deployment } from "../sale/deployment.js";
import { byId } from "../ui/dom.js";
import { showBooked, showCode } from "./done.js";
import { Finder } from "../choosing/finder.js";
import { Hold } from "../sale/hold.js";
import { Legend } from "../choosing/legend.js";
import { SeatList } from "../choosing/list.js";
import { follow } from "../net/live.js";
import { setView, showMessage } from "../ui/message.js";
import { ACCESSIBLE, loadModel } from "../map/model.js";
import { notify, unnotify } from "../ui/notices.js";
import { readPalette, whenThemeChanges } from "../map/palette.js";
import { listed, reasonOf } from "../sale/reasons.js";
import { saleOf } from "../sale/sale.js";
import { Seats } from "../map/seats.js";
import { nameSection, openAreaCard, showTip } from "../choosing/surroundings.js";
import { sellsAlike, Tariff } from "../sale/tariff.js";
import { Countdown } from "../sale/timer.js";
import { moment } from "../ui/times.js";
import { MapView } from "../map/view.js";
import { seatWords, sectionForms } from "../choosing/words.js";

/** @import { Answer, EventBody, Frame, HoldBody, Problem, Snapshot } from "../net/api.js" */
/** @import { LineState } from "../net/live.js" */
/** @import { Choice } from "../ui/notices.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Change, Own } from "../map/seats.js" */
/** @import { BestWish } from "../sale/hold.js" */
/** @import { Refusal } from "../sale/reasons.js" */
/** @import { AreaRow, Choosing } from "../choosing/areas.js" */
/** @import { Item } from "../choosing/basket.js" */

// How often what depends on the time alone (a sale that starts) is looked at.
const LOOK_EVERY_MS = 1_000;

// For whoever measures: the map is drawn.
const FIRST_PICTURE = "first-picture";

/**
 * @param {string} id
 * @returns {Promise<EventPage | null>}
 */
export async function showEvent(id) {
  const path = `/events/${encodeURIComponent(id)}`;
  try {
    const snapshot = /** @type {Promise<Answer<Snapshot>>} */ (get(`${path}/seats?format=compact`));
    snapshot.catch(() => undefined);
    const event = /** @type {Answer<EventBody>} */ (await get(path)).body;
    showHead(event);
    setView("event");
    const [model, { body }] = await Promise.all([loadModel(event.map), snapshot]);
    const page = new EventPage(event, model, body);
    page.start();
    return page;
  } catch (/** @type {any} */ problem) {
    showProblem(problem, id);
    return null;
  }
}

/** @param {EventBody} event */
function showHead(event) {
  document.title = `${event.name} · ${event.venueName}`;
  byId("title").textContent = event.name;
  byId("subtitle").textContent = `${moment(event.startsAt, event.timeZone)} · ${event.venueName}`;
}

/**
 * @param {Problem} problem
 * @param {string} id
 */
function showProblem(problem, id) {
  const all = { label: "See all events", href: "/" };
  const again = { label: "Try again", run: () => showEvent(id) };
  if (problem.code === "event_not_found" || problem.code === "not_found") {
    showMessage({
      title: "There is no such event",
      text: "The address may be mistyped, or the event is long over.",
      actions: [all],
    });
  } else if (problem.passing) {
    showMessage({
      title: "The server is away",
      text: `${problem.message} Seats that you hold stay yours until their time is up.`,
      actions: [again, all],
    });
  } else {
    // What is no answer of the server is a fault of ours: for whoever opens the console.
    console.error(problem);
    showMessage({ title: "This event cannot be shown", text: problem.message, actions: [again, all] });
  }
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
    this.event = event;
    this.sale = saleOf(event, serverNow());
    this.model = model;
    this.tariff = new Tariff(event, model.categories);
    this.seats = new Seats(model, this.tariff);
    this.seats.load(snapshot);
    this.palette = readPalette(model.categories);
    // Made by start(), before the server or the buyer is heard.
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
      onEnd: () => this.#recheck(),
      onWake: () => this.#recheck(),
    });
  }

  start() {
    const { model, seats, hold } = this;
    const choosing = { seats, hold, canChoose: () => this.canChoose, room: () => this.#room() };
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
    this.view = new MapView(byId("canvas"), model, seats, {
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
    byId("zoom-in").addEventListener("click", () => this.view.zoom(2));
    byId("zoom-out").addEventListener("click", () => this.view.zoom(0.5));
    byId("zoom-fit").addEventListener("click", () => this.view.fit());
    this.#watchSheet();
    seats.onChange((change) => this.#onSeats(change));
    whenThemeChanges(() => this.#repaint());
    this.legend.show(this.tariff, this.palette);
    this.#refresh();
    setInterval(() => this.#refreshSale(), LOOK_EVERY_MS);
    // Back from the shop: what the browser kept of this page may be long over.
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.#recheck());
    this.#follow();
    hold.restore().catch((problem) => this.#onProblem(problem));
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

  #follow() {
    this.line = follow({
      eventId: this.event.id,
      position: () => ({ version: this.seats.version, epoch: this.seats.epoch }),
      onFrame: (frame) => this.#onFrame(frame),
      onReload: (snapshot) => this.#reload(snapshot),
      onState: (state) => this.#onLine(state),
    });
  }

  /** @param {Frame} frame */
  #onFrame(frame) {
    if (frame.event) this.#onEvent(frame.event);
    this.seats.apply(frame);
    if (!this.hold.isBusy && this.#losesOwn(frame)) this.#askForHold();
  }

  /**
   * Whether somebody else did something with the seats of this hold: the shop has booked them, or let go.
   *
   * @param {Frame} frame
   */
  #losesOwn({ changes = {} }) {
    return (this.hold.granted?.seats ?? []).some((id) => id in changes && changes[id] !== "held");
  }

  /** @param {Snapshot} [snapshot] */
  async #reload(snapshot) {
    try {
      const path = `/events/${encodeURIComponent(this.event.id)}`;
      const [event, body] = await Promise.all([
        /** @type {Promise<Answer<EventBody>>} */ (get(path)),
        snapshot ?? /** @type {Promise<Answer<Snapshot>>} */
          (get(`${path}/seats?format=compact`)).then((answer) => answer.body),
      ]);
      this.#onEvent(event.body);
      this.seats.load(body);
      this.#refresh();
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
    if (this.event.status === "cancelled") this.hold.letGo();
    if (!sellsAlike(before, this.event)) {
      this.tariff = new Tariff(this.event, this.model.categories);
      this.seats.setTariff(this.tariff);
      this.legend.show(this.tariff, this.palette);
    }
    this.#refresh();
  }

  /** @param {LineState} state */
  #onLine(state) {
    if (state === "gone") {
      showMessage({
        title: "This event is gone",
        text: "It was taken away while you looked at it.",
        actions: [{ label: "See all events", href: "/" }],
      });
      return;
    }
    const wasLost = this.lineState === "lost";
    this.lineState = state;
    lineIs(state);
    if (wasLost && state === "live") this.#recheck();
  }

  /** After a sleep, a break or an end: what of the hold is left. */
  #recheck() {
    this.line?.wake();
    this.#askForHold();
  }

  #askForHold() {
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
    saleIs(this.sale, { soldOut: this.sale.open && this.seats.available === 0 && !holds, holds });
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

  #room() {
    return Math.max(0, this.event.rules.maxSeatsPerHold - this.hold.count);
  }

  /** @param {number} seat */
  #choose(seat) {
    unnotify();
    const { seats, model } = this;
    if (this.hold.frozenBy) {
      this.hold.toggle(seat); // which says why that cannot be, and what would do
    } else if (seats.isMine(seat)) {
      this.hold.toggle(seat);
      say(`${model.describe(seat)}: given back.`);
    } else if (!this.canChoose) notify(this.sale.sentence);
    else if (!seats.isFree(seat) || seats.tariff.price(model.category[seat]) === null)
      notify(`${model.describe(seat)}: ${seatWords(model, seats, seat).status}.`);
    else if (!this.#room()) notify(`At most ${this.event.rules.maxSeatsPerHold} tickets can be chosen at once.`);
    else {
      this.hold.toggle(seat);
      say(`${model.describe(seat)}: chosen.`);
    }
  }

  /** @param {{quantity: number, accessible: boolean}} asked */
  async #best({ quantity, accessible }) {
    unnotify();
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

  // Around the map

  /** @param {number} seat */
  #onListFocus(seat) {
    this.view.mark(seat);
    if (seat >= 0) this.view.show(seat);
  }

  #watchSheet() {
    const side = byId("side");
    /** @param {boolean} open */
    const set = (open) => {
      side.dataset.sheet = open ? "open" : "closed";
      byId("sheet-toggle").textContent = open ? "Less" : "More";
      for (const id of ["sheet-toggle", "basket-toggle"]) byId(id).setAttribute("aria-expanded", String(open));
    };
    for (const id of ["sheet-toggle", "basket-toggle"])
      byId(id).addEventListener("click", () => set(side.dataset.sheet !== "open"));
    /** @type {Element} */ (document.querySelector(".skip")).addEventListener("click", () => set(true));
    set(false);
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
