// Owns "How many?" and "Best available", for those who do not want to hunt.
//
// Modules: Finder({onBest}); .show({most, canChoose, isBusy, hasSeats, hasAccessible}).

import { byId, stepper } from "../ui/dom.js";

const USUAL = 2;

export class Finder {
  #quantity = USUAL;
  #most = 8;

  /** @param {{onBest: (wish: {quantity: number, accessible: boolean}) => void}} told */
  constructor({ onBest }) {
    this.stepper = stepper({ label: "How many seats", onStep: (wanted) => this.#set(wanted) });
    byId("quantity").replaceWith(this.stepper.element);
    byId("best").addEventListener(
      "click",
      () => onBest({ quantity: this.#quantity, accessible: byId("accessible").checked }),
    );
    this.#set(USUAL);
  }

  /**
   * Where there is standing room alone, nothing is better than the rest: there is nothing to find.
   *
   * @param {{most: number, canChoose: boolean, isBusy: boolean, hasSeats: boolean, hasAccessible: boolean}} house
   */
  show({ most, canChoose, isBusy, hasSeats, hasAccessible }) {
    this.#most = most;
    byId("side").dataset.finder = hasSeats ? "seats" : "none";
    byId("best").disabled = !canChoose || isBusy;
    byId("accessible-choice").hidden = !hasAccessible;
    this.#set(Math.min(this.#quantity, most));
  }

  /** @param {number} wanted */
  #set(wanted) {
    this.#quantity = Math.max(1, wanted);
    this.stepper.set(this.#quantity, { least: 1, most: this.#most });
  }
}
