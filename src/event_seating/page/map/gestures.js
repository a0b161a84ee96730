// Owns the gestures of fingers, mouse and wheel on the map: pan with a short glide, pinch, wheel, tap, double
// tap, hover, and a frame that is dragged when framing is on. It knows the element and points of it, in CSS
// pixels; callbacks do what a gesture means.
//
// Modules: watchGestures(element, {onPan, onZoom, onZoomIn, onTap, onHover, onRest, onFrame}) ->
// {setFraming(on)}. The box office turns framing on to block seats.

/** @import { Box } from "./parse.js" */

/** @typedef {{x: number, y: number}} Point */

/**
 * @typedef {object} Drag
 * @property {"press" | "pan" | "frame"} kind
 * @property {Point} start
 * @property {Point} at
 * @property {number} last When it was there.
 * @property {number} vx
 * @property {number} vy
 * @property {number} [since]
 * @property {boolean} [shift]
 */

/** @typedef {{kind: "pinch", middle: Point, distance: number}} Pinch */

/**
 * @typedef {object} Callbacks
 * @property {(dx: number, dy: number) => void} onPan
 * @property {(factor: number, x: number, y: number) => void} onZoom
 * @property {(x: number, y: number) => void} onZoomIn
 * @property {(x: number, y: number, pointer: string) => boolean} onTap Whether the tap hit something.
 * A pointer is "mouse", "touch" or "pen".
 * @property {(at: Point | null, pointer: string) => void} [onHover]
 * @property {() => void} [onRest]
 * @property {(frame: Box, done: boolean) => void} [onFrame]
 */

// A hand is never quite still, and a finger slips more than a mouse: phones tolerate 8 to 15 px for a tap.
const TAP_MOVE_PX = 9;
const TAP_SLIP_PX = 14;
const TAP_WITHIN_MS = 600;
const DOUBLE_TAP_MS = 320;
const DOUBLE_TAP_PX = 32;
// The part of its speed that a glide keeps each millisecond, and the speed at which it ends.
const GLIDE_KEEPS = 0.995;
const GLIDE_ENDS_PX_MS = 0.02;
const WHEEL_PER_PX = 0.0022;
const LINE_PX = 16;

/**
 * Report the gestures on this element from now on; `setFraming(true)` makes a drag draw a frame.
 *
 * @param {HTMLElement} element
 * @param {Callbacks} callbacks
 */
export function watchGestures(element, callbacks) {
  /** @type {Map<number, Point>} */
  const pointers = new Map();
  /** @type {Drag | Pinch | null} */
  let gesture = null;
  /** @type {(Point & {time: number}) | null} */
  let lastTap = null;
  let framing = false;
  let glide = 0;

  /**
   * @param {{clientX: number, clientY: number}} event
   * @returns {Point}
   */
  const place = ({ clientX, clientY }) => {
    const box = element.getBoundingClientRect();
    return { x: clientX - box.left, y: clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button !== 0) return;
    cancelAnimationFrame(glide);
    element.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, place(event));
    callbacks.onHover?.(null, event.pointerType);
    const at = place(event);
    if (pointers.size === 1) {
      gesture = {
        kind: "press",
        start: at,
        at,
        since: event.timeStamp,
        last: event.timeStamp,
        vx: 0,
        vy: 0,
        shift: event.shiftKey,
      };
    } else if (pointers.size === 2) {
      gesture = { kind: "pinch", ...spread(pointers) };
    }
  });

  element.addEventListener("pointermove", (event) => {
    const at = place(event);
    if (!pointers.has(event.pointerId)) {
      if (event.pointerType === "mouse") callbacks.onHover?.(at, "mouse");
      return;
    }
    pointers.set(event.pointerId, at);
    if (gesture?.kind === "pinch") pinch(gesture);
    else if (gesture && pointers.size === 1) drag(gesture, at, event);
  });

  /** @param {PointerEvent} event */
  const end = (event) => {
    if (!pointers.delete(event.pointerId) || !gesture) return;
    const cancelled = event.type === "pointercancel";
    if (gesture.kind === "pinch") {
      // The finger that remains goes on panning.
      const [at] = pointers.values();
      gesture = at ? { kind: "pan", start: at, at, last: event.timeStamp, vx: 0, vy: 0 } : null;
      if (!gesture) callbacks.onRest?.();
      return;
    }
    const ended = gesture;
    gesture = null;
    if (ended.kind === "frame") callbacks.onFrame?.(frameOf(ended), !cancelled);
    else if (ended.kind === "pan") startGlide(ended, event.timeStamp, cancelled);
    else if (!cancelled && event.timeStamp - /** @type {number} */ (ended.since) < TAP_WITHIN_MS) tap(ended, event);
  };
  element.addEventListener("pointerup", end);
  element.addEventListener("pointercancel", end);
  element.addEventListener("pointerleave", ({ pointerType }) => {
    if (pointerType === "mouse" && !pointers.size) callbacks.onHover?.(null, "mouse");
  });

  element.addEventListener("wheel", (event) => {
    event.preventDefault();
    cancelAnimationFrame(glide);
    const pixels = event.deltaY * (event.deltaMode === 1 ? LINE_PX : event.deltaMode === 2 ? 20 * LINE_PX : 1);
    const limited = Math.max(-160, Math.min(160, pixels)) * (event.ctrlKey ? 4 : 1);
    const { x, y } = place(event);
    callbacks.onZoom(Math.exp(-limited * WHEEL_PER_PX), x, y);
    callbacks.onRest?.();
  }, { passive: false });
  // Safari's own pinch and the long-press menu would move the page.
  for (const name of ["gesturestart", "contextmenu"]) element.addEventListener(name, (event) => event.preventDefault());

  /** @param {Pinch} gesture */
  function pinch(gesture) {
    const { middle, distance } = spread(pointers);
    callbacks.onPan(middle.x - gesture.middle.x, middle.y - gesture.middle.y);
    if (gesture.distance > 0) callbacks.onZoom(distance / gesture.distance, middle.x, middle.y);
    Object.assign(gesture, { middle, distance });
  }

  /**
   * @param {Drag} gesture
   * @param {Point} at
   * @param {PointerEvent} event
   */
  function drag(gesture, at, event) {
    if (gesture.kind === "press") {
      const still = event.pointerType === "touch" ? TAP_SLIP_PX : TAP_MOVE_PX;
      if (Math.hypot(at.x - gesture.start.x, at.y - gesture.start.y) < still) return;
      gesture.kind = framing || gesture.shift && callbacks.onFrame ? "frame" : "pan";
    }
    const passed = Math.max(1, event.timeStamp - gesture.last);
    const [dx, dy] = [at.x - gesture.at.x, at.y - gesture.at.y];
    gesture.vx = 0.7 * (dx / passed) + 0.3 * gesture.vx;
    gesture.vy = 0.7 * (dy / passed) + 0.3 * gesture.vy;
    Object.assign(gesture, { at, last: event.timeStamp });
    if (gesture.kind === "frame") callbacks.onFrame?.(frameOf(gesture), false);
    else callbacks.onPan(dx, dy);
  }

  /**
   * @param {Drag} drag
   * @param {PointerEvent} event
   */
  function tap({ start }, event) {
    const isSecond = lastTap && event.timeStamp - lastTap.time < DOUBLE_TAP_MS &&
      Math.hypot(start.x - lastTap.x, start.y - lastTap.y) < DOUBLE_TAP_PX;
    lastTap = null;
    if (isSecond) {
      callbacks.onZoomIn(start.x, start.y);
      return;
    }
    // A tap that hit something is never the first half of a double tap.
    if (!callbacks.onTap(start.x, start.y, event.pointerType)) lastTap = { ...start, time: event.timeStamp };
  }

  /**
   * @param {Drag} drag
   * @param {number} now
   * @param {boolean} cancelled
   */
  function startGlide({ vx, vy, last }, now, cancelled) {
    if (cancelled || now - last > 60 || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      callbacks.onRest?.();
      return;
    }
    let before = performance.now();
    /** @param {number} time */
    const step = (time) => {
      const passed = Math.min(50, Math.max(0, time - before));
      before = time;
      callbacks.onPan(vx * passed, vy * passed);
      vx *= GLIDE_KEEPS ** passed;
      vy *= GLIDE_KEEPS ** passed;
      if (Math.hypot(vx, vy) > GLIDE_ENDS_PX_MS) glide = requestAnimationFrame(step);
      else callbacks.onRest?.();
    };
    glide = requestAnimationFrame(step);
  }

  return {
    /** @param {boolean} on */
    setFraming(on) {
      framing = on;
    },
  };
}

/** @param {Map<number, Point>} pointers */
function spread(pointers) {
  const [a, b] = [...pointers.values()];
  return { middle: { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }, distance: Math.hypot(a.x - b.x, a.y - b.y) };
}

/**
 * @param {Drag} drag
 * @returns {Box}
 */
function frameOf({ start, at }) {
  return {
    left: Math.min(start.x, at.x),
    top: Math.min(start.y, at.y),
    right: Math.max(start.x, at.x),
    bottom: Math.max(start.y, at.y),
  };
}
