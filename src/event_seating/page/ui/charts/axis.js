// Owns where an axis has its marks and their labels: round numbers from zero, and round times in the event's
// zone. Pure.
//
// Modules: valueMarks(most, wanted) -> [values], timeMarks(from, to, zone, wanted) -> [{at, text}],
// timeText(at, span, zone).

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  5 * SECOND,
  10 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  2 * MINUTE,
  5 * MINUTE,
  10 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  30 * DAY,
  60 * DAY,
  180 * DAY,
  365 * DAY,
];

/**
 * Round values from zero to the first that is at least `most`.
 *
 * @param {number} most
 * @param {number} wanted
 * @param {number} [least]
 * @returns {number[]}
 */
export function valueMarks(most, wanted, least = 1) {
  const rough = Math.max(least, most / Math.max(1, wanted));
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(
    least,
    [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((each) => each >= rough && each % least === 0) ??
      10 * power,
  );
  const marks = [];
  for (let value = 0; marks.length < 2 || /** @type {number} */ (marks.at(-1)) < most; value += step) marks.push(value);
  return marks;
}

/**
 * Round times between two, at most `wanted` of them; all in ms since 1970.
 *
 * @param {number} from
 * @param {number} to
 * @param {string} zone
 * @param {number} wanted
 * @returns {{at: number, text: string}[]}
 */
export function timeMarks(from, to, zone, wanted) {
  const step = STEPS.find((each) => (to - from) / each <= wanted) ?? /** @type {number} */ (STEPS.at(-1));
  const marks = [];
  let local = Math.ceil((from + offsetAt(from, zone)) / step) * step;
  for (; local - offsetAt(local, zone) <= to && marks.length <= wanted; local += step) {
    const at = local - offsetAt(local, zone);
    // A mark at midnight shows the day.
    marks.push({ at, text: format(at, zone, local % DAY ? clockOf(step) : dateOf(step)) });
  }
  return marks;
}

/**
 * A time, as precise as an axis of this span (ms) needs it.
 *
 * @param {number} at
 * @param {number} span
 * @param {string} zone
 * @returns {string}
 */
export function timeText(at, span, zone) {
  const time = span < 10 * MINUTE ? clockOf(SECOND) : clockOf(MINUTE);
  return format(at, zone, span < 12 * HOUR ? time : { day: "numeric", month: "short", ...time });
}

/**
 * @param {number} step
 * @returns {Intl.DateTimeFormatOptions}
 */
function dateOf(step) {
  return step < 30 * DAY ? { day: "numeric", month: "short" } : { month: "short", year: "2-digit" };
}

/**
 * @param {number} step
 * @returns {Intl.DateTimeFormatOptions}
 */
function clockOf(step) {
  return step < MINUTE
    ? { hour: "numeric", minute: "2-digit", second: "2-digit" }
    : { hour: "numeric", minute: "2-digit" };
}

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/**
 * @param {number} at
 * @param {string} zone
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(at, zone, options) {
  const key = JSON.stringify([zone, options]);
  let found = formats.get(key);
  if (!found) {
    try {
      found = new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone });
    } catch {
      // A zone that this browser does not know.
      found = new Intl.DateTimeFormat(undefined, { ...options, timeZone: "UTC" });
    }
    formats.set(key, found);
  }
  return found.format(at);
}

/**
 * The zone's offset from UTC at a time, in ms.
 *
 * @param {number} at
 * @param {string} zone
 * @returns {number}
 */
function offsetAt(at, zone) {
  try {
    const parts = new Intl.DateTimeFormat("en-US", { timeZone: zone, timeZoneName: "longOffset" }).formatToParts(at);
    const [, sign, hours, minutes = "0"] = /GMT([+-])(\d+):?(\d+)?/.exec(
      /** @type {Intl.DateTimeFormatPart} */ (parts.find(({ type }) => type === "timeZoneName")).value,
    ) ?? [];
    return sign ? (sign === "-" ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * MINUTE) : 0;
  } catch {
    return 0;
  }
}
