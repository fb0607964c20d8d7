// A whole payment, from the wallet addresses to the arrival, in pages that have been running for a while.

import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { run } from "../browser.mjs";
import { eachRound, withPayers } from "../rounds.mjs";

export default {
  id: "payment",
  title: "A payment",
  note:
    "Between two wallets at two servers; the person at the wallet takes no time, and the money neither. The others make the same " +
    "requests, written by hand. Requests are those until the wallet has accepted the payment; those afterwards look whether it has " +
    "arrived, and give back what was granted. Every payment has addresses of its own, so preflights are those of a first payment.",
  isFor: ({ pays }) => pays,
  metrics: {
    whole: { title: "from the wallet addresses to the arrival", unit: "ms", main: true },
    start: { title: "until the redirect", unit: "ms", main: true },
    finish: { title: "from the callback to the accepted payment", unit: "ms", main: true },
    requests: { title: "requests", unit: "" },
    preflights: { title: "preflights", unit: "" },
    requestsOfOne: { title: "requests, one server", unit: "" },
    preflightsOfOne: { title: "preflights, one server", unit: "" },
    requestsAfter: { title: "requests afterwards", unit: "" },
  },

  measure: (bench, add) =>
    withPayers(bench, async (payers) => {
      const { server, options } = bench;
      const payAt = async (servers, { page }) => {
        const id = randomUUID();
        const times = await run(page, pay, id, servers);
        return { times, counts: count(await allRequestsOf(server, id)) };
      };
      for (const payer of payers.values()) {
        for (let i = 0; i < options.warmUpPayments; i++) await payAt(2, payer);
      }
      await eachRound(payers, options.rounds, async (payer) => {
        const { times, counts } = await payAt(2, payer);
        for (const [what, number] of Object.entries({ ...times, ...counts })) add(payer.id, what, [number]);
      });
      await eachRound(payers, 1, async (payer) => {
        const { counts } = await payAt(1, payer);
        add(payer.id, "requestsOfOne", [counts.requests]);
        add(payer.id, "preflightsOfOne", [counts.preflights]);
      });
    }),
};

/** Runs in the page. */
export const pay = (id, servers) => {
  const { authServer, receiver } = bench.config;
  return bench.pay(id, { from: authServer, to: servers === 1 ? authServer : receiver });
};

/** What came for a payment. What is given back in the end is waited for: it would disturb the next. */
export async function allRequestsOf(server, id) {
  for (let before = -1; ; await pause(50)) {
    const requests = await server.requestsOf(id);
    if (requests.length === before) return requests;
    before = requests.length;
  }
}

const isPreflight = ({ method }) => method === "OPTIONS";
const isPaying = ({ method, url }) => method === "POST" && url.endsWith("/outgoing-payments");

/** How many requests and preflights there were until the wallet was asked to pay, and how many requests afterwards. */
function count(all) {
  const accepted = all.findIndex(isPaying) + 1;
  if (accepted === 0) throw new Error("nothing was paid");
  const until = all.slice(0, accepted);
  const preflights = until.filter(isPreflight).length;
  return { requests: accepted - preflights, preflights, requestsAfter: all.slice(accepted).filter((one) => !isPreflight(one)).length };
}
