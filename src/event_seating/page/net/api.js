// Owns how the page talks to the server: JSON there and back, problems as one class, a key for each
// change so that it can be repeated without harm, and what the server's clock says.
// It knows no seat and draws nothing.
//
// Modules: get, lines, change, newKey, Problem, serverNow. The box office passes its key to useKey.

// Of one change: a server that restarts is back by then; a person does not wait longer.
const ATTEMPTS = 5;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 4_000;
const ANSWER_WITHIN_MS = 15_000;

// A header of whole seconds and a slow answer make no better clock than the machine's own.
const CLOCKS_AGREE_MS = 1_500;

// Nobody got an answer, or got one that says "not now": the same call may be made again.
const PASSING = new Set([0, 429, 502, 503, 504]);

let apiKey = null;
let clockOffsetMs = 0;
let bestRoundTripMs = Infinity;

/** What went wrong, with a sentence for the person who sees it. */
export class Problem extends Error {
  constructor(status, code, sentence, details = {}) {
    super(sentence);
    this.status = status;
    this.code = code;
    this.details = details;
  }

  static away(sentence = "The server cannot be reached at the moment.") {
    return new Problem(0, "away", sentence);
  }

  /** Whether the same call may work in a moment. */
  get passing() {
    return PASSING.has(this.status);
  }
}

/** Send this key with every call from now on. */
export function useKey(key) {
  apiKey = key;
}

/** Milliseconds since 1970 by the server's clock, as far as we know it. */
export function serverNow() {
  return Date.now() + clockOffsetMs;
}

/** GET; the answer as {status, body, etag}. A 304 has no body. Raises a `Problem`. */
export async function get(path, { etag, token, signal, withinMs = ANSWER_WITHIN_MS } = {}) {
  const headers = {};
  if (etag) headers["If-None-Match"] = etag;
  if (token) headers["Seat-Hold-Token"] = token;
  return call(path, { method: "GET", headers, cache: "no-store" }, withinMs, signal);
}

/** GET a list as lines of JSON, and give each value to `take` as it comes. Raises a `Problem`. */
export async function lines(path, take, signal) {
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
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const parts = (rest + piece.value).split("\n");
      rest = parts.pop();
      for (const line of parts) take(JSON.parse(line));
    }
    if (rest) throw new Error("cut short");
  } catch {
    throw Problem.away("The server's answer ended too early.");
  }
}

/** A call that changes something, made again under the same key until it is answered. */
export async function change(method, path, body, { token, key = newKey() } = {}) {
  const headers = { "Idempotency-Key": key };
  if (token) headers["Seat-Hold-Token"] = token;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  for (let attempt = 1;; attempt += 1) {
    try {
      return (await call(path, init, ANSWER_WITHIN_MS)).body;
    } catch (problem) {
      if (!problem.passing || attempt === ATTEMPTS) throw problem;
      await pause(waitBefore(attempt, problem));
    }
  }
}

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

function problemOf(answer, body) {
  const { error, code, ...details } = body ?? {};
  const sentence = error ?? `The server answered ${answer.status}.`;
  return new Problem(answer.status, code ?? "unknown", sentence, details);
}

function readClock(answer, sentAt) {
  const date = Date.parse(answer.headers.get("date") ?? "");
  const now = Date.now();
  const roundTripMs = now - sentAt;
  // The header has whole seconds: on average half of one has passed. A laptop that slept has another
  // clock, so an offset that is far off is taken whatever the round trip was.
  const offset = date + 500 - (sentAt + now) / 2;
  if (Number.isNaN(offset)) return;
  if (roundTripMs <= bestRoundTripMs || Math.abs(offset - clockOffsetMs) > 2_000) {
    bestRoundTripMs = roundTripMs;
    clockOffsetMs = Math.abs(offset) < CLOCKS_AGREE_MS ? 0 : offset;
  }
}

function waitBefore(attempt, problem) {
  const asked = Number(problem.details.retryAfter) * 1_000;
  const backoff = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), LONGEST_WAIT_MS);
  return Math.min(asked > 0 ? asked : 0, 15_000) + backoff * (0.5 + Math.random() / 2);
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** 32 hexadecimal digits: nobody else's call has them. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
