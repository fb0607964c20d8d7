// Continuations over the network in pages that have been running for a while.

import { run } from "../browser.mjs";
import { eachRound, withPages } from "../rounds.mjs";

export default {
  id: "warm",
  title: "Warm continuation",
  metrics: {
    alone: { title: "alone", unit: "ms", main: true },
    together: { title: "32 at once, per request", unit: "ms", main: true },
    preflights: { title: "preflights per call", unit: "" },
  },

  measure: (bench, add) =>
    withPages(bench, async (pages) => {
      const { options, server } = bench;
      for (const { page } of pages.values()) await run(page, (count) => bench.alone(count), options.warmUp);
      await eachRound(pages, options.rounds, async ({ id, page }) => {
        const path = `/continue/${id}`;
        const before = await server.report(path);
        add(id, "alone", await run(page, (count) => bench.alone(count), options.alone));
        const batches = [];
        for (let i = 0; i < options.together; i++) batches.push(await run(page, () => bench.together(32)));
        add(id, "together", batches);
        const after = await server.report(path);
        add(id, "preflights", [(after.preflights - before.preflights) / (after.calls - before.calls)]);
      });
    }),
};
