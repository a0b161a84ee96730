// Owns the operator's key: it is asked for where this deployment needs one, kept for this tab alone
// (sessionStorage) until the operator forgets it, and sent in a header, never in an address. The dialog says
// when a key is wrong or has too small a role; when a key is revoked while the page is open, the dialog asks
// for another one.
//
// Modules: keyReady(), keyIsLost(problem), mayManage(), whenKeyChanges(listener).

import { get, useKey } from "../net/api.js";
import { byId } from "../ui/dom.js";

/** @import { Problem } from "../net/api.js" */

const KEPT_AS = "event-seating-key";
const TOO_LITTLE = "This key may not do what a box office does. Ask for one with the role box-office.";
// What a header can carry; the server's keys are a subset.
const KEY = /^[\x21-\x7e]{1,512}$/;

const isNeeded =
  /** @type {HTMLMetaElement | null} */ (document.querySelector('meta[name="key"]'))?.content !== "optional";
/** @type {Set<() => void>} */
const listeners = new Set();

// Where no key is needed, everyone may do everything.
let isAdmin = !isNeeded;
let isAccepted = false;
/** @type {Promise<void> | null} */
let ready = null;
/** @type {((value?: unknown) => void) | null} */
let allow = null;
// For a browser that stores nothing: the key lives as long as the page.
/** @type {string | null} */
let kept = null;

/** A promise that resolves once the page has a key with the role of a box office, or needs none. */
export function keyReady() {
  ready ??= begin();
  return ready;
}

/** Whether the key may also change the event itself, for example pause its sale. */
export function mayManage() {
  return isAdmin;
}

/**
 * Call the listener each time that a key was accepted.
 *
 * @param {() => void} listener
 */
export function whenKeyChanges(listener) {
  listeners.add(listener);
}

/**
 * The server no longer accepts the key: ask for another one.
 *
 * @param {Problem} problem
 */
export function keyIsLost(problem) {
  if (byId("key-dialog", "dialog").open) return;
  ask(
    problem.status === 403
      ? TOO_LITTLE
      : stored()
      ? "The key is no longer taken. It was revoked, or it was never right."
      : "This server needs a key.",
  );
}

async function begin() {
  byId("key-form").addEventListener("submit", (event) => {
    event.preventDefault();
    submit(byId("key", "input").value.trim());
  });
  // Without a key there is nothing behind the dialog to go back to.
  byId("key-dialog").addEventListener("cancel", (event) => (isNeeded || stored()) && event.preventDefault());
  byId("key-button").addEventListener("click", () => (stored() ? forget() : ask("")));
  byId("key-close").addEventListener("click", () => byId("key-dialog", "dialog").close());
  const found = stored();
  if (found) await use(found);
  else if (isNeeded) ask("");
  showState();
  if (!isNeeded || isAccepted) return;
  await new Promise((resolve) => {
    allow = resolve;
  });
}

/** @param {string} reason */
function ask(reason) {
  byId("key-reason").textContent = reason;
  byId("key-reason").hidden = !reason;
  byId("key", "input").value = "";
  byId("key-close").hidden = isNeeded || Boolean(stored());
  if (!byId("key-dialog", "dialog").open) byId("key-dialog", "dialog").showModal();
  byId("key").focus();
}

/** @param {string} key */
async function submit(key) {
  if (!KEY.test(key)) {
    ask(key ? "That is no key: it has signs in it that a key cannot have." : "Please type or paste the key.");
    return;
  }
  byId("key-send", "button").disabled = true;
  await use(key);
  byId("key-send", "button").disabled = false;
}

/**
 * Try a key; keep it when its role is sufficient.
 *
 * @param {string} key
 */
async function use(key) {
  useKey(key);
  try {
    // The first is for every role of the box office, the second for admins alone.
    await get("/cache-status");
    isAdmin = await mayRead("/webhooks?limit=1");
  } catch (/** @type {any} */ problem) {
    if (!problem.passing) drop();
    ask(reasonOf(problem));
    return;
  }
  keep(key);
  isAccepted = true;
  byId("key-dialog", "dialog").close();
  byId("key", "input").value = "";
  showState();
  allow?.();
  for (const listener of listeners) listener();
}

/** @param {string} path */
async function mayRead(path) {
  try {
    await get(path);
    return true;
  } catch (/** @type {any} */ problem) {
    if (problem.status === 403) return false;
    throw problem;
  }
}

/** @param {Problem} problem */
function reasonOf(problem) {
  if (problem.status === 401) return "The server does not know this key.";
  if (problem.status === 403) return TOO_LITTLE;
  return `The key could not be tried: ${problem.message}`;
}

function drop() {
  keep(null);
  useKey(null);
  isAccepted = false;
  isAdmin = !isNeeded;
  showState();
}

function forget() {
  drop();
  // Bookings that were read with the key must not stay on the screen.
  location.reload();
}

function stored() {
  try {
    return sessionStorage.getItem(KEPT_AS);
  } catch {
    return kept;
  }
}

/** @param {string | null} key */
function keep(key) {
  kept = key;
  try {
    if (key) sessionStorage.setItem(KEPT_AS, key);
    else sessionStorage.removeItem(KEPT_AS);
  } catch {
    // The variable has it.
  }
}

function showState() {
  byId("key-button").textContent = stored() ? "Forget the key" : "Use a key";
}
