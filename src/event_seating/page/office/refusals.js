// Owns the box office's sentences for what the server refuses: what is not available and why, seat by seat. It
// knows codes and draws nothing.
//
// Modules: refusalOf(problem, model) -> {sentence, parts: [text], seats: [numbers]}.

/** @import { SeatFault } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Refusal } from "../sale/reasons.js" */

/** @type {Record<string, string>} */
const SENTENCES = {
  away: "The server cannot be reached. Whether it was done is not known: press again, and it is done once at the most.",
  unreadable: "The answer could not be read. Press again: it is done once at the most.",
  unauthorized: "The key is not taken. Nothing was changed.",
  forbidden: "This key may not do that. Nothing was changed.",
  rate_limited: "Too many calls without a key. Please wait a moment.",
  event_cancelled: "The event was cancelled; nothing can be sold or changed any more.",
  not_on_sale: "The event does not sell at the moment.",
  booking_not_found: "There is no such booking.",
  already_cancelled: "This booking was cancelled already.",
  not_in_booking: "The booking no longer has all of these seats. Nothing was changed.",
  nothing_left: "That would leave nothing of the booking: cancel it instead.",
  seats_unavailable: "Nothing was changed, since some of it cannot be had:",
  sold_out: "Nothing was changed, since there are not that many places left:",
  unknown_user: "There is no user with this id.",
};

/** @type {Record<string, string>} */
const SEAT_REASONS = {
  held: "held by a buyer",
  booked: "booked",
  blocked: "blocked",
  available: "not blocked",
  unknown: "not on this map",
  not_on_sale: "without a price for this ticket type",
};

const NAMED_MAX = 12;

/**
 * The sentence for a refusal, a text for each seat or area at fault, and the numbers of those seats.
 *
 * @param {Refusal} problem
 * @param {SeatModel} model
 * @returns {{sentence: string, parts: string[], seats: number[]}}
 */
export function refusalOf(problem, model) {
  const { code, details } = problem;
  const seats = (details?.seats ?? []).map(({ seat }) => model.number(seat)).filter((seat) => seat !== undefined);
  return {
    sentence: SENTENCES[code] ?? sentenceOf(problem),
    parts: [...partsOf(details?.seats, model), ...(details?.areas ?? []).map((each) => areaPart(each, model))],
    seats,
  };
}

/**
 * Seats that were left as they were, each with its reason, the first of them.
 *
 * @param {SeatFault[] | undefined} rejected
 * @param {SeatModel} model
 * @returns {string[]}
 */
export function partsOf(rejected = [], model) {
  const parts = rejected.slice(0, NAMED_MAX).map(({ seat, code }) => {
    const number = model.number(seat);
    return `${number === undefined ? seat : model.describe(number)}: ${SEAT_REASONS[code] ?? code}`;
  });
  if (rejected.length > NAMED_MAX) parts.push(`and ${(rejected.length - NAMED_MAX).toLocaleString()} more`);
  return parts;
}

/**
 * @param {{area: string, code: string, left?: number}} fault
 * @param {SeatModel} model
 */
function areaPart({ area, code, left }, model) {
  const number = model.areaNumbers.get(area);
  const label = number === undefined ? area : model.areas[number].label;
  return code === "sold_out" || left !== undefined
    ? `${label}: ${left ?? 0} left`
    : `${label}: ${SEAT_REASONS[code] ?? code}`;
}

/**
 * @param {Refusal} problem
 * @returns {string}
 */
function sentenceOf(problem) {
  const fields = Array.isArray(problem.details?.fields) ? problem.details.fields : [];
  const named = fields.map(({ field, message }) => [field, message].filter(Boolean).join(" ")).filter(Boolean);
  return named.length ? `${problem.message} ${named.join("; ")}.` : /** @type {string} */ (problem.message);
}
