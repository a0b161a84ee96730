// Owns the list of events: what is on, where, when, and the lowest price.
//
// Modules: showEvents(path), where `path` is the page that shows one of them.

import { get, serverNow } from "../net/api.js";
import { byId, make } from "../ui/dom.js";
import { setView, showMessage } from "../ui/message.js";
import { saleOf } from "../sale/sale.js";
import { pricesOf } from "../sale/tariff.js";
import { day } from "../ui/times.js";

/** @import { Answer, EventBody, Page } from "../net/api.js" */

// Events that began this long ago are still listed, for people who are late.
const LOOK_BACK_MS = 6 * 3_600_000;
// Until the empty list is read again: a new server soon makes its demo event.
const EMPTY_AGAIN_MS = 3_000;
const PAGE = 30;

let onePage = "/";

/**
 * Show the list of events; each links to the page at `path`. A failure is shown as a message.
 *
 * @param {string} [path]
 */
export async function showEvents(path = "/") {
  onePage = path;
  byId("title").textContent = "Events";
  byId("subtitle").textContent = "";
  document.title = "Events";
  const from = new Date(serverNow() - LOOK_BACK_MS).toISOString();
  try {
    const { body } = /** @type {Answer<Page<EventBody>>} */ (await get(`/events?limit=${PAGE}&from=${from}`));
    if (!body.items.length) {
      showNone();
      return;
    }
    setView("events");
    byId("events").replaceChildren();
    add(body, from);
  } catch (/** @type {any} */ problem) {
    showMessage({
      title: problem.passing ? "The server is away" : "The events cannot be shown",
      text: problem.message,
      actions: [{ label: "Try again", run: () => showEvents(onePage) }],
    });
  }
}

function showNone() {
  showMessage({
    title: "Nothing is on",
    text: "There is no event yet. One that is made shows up here by itself.",
    actions: [{ label: "Look again", run: () => showEvents(onePage) }],
  });
  setTimeout(lookAgain, EMPTY_AGAIN_MS);
}

/** Read the list again; in a hidden tab once it is visible. */
function lookAgain() {
  if (document.body.dataset.view !== "message") return;
  if (document.hidden) document.addEventListener("visibilitychange", lookAgain, { once: true });
  else showEvents(onePage);
}

/**
 * @param {Page<EventBody>} page
 * @param {string} from
 */
function add({ items, nextCursor }, from) {
  byId("events").append(...items.map(card));
  const more = byId("more-events", "button");
  more.hidden = !nextCursor;
  more.onclick = async () => {
    more.disabled = true;
    try {
      add(
        /** @type {Answer<Page<EventBody>>} */ (await get(
          `/events?limit=${PAGE}&from=${from}&cursor=${encodeURIComponent(/** @type {string} */ (nextCursor))}`,
        )).body,
        from,
      );
    } finally {
      more.disabled = false;
    }
  };
}

/** @param {EventBody} event */
function card(event) {
  const when = day(event.startsAt, event.timeZone);
  const sale = saleOf(event, serverNow());
  const prices = pricesOf(event);
  const money = new Intl.NumberFormat(undefined, {
    style: "currency",
    currency: event.currency,
    trailingZeroDisplay: "stripIfInteger",
  });
  const price = sale.open && prices.length
    ? make(
      "div",
      { className: "from" },
      make("span", { textContent: "from" }),
      make("strong", { textContent: money.format(Math.min(...prices)) }),
    )
    : make(
      "div",
      { className: "from" },
      make("span", { className: `chip ${sale.tone}`, textContent: sale.chip || "Tickets" }),
    );
  return make(
    "li",
    {},
    make(
      "a",
      { href: `${onePage}?event=${encodeURIComponent(event.id)}` },
      make(
        "div",
        { className: "day", "aria-hidden": "true" },
        make("b", { textContent: when.day }),
        make("span", { textContent: when.month }),
      ),
      make(
        "div",
        {},
        make("h2", { textContent: event.name }),
        make("p", { textContent: `${event.venueName} · ${when.long}` }),
        make("span", { className: "hidden", textContent: `${when.day} ${when.month}` }),
      ),
      price,
    ),
  );
}
