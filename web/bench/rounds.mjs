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
export async function withPages(bench, use) {
  const { browser, server, peers } = bench;
  const pages = new Map();
  try {
    for (const peer of peers) {
      const opened = await openFresh(browser, `${server.site}/page/${peer.id}`);
      pages.set(peer.id, { ...peer, ...opened });
      await run(opened.page, () => globalThis.started);
    }
    return await use(pages);
  } finally {
    for (const { close } of pages.values()) await close();
  }
}
