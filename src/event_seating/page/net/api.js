// Owns the calls to the server: JSON in both directions, problems as one class, an idempotency key for each
// change so that it can be repeated safely, and the difference to the server's clock. It knows no seat and
// draws nothing.
//
// Modules: get, read, lines, change, newKey, Problem, serverNow, useKey.

/**
 * @template T
 * @typedef {{status: number, body: T, etag: string | null}} Answer The body is null where the status is 304.
 */

/**
 * The fields of a refusal beside its sentence and code.
 *
 * @typedef {object} Details
 * @property {SeatFault[]} [seats]
 * @property {{area: string, code: string, left?: number}[]} [areas]
 * @property {{field?: string, message?: string}[]} [fields]
 * @property {string[]} [suggestion]
 * @property {number} [limit]
 * @property {string} [heldBy]
 * @property {number} [retryAfter]
 */

// What the API answers, as far as the pages read it; docs/api.md has all of it.

/** @typedef {Intl.StringNumericLiteral} Money `145.00` */

/** @typedef {{available: number, held: number, booked: number, blocked: number}} Counts */

/**
 * @typedef {object} EventBody
 * @property {string} id
 * @property {string} name
 * @property {string} venueName
 * @property {string} startsAt
 * @property {string} timeZone
 * @property {string} currency
 * @property {string} status "on_sale", "paused", "closed" or "cancelled"
 * @property {string} salesStart
 * @property {string} salesEnd
 * @property {Record<string, Record<string, Money>>} prices By category and ticket type.
 * @property {Record<string, {label: string, access: "public" | "staff"}> | null} ticketTypes
 * @property {string | null} defaultTicketType
 * @property {{maxSeatsPerHold: number}} rules
 * @property {string} epoch
 * @property {number} version
 * @property {string} map The address of its seat map.
 */

/**
 * @template T
 * @typedef {{items: T[], nextCursor: string | null}} Page
 */

/**
 * Every seat in the compact form: a letter for each, in the order of the map.
 *
 * @typedef {{epoch: string, version: number, seats: string, areas: Record<string, Counts>}} Snapshot
 */

/**
 * What changed since a version.
 *
 * @typedef {object} Frame
 * @property {number} version
 * @property {Record<string, string>} [changes] The status of each seat that moved, by its id.
 * @property {Record<string, Counts>} [areas]
 * @property {EventBody} [event]
 * @property {boolean} [reload]
 */

/** @typedef {{label: string, category: string, ticketType: string, price: Money}} LineBase */
/** @typedef {LineBase & {seat: string, area?: undefined, quantity?: undefined}} SeatLine */
/** @typedef {LineBase & {seat?: undefined, area: string, quantity: number}} AreaLine */
/** @typedef {SeatLine | AreaLine} Line */

/**
 * @typedef {object} HoldBody
 * @property {string} holdToken
 * @property {number} version
 * @property {number} revision
 * @property {string[]} seats
 * @property {Record<string, number>} areas
 * @property {Line[]} lines
 * @property {Money} total
 * @property {string} expiresAt
 * @property {"buyer" | "box-office" | null} frozenBy
 */

/**
 * @typedef {object} BookingBody
 * @property {string} id
 * @property {string} eventId
 * @property {string | null} userId
 * @property {string | null} orderRef
 * @property {string[]} seats
 * @property {Record<string, number>} areas
 * @property {Line[]} lines
 * @property {Money} total
 * @property {"confirmed" | "cancelled"} status
 * @property {number} version
 * @property {string} createdAt
 * @property {string} updatedAt
 */

/** @typedef {BookingBody & {difference: Money}} ChangedBody A dry run has the difference alone. */

/** @typedef {{seat: string, code: string}} SeatFault */

/** @typedef {{applied: {seats: string[], areas: Record<string, number>}, rejected: SeatFault[]}} BlocksBody */

/**
 * One seat, with what the box office sees of it.
 *
 * @typedef {object} SeatBody
 * @property {string} seat
 * @property {string} category
 * @property {Record<string, Money>} prices By ticket type.
 * @property {string | null} bookingId
 * @property {string | null} holdId
 * @property {string | null} holdExpiresAt
 * @property {"buyer" | "box-office" | null} holdFrozenBy
 * @property {SeatMove[]} [history] The latest first.
 * @property {number} [historySince]
 */

/**
 * @typedef {object} SeatMove
 * @property {string} at
 * @property {string} operation
 * @property {string | null} actor
 * @property {string} [reason]
 * @property {string} [booking]
 * @property {string} [hold]
 */

// Attempts of one change. A server that restarts is back by then, and a person does not wait longer.
const ATTEMPTS = 5;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 4_000;
const ANSWER_WITHIN_MS = 15_000;

// Below this difference the machine's own clock is as good: the header has whole seconds, and an answer takes time.
const CLOCKS_AGREE_MS = 1_500;

// Statuses after which the same call may be made again: no answer (0), or one that says "not now".
const PASSING = new Set([0, 429, 502, 503, 504]);

/** @type {string | null} */
let apiKey = null;
let clockOffsetMs = 0;
let bestRoundTripMs = Infinity;

/** An answer that refuses, or the lack of one, with a sentence for the reader. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {string} code
   * @param {string} sentence
   * @param {Details} [details]
   */
  constructor(status, code, sentence, details = {}) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.details = details;
  }

  /**
   * @param {string} [sentence]
   * @returns {Problem}
   */
  static away(sentence = "The server cannot be reached at the moment.") {
    return new Problem(0, "away", sentence);
  }

  /**
   * Whether the same call may work in a moment.
   *
   * @returns {boolean}
   */
  get passing() {
    return PASSING.has(this.status);
  }
}

/**
 * Send this key with every call from now on.
 *
 * @param {string | null} key
 */
export function useKey(key) {
  apiKey = key;
}

/**
 * The time by the server's clock as far as it is known, in ms since 1970.
 *
 * @returns {number}
 */
export function serverNow() {
  return Date.now() + clockOffsetMs;
}

/**
 * GET; the answer as {status, body, etag}. A 304 has no body. Raises a `Problem`.
 *
 * @template T
 * @param {string} path
 * @param {{etag?: string | null, token?: string | null, signal?: AbortSignal, withinMs?: number}} [options]
 * @returns {Promise<Answer<T>>}
 */
export async function get(path, { etag, token, signal, withinMs = ANSWER_WITHIN_MS } = {}) {
  /** @type {Record<string, string>} */
  const headers = {};
  if (etag) headers["If-None-Match"] = etag;
  if (token) headers["Seat-Hold-Token"] = token;
  return call(path, { method: "GET", headers, cache: "no-store" }, withinMs, signal);
}

/**
 * GET; the body of the answer. Raises a `Problem`.
 *
 * @template T
 * @param {string} path
 * @returns {Promise<T>}
 */
export async function read(path) {
  return /** @type {Answer<T>} */ (await get(path)).body;
}

/**
 * GET a list as lines of JSON, and give each value to `take` as it comes. Raises a `Problem`.
 *
 * @template T
 * @param {string} path
 * @param {(value: T) => void} take
 * @param {AbortSignal} [signal]
 */
export async function lines(path, take, signal) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/x-ndjson" };
  if (apiKey) headers.Authorization = `Bearer ${apiKey}`;
  let answer;
  try {
    answer = await fetch(path, { headers, cache: "no-store", signal });
  } catch {
    throw Problem.away();
  }
  if (!answer.ok) throw problemOf(answer, await answer.json().catch(() => null));
  try {
    let rest = "";
    const reader = /** @type {NonNullable<Response["body"]>} */ (answer.body).pipeThrough(new TextDecoderStream())
      .getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const parts = (rest + piece.value).split("\n");
      rest = /** @type {string} */ (parts.pop());
      for (const line of parts) take(JSON.parse(line));
    }
    if (rest) throw new Error("cut short");
  } catch {
    throw Problem.away("The server's answer ended too early.");
  }
}

/**
 * A call that changes something, made again under the same key until it is answered.
 *
 * @template T
 * @param {"POST" | "PATCH" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {object} [body]
 * @param {{token?: string | null, key?: string}} [options]
 * @returns {Promise<T>}
 */
export async function change(method, path, body, { token, key = newKey() } = {}) {
  /** @type {Record<string, string>} */
  const headers = { "Idempotency-Key": key };
  if (token) headers["Seat-Hold-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  for (let attempt = 1;; attempt += 1) {
    try {
      return (await call(path, init, ANSWER_WITHIN_MS)).body;
    } catch (/** @type {any} */ problem) {
      if (!problem.passing || attempt === ATTEMPTS) throw problem;
      await pause(waitBefore(attempt, problem));
    }
  }
}

/**
 * @template T
 * @param {string} path
 * @param {RequestInit & {headers: Record<string, string>}} init
 * @param {number} withinMs
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer<T>>}
 */
async function call(path, init, withinMs, signal) {
  if (apiKey) init.headers.Authorization = `Bearer ${apiKey}`;
  const limit = AbortSignal.timeout(withinMs);
  const sentAt = Date.now();
  let answer;
  let body = null;
  try {
    answer = await fetch(path, { ...init, signal: signal ? AbortSignal.any([signal, limit]) : limit });
    const text = answer.status === 204 || answer.status === 304 ? "" : await answer.text();
    body = text ? JSON.parse(text) : null;
  } catch {
    if (answer?.ok) throw new Problem(0, "unreadable", "The server's answer could not be read.");
    if (!answer) throw Problem.away();
  }
  readClock(answer, sentAt);
  if (answer.ok || answer.status === 304) {
    return { status: answer.status, body, etag: answer.headers.get("etag") };
  }
  throw problemOf(answer, body);
}

/**
 * @param {Response} answer
 * @param {(Details & {error?: string, code?: string}) | null} body
 */
function problemOf(answer, body) {
  const { error, code, ...details } = body ?? {};
  const sentence = error ?? `The server answered ${answer.status}.`;
  return new Problem(answer.status, code ?? "unknown", sentence, details);
}

/**
 * @param {Response} answer
 * @param {number} sentAt
 */
function readClock(answer, sentAt) {
  const date = Date.parse(answer.headers.get("date") ?? "");
  const now = Date.now();
  const roundTripMs = now - sentAt;
  // The header has whole seconds: on average half of one has passed. A laptop's clock may be wrong after
  // sleep, so an offset that differs much counts whatever the round trip was.
  const offset = date + 500 - (sentAt + now) / 2;
  if (Number.isNaN(offset)) return;
  if (roundTripMs <= bestRoundTripMs || Math.abs(offset - clockOffsetMs) > 2_000) {
    bestRoundTripMs = roundTripMs;
    clockOffsetMs = Math.abs(offset) < CLOCKS_AGREE_MS ? 0 : offset;
  }
}

/**
 * @param {number} attempt
 * @param {Problem} problem
 */
function waitBefore(attempt, problem) {
  const asked = Number(problem.details.retryAfter) * 1_000;
  const backoff = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
  return Math.min(asked > 0 ? asked : 0, 15_000) + backoff * (0.5 + Math.random() / 2);
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * A new idempotency key: 32 random hexadecimal digits.
 *
 * @returns {string}
 */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
