// Owns the way from an event's id to a page of it: it reads the event, its map and its seats, and shows a
// message where there is no event, or none any more.
//
// Modules: openEvent({id, home, read, ...}) -> the page, or null when there is a message instead;
// showEventGone(home).

import { loadModel } from "../map/model.js";
import { setView, showMessage } from "../ui/message.js";

/** @import { EventBody, Problem, Snapshot } from "../net/api.js" */
/** @import { SeatModel } from "../map/model.js" */

/**
 * How a page reads the body of an answer; raises a `Problem`.
 *
 * @typedef {<T>(path: string) => Promise<T>} Read
 */

/**
 * @template Page
 * @typedef {object} Opening
 * @property {string} id The event's.
 * @property {string} home The address of the list of events.
 * @property {Read} read
 * @property {string} notFound The sentence for an id that no event has.
 * @property {string} [whileAway] What to add when the server does not answer.
 * @property {(event: EventBody) => void} showHead Called before the map is there.
 * @property {(event: EventBody, model: SeatModel, snapshot: Snapshot) => Page} makePage
 */

/**
 * Read the event and make its page. Never raises: a failure is shown as a message with ways out.
 *
 * @template Page
 * @param {Opening<Page>} opening
 * @returns {Promise<Page | null>}
 */
export async function openEvent(opening) {
  const path = `/events/${encodeURIComponent(opening.id)}`;
  try {
    const snapshot = /** @type {Promise<Snapshot>} */ (opening.read(`${path}/seats?format=compact`));
    snapshot.catch(() => undefined); // until it is awaited below
    const event = /** @type {EventBody} */ (await opening.read(path));
    opening.showHead(event);
    setView("event");
    const [model, seats] = await Promise.all([loadModel(event.map), snapshot]);
    return opening.makePage(event, model, seats);
  } catch (/** @type {any} */ problem) {
    showProblem(problem, opening);
    return null;
  }
}

/**
 * The event was deleted while the page showed it.
 *
 * @param {string} home The address of the list of events.
 */
export function showEventGone(home) {
  showMessage({
    title: "This event is gone",
    text: "It was taken away while you looked at it.",
    actions: [toAllEvents(home)],
  });
}

/**
 * @template Page
 * @param {Problem} problem
 * @param {Opening<Page>} opening
 */
function showProblem(problem, opening) {
  const { home, notFound, whileAway } = opening;
  const actions = [{ label: "Try again", run: () => openEvent(opening) }, toAllEvents(home)];
  if (problem.code === "event_not_found" || problem.code === "not_found") {
    showMessage({ title: "There is no such event", text: notFound, actions: [toAllEvents(home)] });
  } else if (problem.passing) {
    const text = [problem.message, whileAway].filter(Boolean).join(" ");
    showMessage({ title: "The server is away", text, actions });
  } else {
    // Not an answer of the server, so a fault of the page: for the reader of the console.
    console.error(problem);
    showMessage({ title: "This event cannot be shown", text: problem.message, actions });
  }
}

/** @param {string} home */
function toAllEvents(home) {
  return { label: "See all events", href: home };
}
