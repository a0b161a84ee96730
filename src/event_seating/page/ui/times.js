// Owns how times and durations are written: a time in the event's zone and the reader's locale, a remaining
// time as a clock shows it. Pure.
//
// Modules: moment(iso, zone), day(iso, zone), clock(ms), spoken(ms).

/**
 * `Wednesday, 6 January 2027 at 20:00 CET`.
 *
 * @param {string} iso
 * @param {string} zone
 * @returns {string}
 */
export function moment(iso, zone) {
  return format(iso, zone, {
    weekday: "long",
    day: "numeric",
    month: "long",
    year: "numeric",
    hour: "numeric",
    minute: "2-digit",
    timeZoneName: "short",
  });
}

/**
 * Day and month apart, as a calendar sheet has them, and the weekday with the time.
 *
 * @param {string} iso
 * @param {string} zone
 * @returns {{day: string, month: string, long: string}}
 */
export function day(iso, zone) {
  return {
    day: format(iso, zone, { day: "numeric" }),
    month: format(iso, zone, { month: "short", year: "2-digit" }),
    long: format(iso, zone, { weekday: "long", hour: "numeric", minute: "2-digit", timeZoneName: "short" }),
  };
}

/**
 * A remaining time: `9:41`, with hours when it is an hour or more, with days when it is a day or more.
 *
 * @param {number} ms
 * @returns {string}
 */
export function clock(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    Math.floor(seconds / 3_600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  /** @param {number} number */
  const two = (number) => String(number).padStart(2, "0");
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours}:${two(minutes)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

/**
 * A duration in whole minutes for a screen reader: `5 minutes`.
 *
 * @param {number} ms
 * @returns {string}
 */
export function spoken(ms) {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes === 1 ? "1 minute" : `${minutes} minutes`;
}

/**
 * @param {string} iso
 * @param {string} zone
 * @param {Intl.DateTimeFormatOptions} options
 */
function format(iso, zone, options) {
  try {
    return new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone }).format(new Date(iso));
  } catch {
    // A zone that this browser does not know.
    return new Intl.DateTimeFormat(undefined, { ...options, timeZone: "UTC" }).format(new Date(iso));
  }
}
