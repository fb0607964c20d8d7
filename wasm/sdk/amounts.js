// Amounts: text of unsigned 64-bit integers, which no float can hold.

import { argumentError, guarded } from "./errors.js";

const largest = 2n ** 64n - 1n;

/** @type {typeof import("./index.js").toAmountValue} */
export function toAmountValue(decimal, assetScale) {
  checkScale(assetScale, "assetScale");
  const [, whole, fraction = ""] = (typeof decimal === "string" && /^(\d+)(?:\.(\d+))?$/.exec(decimal)) || [];
  if (whole === undefined) throw argumentError("decimal", 'must be text of digits, with a point before decimal places: "12.50"');
  const places = fraction.replace(/0+$/, "");
  if (places.length > assetScale) throw argumentError("decimal", `must have no more than ${assetScale} decimal places: nothing is rounded`);
  const digits = (whole + places.padEnd(assetScale, "0")).replace(/^0+(?=\d)/, "");
  if (digits.length > 20 || BigInt(digits) > largest) throw argumentError("decimal", `must be less than 2^64 units of 10^-${assetScale}`);
  return digits;
}

/** @type {typeof import("./index.js").toDecimal} */
export function toDecimal(amount) {
  const { value, assetScale } = guarded(Object(amount), "amount", "amount.");
  checkScale(assetScale, "amount.assetScale");
  if (typeof value !== "string" || !/^\d{1,20}$/.test(value) || BigInt(value) > largest) {
    throw argumentError("amount.value", "must be text of an unsigned 64-bit integer");
  }
  const digits = String(BigInt(value)).padStart(assetScale + 1, "0");
  const point = digits.length - assetScale;
  return assetScale === 0 ? digits : `${digits.slice(0, point)}.${digits.slice(point)}`;
}

function checkScale(scale, name) {
  if (!Number.isInteger(scale) || scale < 0 || scale > 255) throw argumentError(name, "must be a whole number from 0 to 255");
}
