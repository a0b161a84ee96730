// Owns the two modes of the map: look (a drag moves the map, a press shows a seat) and select (a drag draws a
// frame, a press selects a seat), and the frame on the screen. With a mouse, Shift and a drag draw a frame in
// either mode.
//
// Modules: Framing({canvas, onMode}); .isSelecting, .set(on), .draw({frame, done}).

import { byId } from "../ui/dom.js";

/** @import { Framed } from "../map/view.js" */

export class Framing {
  isSelecting = false;

  /** @param {{canvas: HTMLCanvasElement, onMode: (isSelecting: boolean) => void}} options */
  constructor({ canvas, onMode }) {
    this.onMode = onMode;
    this.box = byId("frame");
    byId("mode-look").addEventListener("click", () => this.set(false));
    byId("mode-select").addEventListener("click", () => this.set(true));
    // A second finger, or a gesture that the system cancels, ends the frame without a selection.
    for (const name of ["pointerdown", "pointerup", "pointercancel"])
      canvas.addEventListener(name, () => (this.box.hidden = true));
  }

  /** @param {boolean} on */
  set(on) {
    this.isSelecting = on;
    byId("mode-look").setAttribute("aria-pressed", String(!on));
    byId("mode-select").setAttribute("aria-pressed", String(on));
    this.onMode(on);
  }

  /** @param {Pick<Framed, "frame" | "done">} framed */
  draw({ frame, done }) {
    this.box.hidden = done;
    this.box.style.transform = `translate(${frame.left}px, ${frame.top}px)`;
    this.box.style.width = `${frame.right - frame.left}px`;
    this.box.style.height = `${frame.bottom - frame.top}px`;
  }
}
