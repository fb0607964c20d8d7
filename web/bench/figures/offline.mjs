// Continuations without a network: the page's fetch is replaced by one that answers at once.

import { run } from "../browser.mjs";
import { eachRound, withPages } from "../rounds.mjs";

export default {
  id: "offline",
  title: "Without the network",
  note:
    "The page's `fetch` is replaced, for every peer alike, by a function that returns a ready `Response`. " +
    "“Sign only” is the time from the call until that function is called with the signed request; " +
    "“whole call” ends with the parsed response.",
  metrics: {
    signed: { title: "sign only", unit: "ms", main: true },
    whole: { title: "whole call", unit: "ms", main: true },
  },

  measure: (bench, add) =>
    withPages(bench, async (pages) => {
      const { options } = bench;
      for (const { page } of pages.values()) await run(page, (count) => bench.offline(count), 5 * options.warmUp);
      await eachRound(pages, options.rounds, async ({ id, page }) => {
        const { signed, whole } = await run(page, (count) => bench.offline(count), options.offline);
        add(id, "signed", signed);
        add(id, "whole", whole);
      });
    }),
};
