// Owns the line on which changes come: a WebSocket; where that is blocked, a long poll; where that is
// missing as well, the snapshot now and then. After a break it goes on from the version that we have.
// It knows frames, not what is in them.
//
// Modules: follow({eventId, position, onFrame, onReload, onState}) -> {stop, wake}. `position()` gives
// {version, epoch}; `onState` hears "live", "lost" and "gone". The box office uses the same.

import { get } from "./api.js";

// The server says something at least every 25 s.
const SILENT_MS = 60_000;
const OPEN_WITHIN_MS = 8_000;
const POLL_S = 30;
const POLL_WITHIN_MS = (POLL_S + 10) * 1_000;
const SNAPSHOT_EVERY_MS = 4_000;
// A network that blocks WebSockets may be left behind: try again now and then.
const FALL_BACK_FOR_MS = 120_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const EVENT_GONE = 4404;

export function follow({ eventId, position, onFrame, onReload, onState }) {
  const path = `/events/${encodeURIComponent(eventId)}`;
  let stopped = false;
  let failures = 0;
  let socketFailures = 0;
  let fallenBackAt = 0;
  let longPoll = true;
  let etag = null;
  let socket = null;
  let poll = null;
  let endWait = null;

  const query = () => {
    const { version, epoch } = position();
    return `since=${version}&epoch=${encodeURIComponent(epoch)}`;
  };

  async function take(frame) {
    failures = 0;
    onState("live");
    if (frame?.reload) await onReload();
    else if (frame) onFrame(frame);
  }

  /** One WebSocket from its opening to its end: whether it was ever open, and the code. */
  function bySocket() {
    return new Promise((resolve) => {
      const url = new URL(`${path}/live?${query()}`, location.href);
      url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
      let opened = false;
      let timer = 0;
      const expect = (ms) => {
        clearTimeout(timer);
        timer = setTimeout(() => end({ code: 0 }), ms);
      };
      const end = ({ code }) => {
        clearTimeout(timer);
        const ended = socket;
        socket = null;
        if (ended && ended.readyState < WebSocket.CLOSING) ended.close();
        resolve({ opened, code });
      };
      try {
        socket = new WebSocket(url);
      } catch {
        resolve({ opened, code: 0 });
        return;
      }
      const own = socket;
      expect(OPEN_WITHIN_MS);
      own.onopen = () => {
        opened = true;
        socketFailures = 0;
        expect(SILENT_MS);
        take(null);
      };
      own.onmessage = ({ data }) => {
        if (own !== socket) return;
        expect(SILENT_MS);
        take(parse(data));
      };
      own.onclose = (event) => own === socket && end(event);
    });
  }

  async function byLongPoll() {
    poll = new AbortController();
    const { body } = await get(`${path}/changes?${query()}&wait=${POLL_S}`, { signal: poll.signal, withinMs: POLL_WITHIN_MS });
    await take(body);
  }

  async function bySnapshot() {
    const answer = await get(`${path}/seats?format=compact`, { etag });
    etag = answer.etag ?? etag;
    failures = 0;
    onState("live");
    if (answer.body) await onReload(answer.body);
    await wait(SNAPSHOT_EVERY_MS);
  }

  async function fallBack() {
    try {
      await (longPoll ? byLongPoll() : bySnapshot());
    } catch (problem) {
      if (problem.code === "event_not_found") {
        stopped = true;
        onState("gone");
      } else if (longPoll && (problem.status === 404 || problem.status === 405)) {
        longPoll = false;
      } else {
        await lose();
      }
    }
  }

  async function lose() {
    if (stopped) return;
    onState("lost");
    failures += 1;
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(10, failures - 1));
    await wait(longest * (0.5 + Math.random() / 2));
  }

  function wait(ms) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run() {
    while (!stopped) {
      if (fallenBackAt && Date.now() - fallenBackAt < FALL_BACK_FOR_MS) {
        await fallBack();
        continue;
      }
      const { opened, code } = await bySocket();
      if (stopped) return;
      if (code === EVENT_GONE) {
        stopped = true;
        onState("gone");
      } else if (opened) {
        fallenBackAt = 0;
        await lose();
      } else if (navigator.onLine === false) {
        await lose();
      } else if ((socketFailures += 1) >= 2 || fallenBackAt) {
        fallenBackAt = Date.now();
        longPoll = true;
      } else {
        await fallBack();
      }
    }
  }

  function wake() {
    failures = 0;
    endWait?.();
  }

  const onOffline = () => {
    onState("lost");
    socket?.close();
    poll?.abort();
  };
  window.addEventListener("online", wake);
  window.addEventListener("offline", onOffline);
  run();

  return {
    wake,
    stop() {
      stopped = true;
      window.removeEventListener("online", wake);
      window.removeEventListener("offline", onOffline);
      socket?.close();
      poll?.abort();
      endWait?.();
    },
  };
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
