// A short run of random calls under random faults: `make soak` makes the long one. SEED repeats a run.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { describe, test } from "node:test";
import { describeFailures, soak } from "./soak/soak.mjs";

const timeout = 600_000;
const seed = Number(process.env.SEED ?? randomInt(2 ** 31));

// Both at once: most of the time they wait for what lingers.
describe("calls under random faults", { timeout, concurrency: 2 }, () => {
  for (const [browser, count] of [
    ["Chromium", 250],
    ["Firefox", 100],
  ]) {
    test(`${count} in ${browser}: each settles once and rightly, and nothing grows (seed ${seed})`, { timeout }, async () => {
      const results = await soak({ browser, seed, count });
      assert.equal(results.failures.length, 0, describeFailures(results, { browser, seed, count }));
    });
  }
});
