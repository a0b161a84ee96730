// Owns how amounts in minor units (cents) are written: in full, and short for an axis.
//
// Modules: moneyOf(currency, sample) -> {full(minor), mark(minor), plain(text)}; `sample` is a price as
// the server writes it, which says how many minor units a unit has.

/** @import { Money } from "../net/api.js" */

/**
 * @typedef {object} MoneyText
 * @property {(minor: number) => string} full
 * @property {(minor: number) => string} mark
 * @property {(text: Money) => string} plain
 */

/**
 * How amounts of this currency are written; `sample` is a price as the server writes it.
 *
 * @param {string} currency
 * @param {string} sample
 * @returns {MoneyText}
 */
export function moneyOf(currency, sample) {
  const units = 10 ** (sample.split(".")[1]?.length ?? 0);
  const full = new Intl.NumberFormat(undefined, { style: "currency", currency });
  const short = new Intl.NumberFormat(undefined, {
    style: "currency",
    currency,
    notation: "compact",
    minimumFractionDigits: 0,
    maximumFractionDigits: 1,
  });
  return {
    full: (minor) => full.format(minor / units),
    mark: (minor) => short.format(minor / units),
    plain: (text) => full.format(text),
  };
}
