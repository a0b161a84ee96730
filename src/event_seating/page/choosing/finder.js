// Owns "How many?" and "Best available", for buyers who do not want to search the map.
//
// Modules: Finder({onBest}); .show({most, canChoose, isBusy, hasSeats, hasAccessible}).

import { byId, stepper } from "../ui/dom.js";

const USUAL = 2;

export class Finder {
  #quantity = USUAL;
  #most = 8;

  /** @param {{onBest: (wish: {quantity: number, accessible: boolean}) => void}} callbacks */
  constructor({ onBest }) {
    this.stepper = stepper({ label: "How many seats", onStep: (wanted) => this.#set(wanted) });
    byId("quantity").replaceWith(this.stepper.element);
    byId("best").addEventListener(
      "click",
      () => onBest({ quantity: this.#quantity, accessible: byId("accessible", "input").checked }),
    );
    this.#set(USUAL);
  }

  /**
   * Show what can be asked for. Without seats the finder is hidden: places of an area are all alike.
   *
   * @param {{most: number, canChoose: boolean, isBusy: boolean, hasSeats: boolean, hasAccessible: boolean}} now
   */
  show({ most, canChoose, isBusy, hasSeats, hasAccessible }) {
    this.#most = most;
    byId("side").dataset.finder = hasSeats ? "seats" : "none";
    byId("best", "button").disabled = !canChoose || isBusy;
    byId("accessible-choice").hidden = !hasAccessible;
    this.#set(Math.min(this.#quantity, most));
  }

  /** @param {number} wanted */
  #set(wanted) {
    this.#quantity = Math.max(1, wanted);
    this.stepper.set(this.#quantity, { least: 1, most: this.#most });
  }
}
