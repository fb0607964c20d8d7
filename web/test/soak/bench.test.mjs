// Every peer and every figure of the benchmark is there, in Chromium. Times are not looked at, what is counted is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertComplete, payers, peers, run, timeout } from "../harness/bench.mjs";
import { dist } from "../harness/packages.mjs";

const figures = [
  "size",
  "warm",
  "offline",
  "preflights",
  "payment",
  "cold",
  "slow",
  "callback",
  "return",
  "returnUsed",
  "worker",
  "memory",
];

/** What a payment costs in requests and preflights. */
function assertCounts({ payment }) {
  for (const [peer, { requests, preflights, requestsOfOne, preflightsOfOne }] of Object.entries(payment.peers)) {
    const counts = [requests, preflights, requestsOfOne, preflightsOfOne].map(({ median }) => median);
    const ofWallets = peer === "open-payments-sdk" ? 2 : 0; // it reads wallet addresses with a header that needs a preflight
    assert.deepEqual(counts, [9, 6 + ofWallets, 8, 5 + ofWallets], `requests and preflights of ${peer}`);
  }
}

describe("benchmark", { timeout: 2 * timeout }, () => {
  // A figure knows a peer only by its bundle: each shows once that it works in a page, in a worker and in a payment.
  test("every peer", { timeout }, async (t) => {
    const { result } = await run(t, "--only=size,payment,worker");
    assert.deepEqual(result.peers.map(({ id }) => id).sort(), peers.sort());
    assertComplete(result);
    assertCounts(result.figures);
  });

  test("every figure", { timeout }, async (t) => {
    const { result, markdown, svg } = await run(t, "--peers=ours");
    assert.deepEqual(
      result.peers.map(({ id }) => id),
      ["fetch-prebuilt", "open-payments-sdk", "ours"],
    );
    assert.deepEqual(Object.keys(result.figures), figures);
    assertComplete(result);
    assert.ok(result.figures.size.peers.ours.wasm.median > 100_000);
    assert.ok(result.figures.memory.peers.ours.wasm.median > 1);
    for (const { title } of Object.values(result.figures)) assert.ok(markdown.includes(`### ${title}\n`), `the table has no ${title}`);
    for (const { id, title } of result.peers) {
      assert.equal(svg.split(`>${title}</text>`).length - 1, payers.includes(id) ? 7 : 6, `bars of ${title}`);
    }
    assert.ok(result.bars.some(({ peer, verdict }) => peer === "ours" && verdict));
    for (const [peer, { row }] of Object.entries(result.figures.preflights.peers)) assert.equal(row.median, 1, `preflights of ${peer}`);
  });

  test("two builds side by side", { timeout }, async (t) => {
    const { result, markdown } = await run(t, "--only=size", "--peers=ours,ours-b", `--dist-b=${dist()}`);
    assert.deepEqual(
      result.peers.map(({ id }) => id),
      ["fetch-prebuilt", "open-payments-sdk", "ours", "ours-b"],
    );
    assertComplete(result);
    assert.equal(result.figures.size.peers["ours-b"].brotli.toFirst.ratio, 1);
    assert.match(markdown, /second build against the first/);
  });
});
