// From the first line of the page's script to the token, in a browser that has seen nothing yet.

import { openFresh, run } from "../browser.mjs";
import { eachRound } from "../rounds.mjs";

/** The parts of a start: they add up to the whole. */
export const parts = {
  download: { title: "download", unit: "ms" },
  compile: { title: "compile", unit: "ms" },
  start: { title: "start", unit: "ms" },
  call: { title: "first call", unit: "ms" },
  longTasks: { title: "long tasks", unit: "" },
  longest: { title: "longest task", unit: "ms" },
};

const metrics = { total: { title: "to the token", unit: "ms", main: true }, ...parts };

export const cold = {
  id: "cold",
  title: "Cold start, loopback",
  note:
    "“Compile” is what is left of it after the last byte: evaluation of the scripts, compilation of the WebAssembly. " +
    "Long tasks are those above 50 ms on the main thread.",
  metrics,
  measure: (bench, add) => measure(bench, add, bench.server.site, bench.options.coldRounds),
};

export const slow = {
  id: "slow",
  title: "Cold start, 10 Mbit/s and 40 ms",
  note: "The server sends through a proxy that delays and limits; the browser knows nothing of it. Files come compressed by brotli.",
  metrics,
  measure: (bench, add) => measure(bench, add, bench.server.slowSite, bench.options.slowRounds),
};

function measure({ browser, peers }, add, site, rounds) {
  return eachRound(peers, rounds, async ({ id }) => {
    const { page, close } = await openFresh(browser, `${site}/page/${id}`);
    try {
      addStart(add, id, await run(page, () => globalThis.started));
    } finally {
      await close();
    }
  });
}

/** Adds what a page told of its start. */
export function addStart(add, id, { begin, imported, compiled, lastByte, started, token, longTasks }) {
  const ready = Math.min(Math.max(imported, compiled, lastByte), started);
  add(id, "total", [token - begin]);
  add(id, "download", [lastByte - begin]);
  add(id, "compile", [ready - lastByte]);
  add(id, "start", [started - ready]);
  add(id, "call", [token - started]);
  add(id, "longTasks", longTasks ? [longTasks.length] : []);
  add(id, "longest", longTasks ? [Math.max(0, ...longTasks)] : []);
}
