// What is held after some calls and after many, garbage collected. Only Chromium tells.

import { readFile } from "node:fs/promises";
import { openFresh, run } from "../browser.mjs";

const MiB = 2 ** 20;

export default {
  id: "memory",
  title: "Memory",
  note: "JavaScript heap after garbage collection, memory of the WebAssembly instance, and the proportional set size of the renderer process.",
  metrics: ({ memoryCalls: [some, many] }) => {
    const calls = (count) => `after ${count.toLocaleString("en")} calls`;
    return {
      heap: { title: `JavaScript heap ${calls(some)}`, unit: "MiB" },
      heapMany: { title: calls(many), unit: "MiB" },
      wasm: { title: `wasm memory ${calls(some)}`, unit: "MiB" },
      wasmMany: { title: calls(many), unit: "MiB" },
      wasmGrown: { title: "grown between", unit: "MiB" },
      renderer: { title: `renderer ${calls(some)}`, unit: "MiB" },
      rendererMany: { title: calls(many), unit: "MiB" },
    };
  },

  async measure({ browser, server, peers, options }, add) {
    if (options.browser !== "chromium") return;
    const [some, many] = options.memoryCalls;
    for (const { id } of peers) {
      const { page, close } = await openFresh(browser, `${server.site}/page/${id}`);
      try {
        await run(page, () => globalThis.started);
        const renderer = await rendererOf(browser, page);
        await callMany(page, some);
        const first = await held(page, renderer);
        await callMany(page, many - some);
        const last = await held(page, renderer);
        for (const [what, value] of Object.entries(first)) add(id, what, [value]);
        for (const [what, value] of Object.entries(last)) add(id, `${what}Many`, [value]);
        add(id, "wasmGrown", [last.wasm - first.wasm]);
      } finally {
        await close();
      }
    }
  },
};

/** Makes so many calls, 32 at once, and in pieces, so that no wait in the browser is long. */
async function callMany(page, count) {
  for (let left = count; left > 0; left -= 320) {
    await run(
      page,
      async (count) => {
        for (let left = count; left > 0; left -= 32) await bench.together(Math.min(left, 32));
      },
      Math.min(left, 320),
    );
  }
}

async function held(page, renderer) {
  const session = await page.createCDPSession();
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  const wasm = await run(page, () => bench.memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0));
  return { heap: usedSize / MiB, wasm: wasm / MiB, ...(renderer && { renderer: await residentSize(renderer) }) };
}

/** The process of a page: the renderer that works while the page does. Undefined where /proc cannot be read. */
async function rendererOf(browser, page) {
  const session = await browser.target().createCDPSession();
  const times = async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return new Map(processInfo.filter(({ type }) => type === "renderer").map(({ id, cpuTime }) => [id, cpuTime]));
  };
  const before = await times();
  await run(page, () => {
    for (const end = performance.now() + 200; performance.now() < end;);
  });
  const used = [...(await times())].map(([id, time]) => ({ id, used: time - (before.get(id) ?? time) }));
  await session.detach();
  const { id } = used.reduce((most, one) => (one.used > most.used ? one : most));
  return (await residentSize(id).catch(() => undefined)) && id;
}

async function residentSize(id) {
  const [, kB] = /^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${id}/smaps_rollup`, "utf8"));
  return Number(kB) / 1024;
}
