// Owns the place in a panel that shows the result of an action: done, refused with the seats that were the
// reason, or under way. Read aloud as well as shown.
//
// Modules: Outcome(element); .done(sentence, parts), .refused(refusal, actions), .busy(sentence), .clear().

import { say, sayNow } from "../ui/announce.js";
import { make } from "../ui/dom.js";

/** @import { Choice } from "../ui/notices.js" */

export class Outcome {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
  }

  /**
   * @param {string} sentence
   * @param {string[]} [parts]
   * @param {Choice[]} [actions]
   */
  done(sentence, parts = [], actions = []) {
    this.#show("good", sentence, parts, actions);
    say(sentence);
  }

  /**
   * @param {{sentence: string, parts: string[]}} refusal
   * @param {Choice[]} [actions]
   */
  refused({ sentence, parts }, actions = []) {
    this.#show("bad", sentence, parts, actions);
    sayNow([sentence, ...parts].join(" "));
  }

  /**
   * @param {string} sentence
   * @param {Choice[]} [actions]
   */
  busy(sentence, actions = []) {
    this.#show("", sentence, [], actions);
  }

  clear() {
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /**
   * @param {string} tone
   * @param {string} sentence
   * @param {string[]} parts
   * @param {Choice[]} actions
   */
  #show(tone, sentence, parts, actions) {
    this.element.className = `outcome ${tone}`;
    this.element.hidden = false;
    this.element.replaceChildren(
      make("p", { textContent: sentence }),
      parts.length ? make("ul", {}, ...parts.map((part) => make("li", { textContent: part }))) : "",
      actions.length
        ? make(
          "div",
          { className: "actions" },
          ...actions.map(({ label, run }) => {
            const button = make("button", { type: "button", className: "small", textContent: label });
            button.addEventListener("click", run);
            return button;
          }),
        )
        : "",
    );
    this.element.scrollIntoView({ block: "nearest" });
  }
}
