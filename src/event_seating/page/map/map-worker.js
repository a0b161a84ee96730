// Owns the fetching and reading of a map off the main thread: ten megabytes of JSON for 100,000 seats would
// block the page for a second on a phone. Answers one message with one message.
//
// Modules: takes {url}, gives {columns} or {status, text}.

/// <reference lib="webworker" />

import { readMap } from "./parse.js";

self.onmessage = async ({ data: { url } }) => {
  try {
    const answer = await fetch(url);
    if (!answer.ok) {
      self.postMessage({ status: answer.status, text: `The seat map could not be read (${answer.status}).` });
      return;
    }
    const columns = readMap(await answer.json());
    const { x, y, category, flags, rowOf } = columns;
    self.postMessage({ columns }, [x, y, category, flags, rowOf].map((column) => column.buffer));
  } catch {
    self.postMessage({ status: 0, text: "The seat map could not be fetched." });
  }
};
