// Owns the panel about one seat: where it is, what it costs, who holds it and until when, who sits on it,
// and what happened to it. Read from the server when the panel opens and when the seat changes.
//
// Modules: SeatPanel({eventId, model, seats, selection, zone, onBooking, onShow}); .show(seat),
// .refresh(seats), .seat.

import { serverNow } from "../net/api.js";
import { byId, make } from "../ui/dom.js";
import { ACCESSIBLE, COMPANION } from "../map/model.js";
import { HELD } from "../map/seats.js";
import { clock } from "../ui/times.js";
import { timeText } from "../ui/charts/axis.js";
import { operationName, statusName, typeText } from "./names.js";
import { read } from "./server.js";

/** @import { BookingBody, Problem, SeatBody, SeatMove } from "../net/api.js" */
/** @import { Shared } from "./panels.js" */

// At most this often, for a seat that changes all the time.
const ASK_EVERY_MS = 1_000;
const DAY_MS = 86_400_000;
/** @type {Record<string, string>} */
const CHECKOUTS = {
  buyer: "frozen by the buyer, on the way to pay",
  "box-office": "frozen by a shop or till that takes the money",
};

export class SeatPanel {
  seat = -1;
  #asked = 0;
  #timer = 0;
  #expiresAt = NaN;

  /** @param {Omit<Shared, "onShow"> & {onShow: (seat: number) => void}} options */
  constructor(options) {
    this.eventId = options.eventId;
    this.model = options.model;
    this.seats = options.seats;
    this.selection = options.selection;
    this.tariff = options.tariff;
    this.money = options.money;
    this.zone = options.zone;
    this.onBooking = options.onBooking;
    this.onShow = options.onShow;
    this.body = byId("seat-body");
    byId("seat-select").addEventListener("click", () => this.selection.toggle(this.seat));
    byId("seat-show").addEventListener("click", () => this.onShow(this.seat));
    setInterval(() => this.#tick(), 1_000);
  }

  /** @param {number} seat */
  show(seat) {
    this.seat = seat;
    byId("seat-hint").hidden = true;
    byId("seat-about").hidden = false;
    byId("seat-title").textContent = this.model.describe(seat);
    this.body.replaceChildren(make("p", { className: "hint", textContent: "Asking the server…" }));
    this.#showStatus();
    this.#ask();
  }

  /**
   * Show what changed; `seats` is null when all may differ.
   *
   * @param {number[] | null} seats
   */
  refresh(seats) {
    if (this.seat < 0 || (seats && !seats.includes(this.seat))) return;
    this.#showStatus();
    if (!this.#timer) this.#timer = setTimeout(() => this.#ask(), ASK_EVERY_MS);
  }

  /** Show on the button whether the seat is selected. */
  refreshSelection() {
    if (this.seat >= 0) this.#showStatus();
  }

  #showStatus() {
    const status = this.seats.status[this.seat];
    const chip = byId("seat-status");
    chip.textContent = statusName(status);
    chip.className = `chip status-${status}`;
    byId("seat-select").textContent = this.selection.has(this.seat)
      ? "Take out of the selection"
      : "Add to the selection";
  }

  async #ask() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { seat } = this;
    const asked = (this.#asked += 1);
    try {
      const id = encodeURIComponent(this.model.ids[seat]);
      const about = /** @type {SeatBody} */ (await read(`/events/${encodeURIComponent(this.eventId)}/seats/${id}`));
      const booking = about.bookingId
        ? /** @type {BookingBody} */ (await read(`/bookings/${encodeURIComponent(about.bookingId)}`))
        : null;
      if (asked === this.#asked) this.#fill(about, booking);
    } catch (/** @type {any} */ problem) {
      if (asked === this.#asked) this.#fail(problem);
    }
  }

  /** @param {Problem} problem */
  #fail(problem) {
    const again = make("button", { type: "button", className: "small", textContent: "Ask again" });
    again.addEventListener("click", () => this.#ask());
    this.body.replaceChildren(make("p", { className: "outcome bad", textContent: problem.message }), again);
  }

  /**
   * @param {SeatBody} about
   * @param {BookingBody | null} booking
   */
  #fill(about, booking) {
    const flags = this.model.flags[this.seat];
    const category = this.model.categories[this.model.category[this.seat]];
    const money = this.money();
    this.#expiresAt = Date.parse(about.holdExpiresAt ?? "");
    /** @type {[string, string | HTMLElement | null | undefined][]} */
    const facts = [
      ["Section", this.model.sectionOf(this.seat).label],
      ["Row", this.model.rowLabel(this.seat)],
      ["Seat", `${this.model.labels[this.seat]} (${about.seat})`],
      ["Kind", flags & ACCESSIBLE ? "wheelchair place" : flags & COMPANION ? "companion's seat" : null],
      ["Category", category?.label ?? about.category],
      [
        "Price",
        Object.entries(about.prices).map(([type, price]) => `${money.plain(price)} ${typeText(this.tariff(), type)}`)
          .join(", ") || "none",
      ],
      ["Hold", about.holdId],
      ["Held until", about.holdExpiresAt ? make("span", { id: "seat-expiry" }) : null],
      ["Checkout", CHECKOUTS[/** @type {string} */ (about.holdFrozenBy)]],
      ["Booking", booking ? this.#bookingButton(booking) : null],
      ["Order", booking?.orderRef],
      ["User", booking?.userId],
    ];
    this.body.replaceChildren(
      make(
        "dl",
        { className: "facts" },
        ...facts.filter(([, value]) => value).map(([name, value]) =>
          make("div", {}, make("dt", { textContent: name }), make("dd", {}, value))
        ),
      ),
      make("h3", { textContent: "What happened" }),
      about.history?.length
        ? make("ol", { className: "history" }, ...about.history.map((move) => this.#move(move)))
        : make("p", { className: "hint", textContent: "Nothing yet." }),
    );
    if (/** @type {number} */ (about.historySince) > 1)
      this.body.append(make("p", { className: "hint", textContent: "Older moves are in the event's log." }));
    this.#tick();
  }

  /** @param {BookingBody} booking */
  #bookingButton(booking) {
    const button = make("button", { type: "button", className: "link", textContent: booking.id });
    button.addEventListener("click", () => this.onBooking(booking.id));
    return button;
  }

  /** @param {SeatMove} move */
  #move({ at, operation, actor, reason, booking, hold }) {
    const about = [
      reason && `“${reason}”`,
      actor && `by ${actor}`,
      booking ? `booking …${booking.slice(-6)}` : hold && `hold …${hold.slice(-6)}`,
    ].filter(Boolean).join(" · ");
    return make(
      "li",
      {},
      make("time", { dateTime: at, textContent: timeText(Date.parse(at), DAY_MS, this.zone()) }),
      make("span", {}, make("b", { textContent: operationName(operation) }), about ? ` ${about}` : ""),
    );
  }

  #tick() {
    const place = document.getElementById("seat-expiry");
    if (!place || this.seats.status[this.seat] !== HELD) return;
    const left = this.#expiresAt - serverNow();
    place.textContent = left > 0 ? `${timeText(this.#expiresAt, 0, this.zone())}, in ${clock(left)}` : "now";
  }
}
