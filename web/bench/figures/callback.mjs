// What somebody waits for who comes back from the wallet over a slow link, to a page that finishes a payment. Before they
// left, the shop's page had loaded what it needs, and called init().

import { randomUUID } from "node:crypto";
import { run } from "../browser.mjs";
import { eachRound } from "../rounds.mjs";

const caches = ["warm", "cold"];
let visits = 0;

export default {
  id: "callback",
  title: "Callback of a payment, 10 Mbit/s and 40 ms",
  note:
    "From the navigation to the callback page until the wallet has accepted the payment. The shop's page had called `init()` before. " +
    "Warm: the HTTP cache still has what was loaded then. Cold: it has nothing of it any more.",
  isFor: ({ pays }) => pays,
  metrics: {
    warm: { title: "warm HTTP cache", unit: "ms", main: true },
    cold: { title: "cold HTTP cache", unit: "ms", main: true },
  },

  async measure(bench, add) {
    const payers = bench.peers.filter(({ pays }) => pays);
    for (const cache of caches) {
      await eachRound(payers, bench.options.slowRounds, async ({ id }) => add(id, cache, [await comeBack(bench, id, cache)]));
    }
  },
};

async function comeBack({ browser, server }, id, cache) {
  const base = newBase(server);
  const finishUri = `${cache === "warm" ? base : newBase(server)}/payment/${id}`; // no cache knows the files of another base
  const page = await browser.newPage(); // in the context that keeps its caches on disk
  try {
    await page.goto(`${base}/payment/${id}`);
    await run(page, () => globalThis.connected);
    const callback = await run(page, begin, randomUUID(), finishUri);
    await page.goto(server.wallet);
    await page.goto(callback);
    const { accepted, cached } = await run(page, () => globalThis.finished);
    if (!cached.every((fromCache) => fromCache === (cache === "warm"))) throw new Error(`the HTTP cache was not ${cache}`);
    return accepted;
  } finally {
    await page.close();
  }
}

function newBase({ slowSite }) {
  visits += 1;
  return `${slowSite}/r/callback-${visits}`;
}

/** Runs in the page. */
function begin(id, finishUri) {
  const { authServer, receiver } = bench.config;
  return bench.start(id, { from: authServer, to: receiver, finishUri });
}
