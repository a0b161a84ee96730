// Owns how elements are made: by properties and text nodes alone. Nothing that came from the server is
// ever read as HTML.
//
// Modules: byId(id), make(tag, properties, ...children), icon(path), stepper({...}).

const SVG = "http://www.w3.org/2000/svg";

export function byId(id) {
  return document.getElementById(id);
}

/** An element; `properties` are set as properties, those with a dash and `role` as attributes. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-") || name === "role") element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** A line drawing in a square of 24 units. */
export function icon(path) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

/** Minus, a number, plus; `onStep` gets the wanted number. `.set(value, {least, most})` shows one. */
export function stepper({ label, onStep }) {
  let value = 0;
  const less = make("button", { type: "button", textContent: "−", "aria-label": `One less: ${label}` });
  const more = make("button", { type: "button", textContent: "+", "aria-label": `One more: ${label}` });
  const output = make("output", { "aria-label": label });
  const element = make("div", { className: "stepper", role: "group", "aria-label": label }, less, output, more);
  less.addEventListener("click", () => onStep(value - 1));
  more.addEventListener("click", () => onStep(value + 1));
  return {
    element,
    set(now, { least = 0, most = Infinity } = {}) {
      value = now;
      output.value = String(now);
      less.disabled = now <= least;
      more.disabled = now >= most;
    },
  };
}
