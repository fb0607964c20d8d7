// A service worker that was stopped is woken by a message and continues a grant.

import { setTimeout as pause } from "node:timers/promises";
import { openFresh, run } from "../browser.mjs";
import { eachRound } from "../rounds.mjs";

export default {
  id: "worker",
  title: "Service worker",
  note:
    "From the message that wakes a stopped module service worker to the token. " +
    "Its scripts are where the browser keeps them, the WebAssembly is in the HTTP cache.",
  metrics: { token: { title: "wake-up to token", unit: "ms", main: true } },

  async measure({ browser, server, peers, options }, add) {
    if (options.browser !== "chromium") return; // nothing else lets a worker be stopped
    const pages = new Map();
    try {
      for (const { id } of peers) {
        const opened = await openFresh(browser, `${server.site}/page/${id}`);
        pages.set(id, { id, ...opened });
        await run(opened.page, () => globalThis.started);
        await run(opened.page, register);
        await run(opened.page, wake);
      }
      await eachRound(pages, options.coldRounds, async ({ id, page }) => {
        await stopWorkers(page);
        add(id, "token", [await run(page, wake)]);
      });
    } finally {
      for (const { close } of pages.values()) await close();
    }
  },
};

async function stopWorkers(page) {
  const session = await page.createCDPSession();
  await session.send("ServiceWorker.enable");
  await session.send("ServiceWorker.stopAllWorkers");
  await session.detach();
  await pause(100); // the process ends on its own time
}

/** Runs in the page. */
async function register() {
  const registration = await navigator.serviceWorker.register(`/peers/${bench.config.peer}/worker.js`, { type: "module" });
  const worker = registration.installing ?? registration.active;
  if (worker.state !== "activated") {
    await new Promise((resolve) => worker.addEventListener("statechange", () => worker.state === "activated" && resolve()));
  }
  bench.worker = registration.active;
}

/** Runs in the page: the milliseconds from the message to the token. */
async function wake() {
  const { port1, port2 } = new MessageChannel();
  const start = performance.now();
  bench.worker.postMessage({ key: bench.config.key, continuation: bench.continuation() }, [port2]);
  const { token, error } = await new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
    setTimeout(resolve, 30_000, { error: "the worker does not answer" });
  });
  if (token !== "issued") throw new Error(error ?? "this is not the grant");
  return performance.now() - start;
}
