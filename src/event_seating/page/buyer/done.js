// Owns the last step: what was booked, or the code with which the box office books.
//
// Modules: showBooked(booking, tariff, onClose), showCode(granted, tariff).

import { byId, make } from "../ui/dom.js";
import { merged } from "../sale/lines.js";

/** @import { BookingBody, HoldBody, Line, Money } from "../net/api.js" */
/** @import { Tariff } from "../sale/tariff.js" */

/**
 * Show a booking that was made.
 *
 * @param {BookingBody} booking
 * @param {Tariff} tariff
 * @param {() => void} onClose
 */
export function showBooked(booking, tariff, onClose) {
  fill(
    "You are going!",
    `${booking.lines.length === 1 ? "Your ticket is" : "Your tickets are"} booked. The number of the booking:`,
    booking.id,
    booking,
    tariff,
  );
  const more = make("button", { type: "button", className: "primary", textContent: "Back to the map" });
  more.addEventListener("click", () => byId("done", "dialog").close());
  byId("done-actions").replaceChildren(more);
  open(onClose);
}

/**
 * Show the code of a hold, and where to take it.
 *
 * @param {HoldBody} granted
 * @param {Tariff} tariff
 */
export function showCode(granted, tariff) {
  fill(
    "Your seats are held",
    "Give this code to the box office before the time runs out; they finish the booking with it.",
    granted.holdToken,
    granted,
    tariff,
  );
  const copy = make("button", { type: "button", className: "primary", textContent: "Copy the code" });
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(granted.holdToken);
      copy.textContent = "Copied";
    } catch {
      /** @type {Selection} */ (getSelection()).selectAllChildren(byId("done-code"));
      copy.textContent = "Selected: copy it now";
    }
  });
  const close = make("button", { type: "button", textContent: "Back" });
  close.addEventListener("click", () => byId("done", "dialog").close());
  byId("done-actions").replaceChildren(copy, close);
  open();
}

/**
 * @param {string} title
 * @param {string} text
 * @param {string} code
 * @param {{lines: Line[], total: Money}} what
 * @param {Tariff} tariff
 */
function fill(title, text, code, { lines, total }, tariff) {
  byId("done-title").textContent = title;
  byId("done-text").textContent = text;
  byId("done-code").textContent = code;
  byId("done-code").hidden = false;
  byId("done-lines").replaceChildren(
    ...merged(lines).map((line) =>
      make(
        "li",
        {},
        make("div", {
          className: "what",
          textContent: /** @type {number} */ (line.quantity) > 1 ? `${line.quantity} × ${line.label}` : line.label,
        }),
        make("span", { className: "price", textContent: tariff.text(Number(line.price) * (line.quantity ?? 1)) }),
      )
    ),
  );
  byId("done-total").textContent = tariff.text(total);
}

/** @param {() => void} [onClose] */
function open(onClose) {
  const dialog = byId("done", "dialog");
  dialog.onclose = () => {
    onClose?.();
    focusChoice();
  };
  if (!dialog.open) dialog.showModal();
}

/** After a booking the button that opened the dialog is gone: focus the place where seats are chosen. */
function focusChoice() {
  const { activeElement, body } = document;
  // An element that was just hidden may keep the focus for a moment.
  if (activeElement && activeElement !== body && activeElement.checkVisibility()) return;
  const next = byId("list").checkVisibility() ? byId("list") : byId("canvas");
  next.focus({ preventScroll: true });
}
