// Owns the connection that brings changes of an event: a WebSocket; where that is blocked, a long poll; where
// that is missing as well, a snapshot every few seconds. After a break it goes on from the version that the
// page has. It knows frames, not what is in them.
//
// Modules: follow({eventId, position, onFrame, onReload, onState}) -> {stop, wake}.

import { get } from "./api.js";

/** @import { Answer, Frame, Snapshot } from "./api.js" */

/** @typedef {"live" | "lost" | "gone"} ConnectionState */

/**
 * @typedef {object} Following
 * @property {string} eventId
 * @property {() => {version: number, epoch: string}} position Up to where the page knows the seats.
 * @property {(frame: Frame) => void} onFrame
 * @property {(snapshot?: Snapshot) => unknown} onReload Take all of the event again, and read the seats where no
 * snapshot is given.
 * @property {(state: ConnectionState) => void} onState
 */

// The server sends something at least every 25 s.
const SILENT_MS = 60_000;
const OPEN_WITHIN_MS = 8_000;
const POLL_S = 30;
const ANSWER_WITHIN_S = 10;
const SNAPSHOT_EVERY_MS = 4_000;
// A device may leave a network that blocks WebSockets: try them again after this time.
const FALL_BACK_FOR_MS = 120_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const EVENT_GONE = 4404;

/**
 * Follow an event from now on.
 *
 * @param {Following} options
 * @returns {Connection}
 */
export function follow(options) {
  const connection = new Connection(options);
  connection.run();
  return connection;
}

class Connection {
  #stopped = false;
  /** @type {ConnectionState} */
  #state = "lost";
  #failures = 0;
  #socketFailures = 0;
  #fallenBackAt = 0;
  #fallbackReported = false;
  #hasLongPoll = true;
  /** @type {string | null} */
  #etag = null;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {AbortController | null} */
  #poll = null;
  /** @type {(() => void) | null} */
  #endWait = null;

  /** @param {Following} options */
  constructor(options) {
    this.eventId = options.eventId;
    this.position = options.position;
    this.onFrame = options.onFrame;
    this.onReload = options.onReload;
    this.onState = options.onState;
    this.path = `/events/${encodeURIComponent(this.eventId)}`;
    window.addEventListener("online", this.wake);
    window.addEventListener("offline", this.#onOffline);
  }

  /** Try again at once, if it waits to. */
  wake = () => {
    this.#failures = 0;
    this.#endWait?.();
  };

  stop() {
    this.#stopped = true;
    window.removeEventListener("online", this.wake);
    window.removeEventListener("offline", this.#onOffline);
    this.#socket?.close();
    this.#poll?.abort();
    this.#endWait?.();
  }

  async run() {
    while (!this.#stopped) {
      if (this.#fallenBackAt && Date.now() - this.#fallenBackAt < FALL_BACK_FOR_MS) await this.#fallBack();
      else await this.#bySocket();
    }
  }

  // A WebSocket

  async #bySocket() {
    const { opened, code } = await this.#runSocket();
    if (this.#stopped) return;
    if (code === EVENT_GONE) {
      this.#end();
    } else if (opened) {
      this.#fallenBackAt = 0;
      await this.#lose();
    } else if (navigator.onLine === false) {
      await this.#lose();
    } else if ((this.#socketFailures += 1) >= 2 || this.#fallenBackAt) {
      this.#fallenBackAt = Date.now();
      this.#hasLongPoll = true;
    } else {
      await this.#fallBack();
    }
  }

  /**
   * One WebSocket from its opening to its end: whether it was ever open, and the code.
   *
   * @returns {Promise<{opened: boolean, code: number}>}
   */
  #runSocket() {
    return new Promise((resolve) => {
      let opened = false;
      let timer = 0;
      const own = this.#open();
      /** @param {number} code */
      const end = (code) => {
        clearTimeout(timer);
        if (this.#socket !== own) return;
        this.#socket = null;
        own?.close();
        resolve({ opened, code });
      };
      /** @param {number} ms */
      const expect = (ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => end(0), ms);
      };
      if (!own) {
        end(0);
        return;
      }
      expect(OPEN_WITHIN_MS);
      own.onopen = () => {
        opened = true;
        this.#socketFailures = 0;
        expect(SILENT_MS);
        this.#take(null);
      };
      own.onmessage = ({ data }) => {
        if (own !== this.#socket) return;
        expect(SILENT_MS);
        this.#take(parse(data));
      };
      own.onclose = ({ code }) => end(code);
    });
  }

  /** A new WebSocket; null where a browser does not even try. */
  #open() {
    const url = new URL(`${this.path}/live?${this.#query()}`, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    try {
      this.#socket = new WebSocket(url);
    } catch {
      this.#socket = null;
    }
    return this.#socket;
  }

  // In place of a WebSocket

  async #fallBack() {
    try {
      await (this.#hasLongPoll ? this.#byLongPoll() : this.#bySnapshot());
    } catch (/** @type {any} */ problem) {
      if (problem.code === "event_not_found") this.#end();
      else if (this.#hasLongPoll && (problem.status === 404 || problem.status === 405)) this.#hasLongPoll = false;
      else await this.#lose();
    }
  }

  async #byLongPoll() {
    this.#poll = new AbortController();
    const { signal } = this.#poll;
    const why = this.#fallbackReported ? "" : "&fallback=true";
    // While the connection is lost the answer must come at once, to show that it is back.
    const waitS = this.#state === "live" ? POLL_S : 0;
    const url = `${this.path}/changes?${this.#query()}&wait=${waitS}${why}`;
    this.#fallbackReported = true;
    const { body } =
      /** @type {Answer<Frame>} */ (await get(url, { signal, withinMs: (waitS + ANSWER_WITHIN_S) * 1_000 }));
    await this.#take(body);
  }

  async #bySnapshot() {
    const answer = /** @type {Answer<Snapshot | null>} */ (
      await get(`${this.path}/seats?format=compact`, { etag: this.#etag })
    );
    this.#etag = answer.etag ?? this.#etag;
    this.#failures = 0;
    this.#setState("live");
    if (answer.body) await this.onReload(answer.body);
    await this.#wait(SNAPSHOT_EVERY_MS);
  }

  // For all ways

  #query() {
    const { version, epoch } = this.position();
    return `since=${version}&epoch=${encodeURIComponent(epoch)}`;
  }

  /** @param {Frame | null} frame */
  async #take(frame) {
    this.#failures = 0;
    this.#setState("live");
    if (frame?.reload) await this.onReload();
    else if (frame) this.onFrame(frame);
  }

  #end() {
    this.#stopped = true;
    this.#setState("gone");
  }

  /** @param {ConnectionState} state */
  #setState(state) {
    this.#state = state;
    this.onState(state);
  }

  async #lose() {
    if (this.#stopped) return;
    this.#setState("lost");
    this.#failures += 1;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, this.#failures - 1));
    await this.#wait(longest * (0.5 + Math.random() / 2));
  }

  /**
   * @param {number} ms
   * @returns {Promise<void>}
   */
  #wait(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #onOffline = () => {
    this.#setState("lost");
    this.#socket?.close();
    this.#poll?.abort();
  };
}

/**
 * @param {string} text
 * @returns {Frame | null}
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
