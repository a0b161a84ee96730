// Owns the buyer's sentences for what the server refuses: what happened, and what would work instead. It knows
// codes and draws nothing.
//
// Modules: reasonOf(problem, {model, tariff}) -> {sentence, suggestion}.

/** @import { Details } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */

/** @typedef {{code: string, details: Details, message?: string}} Refusal A `Problem`, or one that the page makes. */

export const AT_THE_CHECKOUT = "Your seats are at the checkout, and stay as they are until they are paid.";

/** @type {Record<string, string>} */
const SENTENCES = {
  no_block: "There are enough free seats, but not next to each other. Try fewer, or widen your prices.",
  sold_out: "There are not that many free seats for these prices.",
  too_many_held: "You hold too many seats already. Book or give back some first.",
  not_on_sale: "This event does not sell at the moment.",
  ticket_type_missing: "The prices changed just now. Please choose again.",
  unknown_ticket_type: "The prices changed just now. Please choose again.",
  event_cancelled: "This event was cancelled. Nothing is held or booked any more.",
  hold_expired: "Your time ran out, and your seats went back on sale.",
  hold_released: "Your seats were given back.",
  hold_ended: "Your seats went back on sale long ago. Please choose again.",
  hold_not_found: "The server no longer knows your seats. Please choose again.",
  hold_booked: "These seats are booked already.",
  hold_frozen: AT_THE_CHECKOUT,
  hold_not_frozen: "Your seats are no longer at the checkout. You can change them.",
  total_changed:
    "Your seats were changed meanwhile, perhaps in another tab. Please look at them and at the total again.",
  nothing_gained: "Your seats cannot be kept any longer than this.",
  away: "The server cannot be reached at the moment. Nothing was changed; please try again.",
  unreadable: "The server's answer could not be read. Please try again.",
  rate_limited: "That was a lot of clicks. Please wait a moment and try again.",
  draining: "The server restarts. Please try again in a moment.",
  unauthorized: "Seats cannot be booked on this page.",
  forbidden: "Seats cannot be booked on this page.",
};

/** @type {Record<string, string>} */
const SEAT_REASONS = {
  held: "somebody else was a moment faster",
  booked: "it is sold",
  blocked: "it is not for sale",
  unknown: "this event does not have it",
  not_on_sale: "it is not sold at this price",
  cooling_down: "you had it for long, others come first for two minutes",
};

const OTHERS_HOLD =
  "Too many seats are kept from your internet connection at the moment, perhaps by others who share it. Please try again in a few minutes.";

const NAMED_MAX = 2;

/**
 * The sentence for a refusal; `suggestion` has the ids of seats that would do instead.
 *
 * @param {Refusal} problem
 * @param {{model: SeatModel}} about
 * @returns {{sentence: string, suggestion?: string[]}}
 */
export function reasonOf(problem, { model }) {
  const { code, details } = problem;
  if (code === "orphan_seat") return orphan(details, model);
  if (code === "too_many_seats") return { sentence: `At most ${details.limit} seats can be chosen at once.` };
  if (code === "too_many_held" && details.heldBy && details.heldBy !== "buyer") return { sentence: OTHERS_HOLD };
  if (code === "cooling_down") return { sentence: cooling(details) };
  if (code === "seats_unavailable" || code === "sold_out") {
    const parts = [
      ...(details.seats ?? []).map((each) => seatSentence(each, model)),
      ...(details.areas ?? []).map((each) => areaSentence(each, model)),
    ];
    if (parts.length) return { sentence: shortened(parts) };
  }
  return { sentence: SENTENCES[code] ?? /** @type {string} */ (problem.message) };
}

/**
 * @param {Details} details
 * @param {SeatModel} model
 */
function orphan({ suggestion = [] }, model) {
  const numbers = suggestion.map((id) => model.number(id)).filter((seat) => seat !== undefined);
  if (!numbers.length) return { sentence: "That would leave a single seat alone. Please choose the seat beside it." };
  return {
    sentence: `That would leave a single seat alone. Free without a gap: ${listed(numbers, model)}.`,
    suggestion,
  };
}

/**
 * Seats as a text: `Lower A, row 3, seats 4, 5` when they are in one row, else each described by itself.
 *
 * @param {number[]} numbers
 * @param {SeatModel} model
 * @returns {string}
 */
export function listed(numbers, model) {
  const [first] = numbers;
  if (numbers.length > 1 && numbers.every((seat) => model.rowOf[seat] === model.rowOf[first])) {
    const labels = [...numbers].sort((a, b) => a - b).map((seat) => model.labels[seat]);
    return `${model.sectionOf(first).label}, row ${model.rowLabel(first)}, seats ${labels.join(", ")}`;
  }
  return numbers.map((seat) => model.describe(seat)).join("; ");
}

/** @param {Details} details */
function cooling({ retryAfter }) {
  const wait = /** @type {number} */ (retryAfter) > 0 ? `in ${retryAfter} seconds` : "in two minutes";
  return `These seats were kept for a long time, so others come first now. Choose other seats, or try again ${wait}.`;
}

/**
 * @param {{seat: string, code: string}} fault
 * @param {SeatModel} model
 */
function seatSentence({ seat, code }, model) {
  const number = model.number(seat);
  return `${number === undefined ? seat : model.describe(number)}: ${SEAT_REASONS[code] ?? "it cannot be had"}.`;
}

/**
 * @param {{area: string, left?: number}} fault
 * @param {SeatModel} model
 */
function areaSentence({ area, left }, model) {
  const number = model.areaNumbers.get(area);
  const label = number === undefined ? area : model.areas[number].label;
  return left ? `${label}: only ${left} left.` : `${label}: none left.`;
}

/** @param {string[]} parts */
function shortened(parts) {
  const more = parts.length - NAMED_MAX;
  return more > 0 ? `${parts.slice(0, NAMED_MAX).join(" ")} And ${more} more.` : parts.join(" ");
}
