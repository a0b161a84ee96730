// Owns a hold that is being paid: the way to the shop, the message while the seats are frozen, and the way back
// to changing them. A hold is frozen before its buyer leaves, so that no other tab changes what is about to be
// paid; the server says whether the buyer or the shop froze it.
//
// Modules: Checkout({hold, eventId}); .show(), .go(), .actions().

import { say } from "../ui/announce.js";
import { checkoutUrl } from "../sale/deployment.js";
import { byId } from "../ui/dom.js";
import { AT_THE_CHECKOUT } from "../sale/reasons.js";

/** @import { Hold } from "../sale/hold.js" */

/** @type {Record<string, string>} */
const SENTENCES = {
  buyer: AT_THE_CHECKOUT,
  "box-office": "The shop keeps your seats while you pay. You can change them once it lets go of them.",
};

export class Checkout {
  /** @param {{hold: Hold, eventId: string}} about */
  constructor({ hold, eventId }) {
    this.hold = hold;
    this.eventId = eventId;
    byId("thaw").addEventListener("click", () => this.#comeBack());
  }

  /** Show whether the seats are frozen, and why. */
  show() {
    const { frozenBy, isBusy } = this.hold;
    byId("checkout-banner").hidden = !frozenBy;
    const text = SENTENCES[/** @type {string} */ (frozenBy)] ?? "";
    // Setting the same text again would have it read aloud again.
    if (byId("checkout-text").textContent !== text) byId("checkout-text").textContent = text;
    byId("thaw").hidden = frozenBy !== "buyer";
    byId("thaw", "button").disabled = isBusy;
  }

  /** Freeze the seats, then go to the shop. The buyer stays here when that does not work. */
  async go() {
    const token = await this.hold.freeze();
    if (token) location.assign(checkoutUrl(token, this.eventId));
  }

  /** The buttons of a notice that says that the seats are frozen. */
  actions() {
    return this.hold.frozenBy === "buyer" ? [{ label: byId("thaw").textContent, run: () => this.#comeBack() }] : [];
  }

  async #comeBack() {
    await this.hold.thaw();
    if (this.hold.granted && !this.hold.frozenBy) say("You can change your seats again.");
  }
}
