// Owns what a seat costs and how that reads: prices by category and ticket type, in the event's
// currency and the reader's locale. Sums are the server's; here prices are only compared and shown.
//
// Modules: Tariff(event, categories); .price(category), .types(category), .levels(categories), .text(amount),
// .short(amount).

// The type that a seat has unless another is named.
const STANDARD = "standard";

export class Tariff {
  #full;
  #short;

  constructor(event, categories) {
    this.currency = event.currency;
    const options = { style: "currency", currency: event.currency };
    this.#full = new Intl.NumberFormat(undefined, options);
    this.#short = new Intl.NumberFormat(undefined, { ...options, trailingZeroDisplay: "stripIfInteger" });
    this.#types = categories.map(({ key }) => Object.entries(event.prices[key] ?? {}));
    this.#prices = this.#types.map((types) => {
      const found = types.find(([name]) => name === STANDARD) ?? types[0];
      return found ? Number(found[1]) : null;
    });
  }

  #types;
  #prices;

  /** What a seat of the category costs, as a number to compare; null when it is not sold. */
  price(category) {
    return this.#prices[category] ?? null;
  }

  /** Ticket types of a category as [name, amount], the one that is taken unless named first. */
  types(category) {
    const types = this.#types[category] ?? [];
    return [...types].sort(([a], [b]) => (b === STANDARD) - (a === STANDARD));
  }

  /** The type to name for the best seats of these categories, or undefined when the server knows it. */
  typeToAskFor(categories) {
    const named = categories.filter((category) => this.#types[category]?.length).map((category) => this.typeToName(category));
    return named.includes(undefined) ? undefined : named[0];
  }

  /** The type to name for a seat of this category, or undefined when the server knows it. */
  typeToName(category) {
    const types = this.#types[category] ?? [];
    return types.some(([name]) => name === STANDARD) ? undefined : types[0]?.[0];
  }

  /** Every price that these categories have, once, the lowest first. */
  levels(categories) {
    const prices = categories.map((category) => this.price(category)).filter((price) => price !== null);
    return [...new Set(prices)].sort((a, b) => a - b);
  }

  /** `€145.00`. */
  text(amount) {
    return this.#full.format(amount);
  }

  /** `€145`. */
  short(amount) {
    return this.#short.format(amount);
  }
}
