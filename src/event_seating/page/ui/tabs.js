// Owns the tabs beside the map: one panel at a time, arrow keys from tab to tab.
//
// Modules: Tabs(onChange); .show(name), .name.

import { byId } from "./dom.js";

export class Tabs {
  /** @param {(name: string) => void} [onChange] */
  constructor(onChange) {
    this.onChange = onChange;
    this.tabs = /** @type {HTMLElement[]} */ ([...byId("tabs").children]);
    for (const tab of this.tabs)
      tab.addEventListener("click", () => this.show(/** @type {string} */ (tab.dataset.tab)));
    byId("tabs").addEventListener("keydown", (event) => this.#onKey(event));
    this.show(/** @type {string} */ (this.tabs[0].dataset.tab));
  }

  /** @param {string} name */
  show(name) {
    this.name = name;
    for (const tab of this.tabs) {
      const isOn = tab.dataset.tab === name;
      tab.setAttribute("aria-selected", String(isOn));
      tab.tabIndex = isOn ? 0 : -1;
      byId(`tab-${tab.dataset.tab}`).hidden = !isOn;
    }
    this.onChange?.(name);
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    const at = this.tabs.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    const last = this.tabs.length - 1;
    const to = /** @type {Record<string, number>} */ ({
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    })[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    this.show(/** @type {string} */ (this.tabs[to].dataset.tab));
    this.tabs[to].focus();
  }
}
