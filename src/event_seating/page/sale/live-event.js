// Owns one event as a page follows it: its body, its prices and its seats, kept up to date by live frames,
// and read again after a break. What a change means on the page is the page's; it hears of each change
// after it was made.
//
// Modules: LiveEvent({event, model, snapshot, home, read, ...}); .event, .tariff, .seats; .follow(),
// .update(event), .reconnect().

import { Seats } from "../map/seats.js";
import { follow } from "../net/live.js";
import { showConnection } from "./banners.js";
import { showEventGone } from "./open-event.js";
import { sellsAlike, Tariff } from "./tariff.js";

/** @import { EventBody, Frame, Snapshot } from "../net/api.js" */
/** @import { ConnectionState } from "../net/live.js" */
/** @import { SeatModel } from "../map/model.js" */
/** @import { Read } from "./open-event.js" */

/**
 * @typedef {object} LiveEventOptions
 * @property {EventBody} event
 * @property {SeatModel} model
 * @property {Snapshot} snapshot
 * @property {string} home The address of the list of events.
 * @property {boolean} [staff] Whether the page sees the prices that buyers do not; frames never have those.
 * @property {Read} read
 * @property {(change: {hasNewPrices: boolean}) => void} onEvent
 * @property {(frame: Frame, news: {isOlder: boolean}) => void} onFrame `isOlder` when it changed no seat.
 * @property {() => void} [onNewEpoch] The seats' versions begin again: nothing that was known need be true.
 * @property {() => void} [onReload] The event and all of its seats were read again.
 * @property {() => void} [onBack] The connection is back after a break.
 * @property {() => void} [onGone] The event was deleted; the page shows a message instead.
 */

// Until an event whose new state could not be read is read again.
const READ_AGAIN_MS = 5_000;

export class LiveEvent {
  #options;
  #path;
  /** @type {ReturnType<typeof follow> | null} */
  #connection = null;
  /** @type {ConnectionState | null} */
  #state = null;

  /** @param {LiveEventOptions} options */
  constructor(options) {
    const { event, model, snapshot } = options;
    this.#options = options;
    this.#path = `/events/${encodeURIComponent(event.id)}`;
    this.event = event;
    this.tariff = this.#makeTariff();
    this.seats = new Seats(model, this.tariff);
    this.seats.load(snapshot);
  }

  /** Take changes from the server from now on. */
  follow() {
    this.#connection = follow({
      eventId: this.event.id,
      position: () => ({ version: this.seats.version, epoch: this.seats.epoch }),
      onFrame: (frame) => this.#onFrame(frame),
      onReload: (snapshot) => this.#reload(snapshot),
      onState: (state) => this.#onState(state),
    });
  }

  /** Try to connect again at once, when the connection waits to. */
  reconnect() {
    this.#connection?.wake();
  }

  /**
   * Take a newer state of the event, or of a part of it.
   *
   * @param {Partial<EventBody>} event
   */
  update(event) {
    const before = this.event;
    this.event = { ...before, ...event };
    const hasNewPrices = !sellsAlike(before, this.event);
    if (hasNewPrices) {
      this.tariff = this.#makeTariff();
      this.seats.setTariff(this.tariff);
    }
    this.#options.onEvent({ hasNewPrices });
  }

  #makeTariff() {
    const { model, staff = false } = this.#options;
    return new Tariff(this.event, model.categories, { staff });
  }

  /** @param {Frame} frame */
  #onFrame(frame) {
    if (frame.event) this.#onFrameEvent(frame.event);
    const isOlder = frame.version < this.seats.version;
    this.seats.apply(frame);
    this.#options.onFrame(frame, { isOlder });
  }

  /**
   * A change of the event. Frames go to everybody, so they have what is public; staff reads the rest.
   *
   * @param {EventBody} event
   */
  #onFrameEvent(event) {
    if (!this.#options.staff) {
      this.update(event);
      return;
    }
    const { prices: _prices, ticketTypes: _ticketTypes, ...shared } = event;
    this.update(shared);
    this.#readEvent();
  }

  async #readEvent() {
    try {
      const event = /** @type {EventBody} */ (await this.#options.read(this.#path));
      if (event.version >= this.event.version) this.update(event);
    } catch (/** @type {any} */ problem) {
      if (problem.passing) setTimeout(() => this.#readEvent(), READ_AGAIN_MS);
    }
  }

  /** @param {Snapshot} [snapshot] Read here when the connection did not bring it. */
  async #reload(snapshot) {
    const { read, onNewEpoch, onReload } = this.#options;
    try {
      const [event, seats] = await Promise.all([
        /** @type {Promise<EventBody>} */ (read(this.#path)),
        snapshot ?? /** @type {Promise<Snapshot>} */ (read(`${this.#path}/seats?format=compact`)),
      ]);
      if (seats.epoch !== this.seats.epoch) onNewEpoch?.();
      this.update(event);
      this.seats.load(seats);
      onReload?.();
    } catch (/** @type {any} */ problem) {
      if (problem.code === "event_not_found") this.#onState("gone");
      // Otherwise the connection is lost too, and reports that itself.
    }
  }

  /** @param {ConnectionState} state */
  #onState(state) {
    const { home, onBack, onGone } = this.#options;
    if (state === "gone") {
      onGone?.();
      showEventGone(home);
      return;
    }
    const isBack = this.#state === "lost" && state === "live";
    this.#state = state;
    showConnection(state);
    if (isBack) onBack?.();
  }
}
