// The way back from the wallet: a second document of the same site, in the same tab, after one of
// another site. Everything that the first document downloaded is in the HTTP cache.

import { setTimeout as pause } from "node:timers/promises";
import { run } from "../browser.mjs";
import { eachRound } from "../rounds.mjs";
import { addStart, parts } from "./cold.mjs";

const metrics = {
  navigation: { title: "from navigation to token", unit: "ms", main: true },
  total: { title: "from the page's script to token", unit: "ms", main: true },
  ...parts,
  download: { title: "from cache", unit: "ms" },
};

export const returnSoon = {
  id: "return",
  title: "Return from the wallet",
  note: "The first document made one call and was left at once.",
  metrics,
  measure: (bench, add) => measure(bench, add, async () => {}),
};

// One call is not enough for Chromium to keep compiled WebAssembly: it waits until enough of it is optimised.
export const returnUsed = {
  id: "returnUsed",
  title: "Return from the wallet, after much use",
  note: "The first document made some hundred calls and stayed for some seconds, so that the browser could keep compiled code.",
  metrics,
  measure: (bench, add) =>
    measure(bench, add, async (tabs) => {
      for (const { page } of tabs) await run(page, (count) => bench.offline(count).then(() => {}), bench.options.useCalls);
      await pause(bench.options.stayMs);
    }),
};

let visits = 0;

async function measure({ browser, server, peers, options }, add, use) {
  for (let round = 0; round < options.returnRounds; round++) {
    const tabs = new Map();
    try {
      for (const peer of peers) tabs.set(peer.id, await firstVisit(browser, server, peer));
      await use(tabs.values());
      await eachRound(tabs, 1, (tab) => comeBack(server, tab, add), round);
    } finally {
      for (const { page } of tabs.values()) await page.close();
    }
  }
}

/** Opens the first document at an address that no cache knows, in the context that keeps caches on disk. */
async function firstVisit(browser, server, { id }) {
  visits += 1;
  const base = `${server.site}/r/${visits}`;
  const page = await browser.newPage();
  await page.goto(`${base}/page/${id}`);
  await run(page, () => globalThis.started);
  return { id, base, page };
}

async function comeBack(server, { id, base, page }, add) {
  await page.goto(server.wallet);
  await page.goto(`${base}/callback/${id}?interact_ref=reference`);
  const start = await run(page, () => globalThis.started);
  const downloaded = start.files.filter(({ fromCache }) => !fromCache);
  if (downloaded.length > 0) throw new Error(`not from the cache: ${downloaded.map(({ path }) => path).join(", ")}`);
  add(id, "navigation", [start.token]);
  addStart(add, id, start);
}
