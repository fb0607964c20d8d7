// What the command takes.

import { parseArgs } from "node:util";

const full = {
  rounds: 20,
  coldRounds: 10,
  slowRounds: 3,
  returnRounds: 5,
  warmUp: 100,
  alone: 15,
  together: 4,
  offline: 40,
  memoryCalls: [1_000, 10_000],
  stayMs: 3_000,
};
const quick = {
  rounds: 5,
  coldRounds: 2,
  slowRounds: 1,
  returnRounds: 1,
  warmUp: 20,
  alone: 10,
  together: 1,
  offline: 25,
  memoryCalls: [64, 192],
  stayMs: 2_500,
};

export const usage = `node bench.mjs [options]
  --quick         few rounds and small counts, for development: under a minute
  --rounds=N      rounds of the warm figures (${full.rounds}); of cold ones and returns half, of the slow link a quarter
  --only=ids      only these figures, with commas between: size,warm,offline,cold,slow,return,returnUsed,worker,memory
  --peers=ids     only these peers, with commas between, and the two that others are compared with
  --dist=folder   the build to measure (../../dist)
  --dist-b=folder a second build, measured beside it
  --firefox       in Firefox instead of Chromium
  --json=file     where the JSON goes (results/); the chart goes beside it`;

export function parseOptions(args) {
  const { values } = parseArgs({
    args,
    options: {
      quick: { type: "boolean" },
      rounds: { type: "string" },
      only: { type: "string" },
      peers: { type: "string" },
      dist: { type: "string" },
      "dist-b": { type: "string" },
      firefox: { type: "boolean" },
      json: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const counts = { ...(values.quick ? quick : full) };
  if (values.rounds !== undefined) {
    const rounds = Number(values.rounds);
    if (!Number.isInteger(rounds) || rounds < 1) throw new Error("--rounds must be a whole number above 0");
    const half = Math.ceil(rounds / 2);
    Object.assign(counts, { rounds, coldRounds: half, returnRounds: half, slowRounds: Math.ceil(rounds / 4) });
  }
  return {
    ...counts,
    help: values.help,
    quick: Boolean(values.quick),
    browser: values.firefox ? "firefox" : "chromium",
    only: values.only?.split(","),
    peers: values.peers?.split(","),
    dist: values.dist,
    distB: values["dist-b"],
    json: values.json,
  };
}
