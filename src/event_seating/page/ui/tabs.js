// Owns the tabs beside the map: one panel at a time, arrow keys from tab to tab.
//
// Modules: Tabs(onChange); .show(name), .name.

import { byId } from "./dom.js";

export class Tabs {
  constructor(onChange) {
    this.onChange = onChange;
    this.tabs = [...byId("tabs").children];
    for (const tab of this.tabs) tab.addEventListener("click", () => this.show(tab.dataset.tab));
    byId("tabs").addEventListener("keydown", (event) => this.#onKey(event));
    this.show(this.tabs[0].dataset.tab);
  }

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

  #onKey(event) {
    const at = this.tabs.indexOf(document.activeElement);
    const last = this.tabs.length - 1;
    const to =
      { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    this.show(this.tabs[to].dataset.tab);
    this.tabs[to].focus();
  }
}
