// Owns the sheet that the choices and the basket become on a narrow screen: open or closed.
//
// Modules: watchSheet().

import { byId } from "../ui/dom.js";

const TOGGLES = ["sheet-toggle", "basket-toggle"];

/** Close the sheet, and open or close it from now on as its buttons and the skip link ask. */
export function watchSheet() {
  const side = byId("side");
  for (const id of TOGGLES) byId(id).addEventListener("click", () => setOpen(side.dataset.sheet !== "open"));
  /** @type {Element} */ (document.querySelector(".skip")).addEventListener("click", () => setOpen(true));
  setOpen(false);
}

/** @param {boolean} isOpen */
function setOpen(isOpen) {
  byId("side").dataset.sheet = isOpen ? "open" : "closed";
  byId("sheet-toggle").textContent = isOpen ? "Less" : "More";
  for (const id of TOGGLES) byId(id).setAttribute("aria-expanded", String(isOpen));
}
