// Owns what the server told this page about itself: whether a hold is booked here, at a shop, or by
// somebody who is given the code.
//
// Modules: deployment.booking ("here", "checkout" or "elsewhere"), checkoutUrl(token, eventId).

/** @typedef {"here" | "checkout" | "elsewhere"} Way */

/** @param {string} name */
const said = (name) =>
  /** @type {HTMLMetaElement | null} */ (document.querySelector(`meta[name="${name}"]`))?.content ?? "";

export const deployment = { booking: /** @type {Way} */ (said("booking")) };

/**
 * The shop's address with the hold that it is to book.
 *
 * @param {string} token
 * @param {string} eventId
 * @returns {string}
 */
export function checkoutUrl(token, eventId) {
  const url = new URL(said("checkout-url"));
  url.searchParams.set("holdToken", token);
  url.searchParams.set("eventId", eventId);
  return url.href;
}
