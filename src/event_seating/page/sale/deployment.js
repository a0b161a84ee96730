// Owns what the page's head says about this deployment: whether a hold is booked here, at a shop, or by the
// box office with the hold's code.
//
// Modules: deployment.booking ("here", "checkout" or "elsewhere"), checkoutUrl(token, eventId).

/** @typedef {"here" | "checkout" | "elsewhere"} Way */

/** @param {string} name */
const metaContent = (name) =>
  /** @type {HTMLMetaElement | null} */ (document.querySelector(`meta[name="${name}"]`))?.content ?? "";

export const deployment = { booking: /** @type {Way} */ (metaContent("booking")) };

/**
 * The shop's address with the token of the hold to book.
 *
 * @param {string} token
 * @param {string} eventId
 * @returns {string}
 */
export function checkoutUrl(token, eventId) {
  const url = new URL(metaContent("checkout-url"));
  url.searchParams.set("holdToken", token);
  url.searchParams.set("eventId", eventId);
  return url.href;
}
