// The generator of all random choices here. A seed and an index decide them alone: any of them can be made again by itself.

/** A source of random choices. The same seed and index give the same choices, in every engine. */
export class Random {
  #state;

  constructor(seed, index = 0) {
    this.#state = mix(mix(seed >>> 0) ^ (index >>> 0));
  }

  /** From 0 up to 1, without 1. */
  fraction() {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    return mix(this.#state) / 2 ** 32;
  }

  /** A whole number from `low` to `high`, both included. */
  int(low, high) {
    return low + this.below(high - low + 1);
  }

  /** A whole number from 0 up to `limit`, without it. */
  below(limit) {
    return Math.floor(this.fraction() * limit);
  }

  /** Whether something of this probability happens. */
  chance(probability) {
    return this.fraction() < probability;
  }

  /** One of a list. */
  pick(list) {
    return list[this.below(list.length)];
  }

  /** One of the names of an object that has the weight of each. */
  weighted(weights) {
    let left = this.fraction() * Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    return Object.keys(weights).find((name) => (left -= weights[name]) < 0) ?? Object.keys(weights)[0];
  }

  /** Text of so many characters of an alphabet. */
  text(length, alphabet = letters) {
    return Array.from({ length }, () => this.pick(alphabet)).join("");
  }
}

const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"];

/** Spreads every bit of a 32-bit number over all of them: multiplications by odd numbers, and shifts. */
function mix(value) {
  let mixed = Math.imul(value ^ (value >>> 16), 0x45d9f3b);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}
