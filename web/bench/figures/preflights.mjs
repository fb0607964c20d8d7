// Whether what a browser remembers of a preflight is of use: five equal calls in a row, to a server that leaves it to the
// browser how long it remembers them.

import { run } from "../browser.mjs";
import { eachRound, withPages } from "../rounds.mjs";

const calls = 5;
let rows = 0;

export default {
  id: "preflights",
  title: "Preflights",
  note: "Five continuations of one URL in a row. The server does not say how long a preflight may be remembered.",
  metrics: { row: { title: "preflights of five equal calls in a row", unit: "", main: true } },

  measure: (bench, add) =>
    withPages(bench, async (pages) => {
      const { server, options } = bench;
      const preflightsOfRow = async ({ id, page }) => {
        rows += 1;
        const path = `equal-${rows}`; // which no call was for
        await run(page, (count, path) => bench.inARow(count, path), calls, path);
        return (await server.report(`/${path}/${id}`)).preflights;
      };
      for (const peer of pages.values()) await preflightsOfRow(peer); // Firefox forgets preflights in the first moments of a context
      await eachRound(pages, options.coldRounds, async (peer) => add(peer.id, "row", [await preflightsOfRow(peer)]));
    }),
};
