// Rounds in which every peer has its turn, so that what disturbs one disturbs all.

import { openFresh, run } from "./browser.mjs";

/** Calls `turn` for every entry in every round, each round starting with another one. */
export async function eachRound(entries, rounds, turn, first = 0) {
  const list = [...entries.values()];
  for (let round = first; round < first + rounds; round++) {
    for (let i = 0; i < list.length; i++) {
      const entry = list[(i + round) % list.length];
      await entry.page?.bringToFront(); // browsers slow hidden pages down
      await turn(entry);
    }
  }
}

/** Opens a page for every peer, each in a process of its own, and closes them at the end. */
export const withPages = (bench, use) => withPagesOf(bench.peers, "page", () => globalThis.started, bench, use);

/** The same with pages that pay, for the peers that do. */
export const withPayers = (bench, use) => {
  const payers = bench.peers.filter(({ pays }) => pays);
  return withPagesOf(payers, "payment", () => globalThis.connected, bench, use);
};

async function withPagesOf(peers, kind, ready, { browser, server }, use) {
  const pages = new Map();
  try {
    for (const peer of peers) {
      const opened = await openFresh(browser, `${server.site}/${kind}/${peer.id}`);
      pages.set(peer.id, { ...peer, ...opened });
      await run(opened.page, ready);
    }
    return await use(pages);
  } finally {
    for (const { close } of pages.values()) await close();
  }
}
