// Values at random that a server, a key file or a store may hold: odd text, JSON that is almost right, damaged bytes.

import { Random } from "./random.mjs";

const characters = [
  ..."abcXYZ019 _-./:?#&=+%{}[]<>'",
  "\\n",
  '\\"',
  "\\\\",
  "\\/",
  "\\u0026",
  "\\u00e9",
  "\\u20ac",
  "\\ud83d\\ude00",
  "\\ud800",
  "\\udc00",
  "\\u0000",
  "é",
  "ü",
  "€",
  "日",
  "😀",
  "\u2028",
  "\u202e",
  "\ufeff",
  "\u00a0",
  "\u0130",
  "\u212a",
  "\ufffd",
  "\u007f",
  "\t",
  "\u0001",
  '"',
  "\\",
  "\\x",
];
const numberTexts = [
  "0",
  "-0",
  "-1",
  "1e3",
  "1e21",
  "1E+2",
  "1e-7",
  "0.1",
  "-1.5e-300",
  "1e400",
  "-1e400",
  "123456789012345678901234567890",
  "9007199254740993",
  "3.0",
  "4.9e-324",
  "2.2250738585072011e-308",
  "1.7976931348623157e308",
  "0.1000000000000000055511151231257827",
  "01",
  "+1",
  "1.",
  ".5",
  "1e",
  "-",
  "NaN",
  "0x10",
];

/** A source of random choices that makes values too. Of Node alone: it makes Buffers. */
export class RandomValues extends Random {
  /** Up to `most` of what `make` returns. */
  list(most, make) {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** Text with all kinds of characters, some of which JSON does not allow. */
  oddText(most = 12) {
    return this.list(most, () => this.pick(characters)).join("");
  }

  /** The text of a value in JSON, or almost. */
  json(depth = 3) {
    const kinds = [
      () => this.pick(["null", "true", "false"]),
      () => this.pick(numberTexts),
      () => String((this.fraction() - 0.5) * 10 ** this.below(40)),
      () => `"${this.oddText()}"`,
    ];
    if (depth > 0) {
      kinds.push(
        () => `[${this.list(4, () => this.json(depth - 1)).join(",")}]`,
        () => `{${this.list(4, () => `"${this.oddText(4)}":${this.json(depth - 1)}`).join(", ")}}`,
      );
    }
    return this.pick(kinds)();
  }

  /** The value of a text in JSON. */
  value() {
    try {
      return JSON.parse(this.json());
    } catch {
      return this.value();
    }
  }

  /** An object in JSON with some members changed, left out or added. */
  changed(members) {
    const all = Object.entries(members).filter(() => !this.chance(0.03));
    const texts = all.map(
      ([name, value]) => `"${this.chance(0.02) ? this.oddText(3) : name}":${this.chance(0.06) ? this.json() : this.member(value)}`,
    );
    return `{${[...texts, ...(this.chance(0.3) ? [`"${this.oddText(5)}":${this.json()}`] : [])].join(",")}}`;
  }

  member(value) {
    const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
    return isObject ? this.changed(value) : JSON.stringify(value);
  }

  /** Bytes of a text, now and then damaged. */
  bytes(text) {
    const whole = Buffer.from(text);
    const damages = [
      () => Buffer.concat([Buffer.from("efbbbf", "hex"), whole]),
      () => whole.subarray(0, this.below(whole.length + 1)),
      () =>
        this.#insert(whole, Buffer.from(this.pick(["ff", "c0af", "eda080", "f4bfbfbf", "e0ff", "81", "e9", "fc80808080af", "00"]), "hex")),
      () => this.#insert(whole, Buffer.from(this.oddText(3))),
      () => Buffer.from(text, "utf16le"),
    ];
    return this.chance(0.2) ? this.pick(damages)() : whole;
  }

  #insert(whole, part) {
    const at = this.below(whole.length + 1);
    return Buffer.concat([whole.subarray(0, at), part, whole.subarray(at)]);
  }
}
