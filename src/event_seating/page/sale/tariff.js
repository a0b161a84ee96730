// Owns what a seat costs and how that is written: prices by category and ticket type, in the event's currency
// and the reader's locale, and the names of ticket types. Sums are the server's; here prices are only compared
// and shown. Types that are not public are for the box office's page alone, even where the server shows them
// to everyone, as it does in development.
//
// Modules: Tariff(event, categories, {staff}); .price(category), .types(category), .label(type),
// .isStaff(type), .levels(categories), .text(amount), .short(amount); pricesOf(event),
// sellsAlike(event, other).

/** @import { EventBody, Money } from "../net/api.js" */

/** @typedef {Pick<EventBody, "currency" | "prices" | "ticketTypes" | "defaultTicketType">} Sold */

export class Tariff {
  /** @type {Intl.NumberFormat} */
  #full;
  /** @type {Intl.NumberFormat} */
  #short;
  /** @type {[string, Money][][]} */
  #types;
  /** @type {(number | null)[]} */
  #prices;
  /** @type {NonNullable<Sold["ticketTypes"]>} */
  #described;
  /** @type {string | null} */
  #default;

  /**
   * @param {Sold} event
   * @param {{key: string}[]} categories
   * @param {{staff?: boolean}} [viewer]
   */
  constructor(event, categories, { staff = false } = {}) {
    this.currency = event.currency;
    /** @type {Intl.NumberFormatOptions} */
    const options = { style: "currency", currency: event.currency };
    this.#full = new Intl.NumberFormat(undefined, options);
    this.#short = new Intl.NumberFormat(undefined, { ...options, trailingZeroDisplay: "stripIfInteger" });
    this.#described = event.ticketTypes ?? {};
    // The type of a seat for which a request names none; null when each has to name one.
    this.#default = event.defaultTicketType;
    const order = Object.keys(this.#described);
    /** @param {[string, Money]} type */
    const rank = (
      [name],
    ) => (name === this.#default ? -2 : order.indexOf(name) + (this.isStaff(name) ? order.length : 0));
    this.#types = categories.map(({ key }) =>
      Object.entries(event.prices[key] ?? {})
        .filter(([name]) => staff || !this.isStaff(name))
        .sort((one, other) => rank(one) - rank(other))
    );
    this.#prices = this.#types.map(([first]) => (first ? Number(first[1]) : null));
  }

  /**
   * What a seat of the category costs, as a number to compare; null when it is not sold.
   *
   * @param {number} category
   * @returns {number | null}
   */
  price(category) {
    return this.#prices[category] ?? null;
  }

  /**
   * Ticket types of a category as [name, amount], the default one first.
   *
   * @param {number} category
   * @returns {[string, Money][]}
   */
  types(category) {
    return this.#types[category] ?? [];
  }

  /**
   * The name of a type for people.
   *
   * @param {string} type
   * @returns {string}
   */
  label(type) {
    return this.#described[type]?.label ?? type;
  }

  /**
   * Whether a type is for the box office alone.
   *
   * @param {string} type
   * @returns {boolean}
   */
  isStaff(type) {
    return isForStaff(this.#described, type);
  }

  /**
   * The type to name for the best seats of these categories, or undefined when the server's default is right.
   *
   * @param {number[]} categories
   * @returns {string | undefined}
   */
  typeToAskFor(categories) {
    const named = categories.filter((category) => this.types(category).length).map((category) =>
      this.typeToName(category)
    );
    return named.includes(undefined) ? undefined : named[0];
  }

  /**
   * The type to name for a seat of this category, or undefined when the server's default is right.
   *
   * @param {number} category
   * @returns {string | undefined}
   */
  typeToName(category) {
    const first = this.types(category)[0]?.[0];
    return first === this.#default ? undefined : first;
  }

  /**
   * The different prices of these categories, the lowest first.
   *
   * @param {number[]} categories
   * @returns {number[]}
   */
  levels(categories) {
    const prices = categories.map((category) => this.price(category)).filter((price) => price !== null);
    return [...new Set(prices)].sort((a, b) => a - b);
  }

  /**
   * An amount in full: `€145.00`.
   *
   * @param {number | Money} amount
   * @returns {string}
   */
  text(amount) {
    return this.#full.format(amount);
  }

  /**
   * An amount without a fraction where it has none: `€145`.
   *
   * @param {number | Money} amount
   * @returns {string}
   */
  short(amount) {
    return this.#short.format(amount);
  }
}

/**
 * Every price of the event that a buyer may pay, as a number.
 *
 * @param {Sold} event
 * @returns {number[]}
 */
export function pricesOf({ prices, ticketTypes }) {
  /** @param {[string, Money]} type */
  const isPublic = ([name]) => !isForStaff(ticketTypes, name);
  return Object.values(prices).flatMap((types) =>
    Object.entries(types).filter(isPublic).map(([, amount]) => Number(amount))
  );
}

/**
 * @param {Sold["ticketTypes"]} described
 * @param {string} type
 */
function isForStaff(described, type) {
  return (described?.[type]?.access ?? "public") !== "public";
}

/**
 * Whether two states of an event have the same prices and ticket types.
 *
 * @param {Sold} event
 * @param {Sold} other
 * @returns {boolean}
 */
export function sellsAlike(event, other) {
  /** @param {Sold} event */
  const sale = ({ prices, ticketTypes, defaultTicketType }) => JSON.stringify([prices, ticketTypes, defaultTicketType]);
  return sale(event) === sale(other);
}
