// The run with random inputs, from the command line:
//
//	node inputs-cli.mjs [--count=N] [--seed=N]
//
// Without arguments it makes 10,000 calls with a new seed.

import { parseArgs } from "node:util";
import { runInputs } from "./inputs.mjs";

const anySeed = String(Date.now() % 2 ** 32);
const { values } = parseArgs({ options: { count: { type: "string", default: "10000" }, seed: { type: "string", default: anySeed } } });
console.log(`--count=${values.count} --seed=${values.seed}`);
console.log(await runInputs({ count: Number(values.count), seed: Number(values.seed) }));
