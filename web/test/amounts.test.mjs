// Amounts to and from decimal text: pure functions, in Node.

import assert from "node:assert/strict";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { dist } from "./harness/packages.mjs";
import { join } from "node:path";

const { toAmountValue, toDecimal } = await import(pathToFileURL(join(dist(), "index.js")).href);

const largest = "18446744073709551615"; // 2^64 - 1

test("decimal text becomes a value, and back", () => {
  for (const [decimal, assetScale, value, back = decimal] of [
    ["12.50", 2, "1250"],
    ["12.5", 2, "1250", "12.50"],
    ["12", 2, "1200", "12.00"],
    ["0", 2, "0", "0.00"],
    ["0.01", 2, "1"],
    ["007", 0, "7", "7"],
    ["1.000", 0, "1", "1"],
    ["0.000000001", 9, "1"],
    [largest, 0, largest],
    ["184467440737095516.15", 2, largest],
    [`0.${"0".repeat(254)}1`, 255, "1"],
  ]) {
    assert.equal(toAmountValue(decimal, assetScale), value, decimal);
    assert.equal(toDecimal({ value, assetScale }), back, decimal);
  }
});

test("what does not fit the scale, or is no decimal number, is refused by name and never rounded", () => {
  for (const decimal of [
    "",
    ".",
    "1.",
    ".5",
    "-1",
    "+1",
    "1e3",
    "1,5",
    " 1",
    "1 ",
    "0x1",
    "١",
    "1.001",
    "184467440737095516.16",
    "9".repeat(500),
    12.5,
    5n,
    null,
  ]) {
    assert.throws(() => toAmountValue(decimal, 2), /^TypeError: "decimal" must/, String(decimal));
  }
  for (const scale of [-1, 256, 1.5, "2", NaN, undefined]) {
    assert.throws(() => toAmountValue("1", scale), /^TypeError: "assetScale" must/);
    assert.throws(() => toDecimal({ value: "1", assetScale: scale }), /^TypeError: "amount.assetScale" must/);
  }
  for (const value of ["", "-1", "1.0", "18446744073709551616", "1e3", 5, 5n, null, undefined]) {
    assert.throws(() => toDecimal({ value, assetScale: 2 }), /^TypeError: "amount.value" must/, String(value));
  }
  for (const amount of [undefined, null, 5, "1"]) assert.throws(() => toDecimal(amount), /^TypeError: "amount/);
});
