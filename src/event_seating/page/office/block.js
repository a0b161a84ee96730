// Owns the blocking and releasing of what is selected, with a reason. Many seats go in several calls, one after
// the other, so that none delays the server's buyers; when one fails or the operator stops, the calls before it
// stay done.
//
// Modules: BlockForm({eventId, model, seats, selection}); .refresh().

import { byId } from "../ui/dom.js";
import { confirm } from "../ui/confirm.js";
import { seatsWord } from "./names.js";
import { Outcome } from "./outcome.js";
import { partsOf, refusalOf } from "./refusals.js";
import { write } from "./server.js";

/** @import { BlocksBody, SeatFault } from "../net/api.js" */
/** @import { Shared } from "./panels.js" */

/** @typedef {{seats?: string[], areas?: Record<string, number>}} Call */
/** @typedef {{applied: number, rejected: SeatFault[]}} Sum */

// Blocking 100,000 seats in one call would occupy the server for 220 ms; a call of this size takes some 8.
const SEATS_A_CALL = 4_000;
// Ids may be long, and the server takes a body of up to a megabyte.
const CHARACTERS_A_CALL = 200_000;
const ASK_FROM = 500;

export class BlockForm {
  #isBusy = false;
  #isStopped = false;

  /** @param {Shared} options */
  constructor(options) {
    this.eventId = options.eventId;
    this.model = options.model;
    this.selection = options.selection;
    this.outcome = new Outcome(byId("block-outcome"));
    byId("block").addEventListener("click", () => this.#run(true));
    byId("release").addEventListener("click", () => this.#run(false));
  }

  refresh() {
    const isDisabled = this.#isBusy || !this.selection.count;
    byId("block", "button").disabled = isDisabled;
    byId("release", "button").disabled = isDisabled;
  }

  /** @param {boolean} isBlock */
  async #run(isBlock) {
    const { selection, model } = this;
    const seats = selection.list;
    const verb = isBlock ? "Block" : "Release";
    const about = selection.count === seats.length
      ? seatsWord(seats.length)
      : `${selection.count.toLocaleString()} seats and places`;
    const text = isBlock
      ? "Nobody can buy what is free of them until it is released."
      : "What is blocked of them goes on sale at once.";
    if (selection.count >= ASK_FROM && !(await confirm({ title: `${verb} ${about}?`, text, button: verb }))) return;
    const areas = Object.fromEntries(selection.places.map(([area, places]) => [model.areas[area].id, places]));
    /** @type {Call[]} */
    const calls = chunked(seats.map((seat) => model.ids[seat])).map((ids) => ({ seats: ids }));
    if (Object.keys(areas).length) calls.push({ areas });
    this.#isBusy = true;
    this.#isStopped = false;
    this.refresh();
    await this.#send(isBlock, calls, byId("block-reason", "input").value.trim());
    this.#isBusy = false;
    this.refresh();
  }

  /**
   * @param {boolean} isBlock
   * @param {Call[]} calls
   * @param {string} reason
   */
  async #send(isBlock, calls, reason) {
    const path = `/events/${encodeURIComponent(this.eventId)}/blocks${isBlock ? "" : "/release"}`;
    /** @type {Sum} */
    const sum = { applied: 0, rejected: [] };
    for (const [at, call] of calls.entries()) {
      if (this.#isStopped) break;
      const stop = { label: "Stop", run: () => (this.#isStopped = true) };
      this.outcome.busy(
        calls.length > 1 ? `Part ${at + 1} of ${calls.length}…` : "One moment…",
        calls.length > 1 ? [stop] : [],
      );
      try {
        const { applied, rejected } = /** @type {BlocksBody} */ (
          await write("POST", path, reason ? { ...call, reason } : call)
        );
        sum.applied += applied.seats.length + Object.values(applied.areas).reduce((all, places) => all + places, 0);
        for (const each of rejected) sum.rejected.push(each);
      } catch (/** @type {any} */ problem) {
        const refusal = refusalOf(problem, this.model);
        if (at) refusal.sentence += ` ${this.#summary(isBlock, sum)}`;
        this.outcome.refused(refusal);
        return;
      }
    }
    this.#report(isBlock, sum);
  }

  /**
   * @param {boolean} isBlock
   * @param {Sum} sum
   */
  #report(isBlock, sum) {
    const { model, selection } = this;
    const left = sum.rejected.map(({ seat }) => model.number(seat)).filter((seat) => seat !== undefined);
    const only = {
      label: "Select only those that were left",
      run: () => {
        selection.clear();
        selection.add(left);
      },
    };
    this.outcome.done(this.#summary(isBlock, sum), partsOf(sum.rejected, model), left.length ? [only] : []);
    if (!left.length && !this.#isStopped) {
      selection.clear();
      byId("block-reason", "input").value = "";
    }
  }

  /**
   * @param {boolean} isBlock
   * @param {Sum} sum
   */
  #summary(isBlock, { applied, rejected }) {
    const done = `${isBlock ? "Blocked" : "Released"}: ${applied.toLocaleString()}.`;
    return [
      this.#isStopped ? "Stopped." : "",
      done,
      rejected.length ? `Left as they were: ${rejected.length.toLocaleString()}.` : "",
    ].filter(Boolean).join(" ");
  }
}

/** @param {string[]} ids */
function chunked(ids) {
  /** @type {string[][]} */
  const chunks = [];
  /** @type {string[]} */
  let chunk = [];
  let characters = 0;
  for (const id of ids) {
    if (chunk.length === SEATS_A_CALL || characters + id.length > CHARACTERS_A_CALL) {
      chunks.push(chunk);
      [chunk, characters] = [[], 0];
    }
    chunk.push(id);
    characters += id.length;
  }
  if (chunk.length) chunks.push(chunk);
  return chunks;
}
