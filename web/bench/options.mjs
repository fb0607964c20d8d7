// What the command takes.

import { parseArgs } from "node:util";

const full = {
  brotliQuality: 11,
  rounds: 20,
  coldRounds: 10,
  slowRounds: 3,
  returnRounds: 5,
  warmUp: 100,
  warmUpPayments: 5,
  alone: 15,
  together: 4,
  offline: 40,
  memoryCalls: [1_000, 10_000],
  useCalls: 300,
  stayMs: 3_000,
};
const quick = {
  ...full,
  brotliQuality: 5, // 11 takes longer than many a figure
  rounds: 5,
  coldRounds: 2,
  slowRounds: 1,
  returnRounds: 1,
  warmUp: 20,
  warmUpPayments: 1,
  alone: 10,
  together: 1,
  offline: 25,
  memoryCalls: [64, 192],
  stayMs: 2_500,
};
const check = {
  ...quick,
  rounds: 1,
  coldRounds: 1,
  warmUp: 1,
  warmUpPayments: 0,
  alone: 1,
  offline: 1,
  memoryCalls: [1, 2],
  useCalls: 1,
  stayMs: 0,
};

const browsers = ["chromium", "firefox"];

export const usage = `node bench.mjs [options]
  --quick         few rounds and small counts, for development: about two minutes
  --check         everything once, with the smallest counts: whether it works, and not how fast
  --rounds=N      rounds of the warm figures (${full.rounds}); of cold ones and returns half, of the slow link a quarter
  --only=ids      only these figures, with commas between: 
                  size,warm,offline,preflights,payment,cold,slow,callback,return,returnUsed,worker,memory
  --peers=ids     only these peers, with commas between, and the two that others are compared with
  --dist=folder   the build to measure (../../dist)
  --dist-b=folder a second build, measured beside it
  --firefox       in Firefox alone, --chromium in Chromium alone: else in both, one after the other
  --json=file     where the JSON goes (results/latest.json); a chart for each browser goes beside it

The exit status is 1 where a bar of bars.mjs is missed, or where something could not be measured.`;

export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean" },
      check: { type: "boolean" },
      rounds: { type: "string" },
      only: { type: "string" },
      peers: { type: "string" },
      dist: { type: "string" },
      "dist-b": { type: "string" },
      firefox: { type: "boolean" },
      chromium: { type: "boolean" },
      json: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const chosen = browsers.filter((name) => values[name]);
  const counts = { ...(values.check ? check : values.quick ? quick : full) };
  if (values.rounds !== undefined) {
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a whole number above 0");
    const half = Math.ceil(rounds / 2);
    Object.assign(counts, { rounds, coldRounds: half, returnRounds: half, slowRounds: Math.ceil(rounds / 4) });
  }
  return {
    ...counts,
    help: values.help,
    quick: Boolean(values.quick || values.check),
    browsers: chosen.length > 0 ? chosen : browsers,
    only: values.only?.split(","),
    peers: values.peers?.split(","),
    dist: values.dist,
    distB: values["dist-b"],
    json: values.json,
  };
}
