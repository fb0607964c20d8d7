// The run with random faults, from the command line:
//
//	node soak-cli.mjs [--browser=Chromium|Firefox] [--seed=N] [--count=N] [--at-once=N] [--only=INDEX]
//	  [--without=store,default] [--of=payment,resource]
//
// Without arguments it makes 15,000 calls in Chromium and 4,000 in Firefox with a new seed.

import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { describeFailures, soak } from "./soak.mjs";

const { values } = parseArgs({
  options: {
    browser: { type: "string" },
    seed: { type: "string", default: String(randomInt(2 ** 31)) },
    count: { type: "string" },
    "at-once": { type: "string", default: "24" },
    only: { type: "string" },
    without: { type: "string", default: "" },
    of: { type: "string" },
    most: { type: "string", default: "20" },
  },
});
const counts = { Chromium: 15_000, Firefox: 4000 };
const seed = Number(values.seed);
const without = values.without.split(",").filter(Boolean);
const of = values.of?.split(",");
const only = values.only === undefined ? undefined : Number(values.only);

for (const browser of values.browser ? [values.browser] : Object.keys(counts)) {
  const count = Number(values.count ?? counts[browser]);
  console.log(`${browser}: ${count} calls, seed ${seed}`);
  const began = Date.now();
  const results = await soak({ browser, seed, count, only, without, of, atOnce: Number(values["at-once"]), log: console.log });
  console.log(`${browser}: ${Math.round((Date.now() - began) / 1000)} s`, JSON.stringify(results.tally), JSON.stringify(results.fine));
  if (results.failures.length === 0) continue;
  console.error(describeFailures(results, { browser, seed, count, most: Number(values.most) }));
  process.exitCode = 1;
}
