// Owns the search for bookings: by order, user, seat or number, all or one status, page by page.
//
// Modules: BookingSearch({eventId, model, money, onBooking}).

import { byId, make } from "../ui/dom.js";
import { seatsText, ticketsText } from "./names.js";
import { refusalOf } from "./refusals.js";
import { read } from "./server.js";

/** @import { BookingBody, Page } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Refusal } from "../sale/reasons.js" */
/** @import { Shared } from "./panels.js" */

const PAGE = 25;
const BOOKING_ID = /^[A-Za-z0-9_-]{20,80}$/;

export class BookingSearch {
  #searches = 0;

  /** @param {Shared} options */
  constructor(options) {
    this.eventId = options.eventId;
    this.model = options.model;
    this.money = options.money;
    this.onBooking = options.onBooking;
    this.list = byId("found");
    byId("find").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#find();
    });
  }

  /** @param {string | null} [cursor] */
  async #find(cursor = null) {
    const search = (this.#searches += 1);
    const text = byId("find-text", "input").value.trim();
    const by = byId("find-by", "select").value;
    if (!cursor) this.list.replaceChildren();
    document.getElementById("find-more")?.remove();
    this.#say("Looking…");
    try {
      const { items, nextCursor } = by === "id" && text
        ? await this.#one(text)
        : /** @type {Page<BookingBody>} */ (await read(this.#path(by, text, cursor)));
      if (search !== this.#searches) return;
      this.list.append(...items.map((booking) => this.#item(booking)));
      const count = this.list.children.length;
      this.#say(count ? `${count.toLocaleString()}${nextCursor ? " or more" : ""} found.` : "No booking was found.");
      if (nextCursor) this.#addMore(nextCursor);
      if (items.length === 1 && !cursor) this.onBooking(items[0].id, items[0]);
    } catch (/** @type {any} */ problem) {
      if (search === this.#searches) this.#say(sentenceOf(problem, this.model));
    }
  }

  /**
   * @param {string} by
   * @param {string} text
   * @param {string | null} cursor
   */
  #path(by, text, cursor) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (text) query.set(by, by === "seat" ? this.#seatId(text) : text);
    const status = byId("find-status", "select").value;
    if (status) query.set("status", status);
    if (cursor) query.set("cursor", cursor);
    return `/events/${encodeURIComponent(this.eventId)}/bookings?${query}`;
  }

  /**
   * An id as it is, or the id of the only seat with this description: `Lower A, row 3, seat 12`.
   *
   * @param {string} text
   */
  #seatId(text) {
    if (this.model.number(text) !== undefined) return text;
    const wanted = text.toLowerCase();
    for (let seat = 0; seat < this.model.seatCount; seat += 1) {
      if (this.model.describe(seat).toLowerCase() === wanted) return this.model.ids[seat];
    }
    return text;
  }

  /**
   * @param {string} id
   * @returns {Promise<Page<BookingBody>>}
   */
  async #one(id) {
    if (!BOOKING_ID.test(id)) return { items: [], nextCursor: null };
    const booking = /** @type {BookingBody} */ (await read(`/bookings/${encodeURIComponent(id)}`));
    return { items: [booking], nextCursor: null };
  }

  /** @param {string} cursor */
  #addMore(cursor) {
    const more = make("button", { type: "button", id: "find-more", className: "quiet", textContent: "Show more" });
    more.addEventListener("click", () => this.#find(cursor));
    this.list.after(more);
  }

  /** @param {BookingBody} booking */
  #item(booking) {
    const count = booking.lines.reduce((sum, line) => sum + (line.quantity ?? 1), 0);
    const numbers = booking.seats.map((id) => this.model.number(id)).filter((seat) => seat !== undefined);
    const where = [numbers.length ? seatsText(numbers.slice(0, 4), this.model) : "", ...Object.keys(booking.areas)]
      .filter(Boolean).join("; ");
    const button = make(
      "button",
      { type: "button" },
      make("b", {
        textContent: booking.orderRef ?? (booking.userId ? `User ${booking.userId}` : `…${booking.id.slice(-8)}`),
      }),
      make("span", { className: "sum", textContent: this.money().plain(booking.total) }),
      make("span", { className: "what", textContent: `${ticketsText(count)} · ${where}` }),
      booking.status === "cancelled" ? make("span", { className: "chip bad", textContent: "cancelled" }) : null,
    );
    button.addEventListener("click", () => this.onBooking(booking.id));
    return make("li", {}, button);
  }

  /** @param {string} text */
  #say(text) {
    byId("find-said").textContent = text;
  }
}

/**
 * @param {Refusal} problem
 * @param {SeatModel} model
 */
function sentenceOf(problem, model) {
  if (problem.code === "booking_not_found" || problem.code === "not_found") return "No booking was found.";
  if (problem.code === "seat_not_found")
    return "This map has no such seat. Write its id, or as a ticket does: Lower A, row 3, seat 12.";
  return refusalOf(problem, model).sentence;
}
