// Every figure of the benchmark is there, in Chromium. Times are not looked at, what is counted is.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { assertComplete, payers, run, timeout } from "../harness/bench.mjs";
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

describe("benchmark", { timeout: 2 * timeout }, () => {
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
