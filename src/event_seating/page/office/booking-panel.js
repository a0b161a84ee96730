// Owns the panel about one booking: what was booked, for whom and for how much; its seats on the map;
// cancelling all of it or some; and the way to an exchange (exchange.js).
//
// Modules: BookingPanel({model, money, zone, selection, onHighlight, onOther}); .open(id), .close(),
// .refresh(seats).

import { byId, make } from "../ui/dom.js";
import { timeText } from "../ui/charts/axis.js";
import { confirm } from "../ui/confirm.js";
import { Exchange } from "./exchange.js";
import { ticketsText, typeText } from "./names.js";
import { Outcome } from "./outcome.js";
import { refusalOf } from "./refusals.js";
import { read, write } from "./server.js";

/** @import { AreaLine, BookingBody, Line, SeatLine } from "../net/api.js" */
/** @import { Shared } from "./panels.js" */

/** @typedef {{seats: string[], areas: Record<string, Record<string, number>>}} Part */

const DAY_MS = 86_400_000;
const ASK_AGAIN_MS = 1_000;

export class BookingPanel {
  /** @type {BookingBody | null} */
  booking = null;
  /** @type {Set<string>} */
  #chosen = new Set();
  /** @type {Map<string, number>} */
  #places = new Map();
  #timer = 0;

  /** @param {Shared & {onHighlight: (seats: number[]) => void, onOther: (booking: BookingBody) => void}} options */
  constructor(options) {
    this.eventId = options.eventId;
    this.model = options.model;
    this.tariff = options.tariff;
    this.money = options.money;
    this.zone = options.zone;
    this.onHighlight = options.onHighlight;
    this.onShow = options.onShow;
    this.onOther = options.onOther;
    this.outcome = new Outcome(byId("booking-outcome"));
    this.exchange = new Exchange({ ...options, outcome: this.outcome, panel: this });
    byId("booking-close").addEventListener("click", () => this.close());
    byId("booking-show").addEventListener("click", () => this.onShow(this.numbers));
    byId("cancel-all").addEventListener("click", () => this.#cancel(true));
    byId("cancel-some").addEventListener("click", () => this.#cancel(false));
  }

  /**
   * The numbers of its seats on the map.
   *
   * @returns {number[]}
   */
  get numbers() {
    return (this.booking?.seats ?? []).map((id) => this.model.number(id)).filter((seat) => seat !== undefined);
  }

  /**
   * The ticked part of the booking as the API takes it; null when nothing is ticked.
   *
   * @returns {Part | null}
   */
  get part() {
    const seats = [...this.#chosen];
    /** @type {Part["areas"]} */
    const areas = {};
    for (const [key, places] of this.#places) {
      if (!places) continue;
      const [area, type] = JSON.parse(key);
      areas[area] = { ...areas[area], [type]: places };
    }
    return seats.length || Object.keys(areas).length ? { seats, areas } : null;
  }

  /**
   * Show a booking: the one that is `known`, or as the server answers.
   *
   * @param {string} id
   * @param {BookingBody | null} [known]
   */
  async open(id, known = null) {
    this.outcome.clear();
    byId("booking-panel").hidden = false;
    byId("find-panel").hidden = true;
    if (this.booking?.id !== id) this.#fill(known);
    try {
      const booking = known ?? /** @type {BookingBody} */ (await read(`/bookings/${encodeURIComponent(id)}`));
      if (booking.eventId !== this.eventId) {
        this.close();
        this.onOther(booking);
        return;
      }
      this.#fill(booking);
      this.onShow(this.numbers);
      byId("booking-title").focus();
    } catch (/** @type {any} */ problem) {
      this.#fill(null);
      this.outcome.refused(refusalOf(problem, this.model), [{ label: "Ask again", run: () => this.open(id) }]);
    }
  }

  close() {
    clearTimeout(this.#timer);
    byId("booking-panel").hidden = true;
    byId("find-panel").hidden = false;
    this.#fill(null);
    byId("find-text").focus();
  }

  /**
   * Some seats changed: read the booking again when some are its own. Null for all seats.
   *
   * @param {number[] | null} seats
   */
  refresh(seats) {
    if (!this.booking || this.#timer) return;
    const own = new Set(this.numbers);
    if (seats && !seats.some((seat) => own.has(seat))) return;
    const { id } = this.booking;
    this.#timer = setTimeout(async () => {
      this.#timer = 0;
      const booking = /** @type {BookingBody | null} */ (
        await read(`/bookings/${encodeURIComponent(id)}`).catch(() => null)
      );
      if (booking && this.booking?.id === id && booking.version > this.booking.version) this.#fill(booking);
    }, ASK_AGAIN_MS);
  }

  /**
   * Show a newer state of the booking, from an answer.
   *
   * @param {BookingBody} booking
   */
  take(booking) {
    this.#fill(booking);
  }

  /** @param {BookingBody | null} booking */
  #fill(booking) {
    this.booking = booking;
    this.#chosen.clear();
    this.#places.clear();
    this.onHighlight(this.numbers);
    byId("booking-body").hidden = !booking;
    if (!booking) {
      byId("booking-title").textContent = "Booking";
      this.exchange.refresh();
      return;
    }
    const isOver = booking.status === "cancelled";
    const count = booking.lines.reduce((sum, line) => sum + (line.quantity ?? 1), 0);
    byId("booking-title").textContent = booking.orderRef ? `Order ${booking.orderRef}` : "Booking";
    byId("booking-chip").textContent = isOver ? "cancelled" : "confirmed";
    byId("booking-chip").className = `chip ${isOver ? "bad" : ""}`;
    /** @param {string} iso */
    const at = (iso) => timeText(Date.parse(iso), DAY_MS, this.zone());
    /** @type {[string, string | null][]} */
    const facts = [
      ["Number", booking.id],
      ["Order", booking.orderRef],
      ["User", booking.userId],
      ["Booked", at(booking.createdAt)],
      [isOver ? "Cancelled" : "Changed", booking.updatedAt !== booking.createdAt ? at(booking.updatedAt) : null],
      ["Total", `${this.money().plain(booking.total)} · ${ticketsText(count)}`],
    ];
    byId("booking-facts").replaceChildren(
      ...facts.filter(([, value]) => value).map(([name, value]) =>
        make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: /** @type {string} */ (value) }))
      ),
    );
    byId("booking-lines").replaceChildren(...booking.lines.map((line) => this.#line(line, isOver)));
    byId("booking-actions").hidden = isOver;
    byId("booking-show").hidden = !this.numbers.length;
    this.#tellPart();
  }

  /**
   * @param {Line} line
   * @param {boolean} isOver
   */
  #line(line, isOver) {
    const about = make(
      "span",
      { className: "what" },
      line.label,
      make("small", { textContent: typeText(this.tariff(), line.ticketType) }),
    );
    const price = make("span", { className: "price", textContent: this.money().plain(line.price) });
    if (isOver) return make("li", {}, line.area ? `${line.quantity} × ` : "", about, price);
    return line.area
      ? this.#areaLine(line, about, price)
      : this.#seatLine(/** @type {SeatLine} */ (line), about, price);
  }

  /**
   * @param {SeatLine} line
   * @param {HTMLElement} about
   * @param {HTMLElement} price
   */
  #seatLine(line, about, price) {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => {
      if (box.checked) this.#chosen.add(line.seat);
      else this.#chosen.delete(line.seat);
      this.#tellPart();
    });
    return make("li", {}, make("label", {}, box, about), price);
  }

  /**
   * @param {AreaLine} line
   * @param {HTMLElement} about
   * @param {HTMLElement} price
   */
  #areaLine(line, about, price) {
    const key = JSON.stringify([line.area, line.ticketType]);
    const input = make("input", {
      type: "number",
      min: "0",
      max: String(line.quantity),
      value: "0",
      "aria-label": `${line.label}: how many of ${line.quantity}`,
    });
    input.addEventListener("input", () => {
      this.#places.set(key, Math.min(line.quantity, Math.max(0, Math.floor(Number(input.value)) || 0)));
      this.#tellPart();
    });
    return make("li", {}, input, make("span", { textContent: `of ${line.quantity}` }), about, price);
  }

  #tellPart() {
    byId("cancel-some", "button").disabled = !this.part;
    this.exchange.refresh();
  }

  /** @param {boolean} isAll */
  async #cancel(isAll) {
    const { booking, part } = /** @type {{booking: BookingBody, part: Part | null}} */ (this);
    const reason = byId("cancel-reason", "input").value.trim();
    const what = isAll ? `the whole booking (${this.money().plain(booking.total)})` : "what is ticked of the booking";
    if (
      !(await confirm({
        title: "Cancel?",
        text: `This cancels ${what}. The seats are free at once, and anybody may take them.`,
        button: isAll ? "Cancel the booking" : "Cancel these",
      }))
    ) return;
    try {
      const answer =
        /** @type {BookingBody} */ (await write("POST", `/bookings/${encodeURIComponent(booking.id)}/cancel`, {
          ...(isAll ? {} : part),
          ...(reason ? { reason } : {}),
        }));
      byId("cancel-reason", "input").value = "";
      this.#fill(answer);
      this.outcome.done(
        answer.status === "cancelled"
          ? "Cancelled: all of it."
          : `Cancelled in part. Left: ${this.money().plain(answer.total)}.`,
      );
    } catch (/** @type {any} */ problem) {
      this.outcome.refused(refusalOf(problem, this.model));
    }
  }
}
