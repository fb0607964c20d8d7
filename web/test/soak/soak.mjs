// One soak run in one browser: chunks of calls in a page, and between them what the page and the server still hold.

import { fork } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { browsers } from "../harness/browsers.mjs";
import { startSite } from "../harness/site.mjs";

const folder = fileURLToPath(new URL(".", import.meta.url));
const served = [
  "page.html",
  "page.mjs",
  "payments.mjs",
  "payment-modes.mjs",
  "payment-script.mjs",
  "instruments.mjs",
  "callers.mjs",
  "faults.mjs",
  "judge.mjs",
  "local.mjs",
  "random.mjs",
  "resources.mjs",
  "script.mjs",
];
const mib = 2 ** 20;

/**
 * What may be more at the end than after the first chunk. Go's own memory grows with the largest responses at once. A
 * hundred responses that nobody waits for any more are kept for the next who asks, each with a timer.
 */
const allowed = { values: 60, memory: 8 * mib, heap: 12 * mib, timers: 120, listeners: 0 };
const socketsPerOrigin = 6; // that a browser keeps

/**
 * A run has three parts, each in a page of its own: the package as it is published, without its deferred module, and the
 * build with faults, of which Go's collector and the words of a panic need that module.
 */
const parts = [
  { upTo: 0.3, withFaults: false, kills: false },
  { upTo: 0.8, withFaults: true, kills: false },
  { upTo: 1, withFaults: true, kills: true },
];
const fineShare = 0.85; // of the calls without a fault succeed, on a busy machine too: less, and the run proves nothing
const restMs = 60_000; // what the server holds is gone by then, or stays

/** Starts the server with the faults, in a process of its own. */
async function startFaultServer() {
  const child = fork(fileURLToPath(new URL("server.mjs", import.meta.url)), { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  const [{ origins }] = await once(child, "message");
  const report = async () => {
    child.send("report");
    return (await once(child, "message"))[0];
  };
  return { origins, report, close: () => child.connected && child.disconnect() };
}

const special = Object.fromEntries(
  served.map((name) => [
    `/soak/${name}`,
    async (req, res) => {
      const type = name.endsWith(".html") ? "text/html" : "text/javascript";
      res.setHeader("content-type", `${type}; charset=utf-8`).end(await readFile(folder + name));
    },
  ]),
);

/**
 * Makes `count` calls in a browser, or the one that `only` says. `without` and `of` are those of script.mjs. Returns
 * { failures, tally, figures }; failures are { script?, problems }. `log` gets lines on how it goes.
 */
export async function soak({ browser: name, seed, count, only, atOnce = 24, chunk = 1000, without = [], of, log = () => {} }) {
  const { launch } = browsers.find((browser) => browser.name === name);
  const starting = [launch({ networkEnabled: false, protocolTimeout: 1_200_000 }), startSites(), startFaultServer()];
  const [browser, sites, server] = await Promise.all(starting);
  const run = new Run({ name, browser, sites, server, settings: { seed, without, of, origins: server.origins }, log });
  try {
    if (only !== undefined) await run.one(only, count);
    else await run.all({ count, atOnce, chunk });
  } finally {
    const closed = await Promise.allSettled([browser.close(), ...sites.map((site) => site.close()), server.close()]);
    for (const { reason } of closed) if (reason) run.fail(reason.message); // a site says what was asked for in vain
  }
  return run.results;
}

/** Without the deferred module, and with it. */
function startSites() {
  return Promise.all([false, true].map((withDeferred) => startSite({ faults: withDeferred, special, withDeferred })));
}

const endOf = ({ upTo }, count) => Math.floor(upTo * count);

class Run {
  results = { failures: [], tally: {}, fine: { made: 0, succeeded: 0 }, figures: [] };

  constructor(parts) {
    Object.assign(this, parts);
  }

  async all({ count, atOnce, chunk }) {
    for (const [i, part] of parts.entries()) {
      const from = i === 0 ? 0 : endOf(parts[i - 1], count);
      const to = endOf(part, count);
      const size = Math.max(1, Math.min(chunk, Math.ceil((to - from) / 2))); // growth is seen between two at least
      await this.open(part);
      await this.calls({ from, to, size, atOnce, part });
      await this.close();
    }
    const { made, succeeded } = this.results.fine;
    if (succeeded < fineShare * made) this.fail(`of ${made} calls without a fault only ${succeeded} succeeded`);
  }

  /** One call by itself, as it is in a run of so many. */
  async one(index, count) {
    const part = parts.find((part) => index < endOf(part, count)) ?? parts[0];
    await this.open(part);
    await this.batch({ from: index, to: index + 1, atOnce: 1, kills: part.kills });
    await this.rest();
    await this.close();
  }

  async calls({ from, to, size, atOnce, part: { kills, withFaults } }) {
    await this.batch({ from: 2 ** 30, to: 2 ** 30 + atOnce * 4, atOnce, kills: false }); // warm
    let first;
    for (let at = from; at < to; at += size) {
      await this.batch({ from: at, to: Math.min(at + size, to), atOnce, kills });
      await this.rest();
      const figures = { ...(await this.measure(withFaults)), sockets: (await this.server.report()).sockets };
      first ??= figures;
      this.results.figures.push(figures);
      this.log(`${this.name}: ${Math.min(at + size, to)} calls, ${this.results.failures.length} failures, ${JSON.stringify(figures)}`);
      this.compare(first, figures, kills);
    }
    const { resolved } = await this.batch({ from: to, to: to + 1, atOnce: 1, isPlain: true });
    if (resolved !== 1) this.fail("a plain call after the others does not succeed");
  }

  async open({ withFaults }) {
    this.page = await this.browser.newPage();
    await this.page.goto(`${this.sites[Number(withFaults)].origin}/soak/page.html?folder=/dist${withFaults ? "-faults" : ""}`);
    await this.page.waitForFunction("globalThis.soak !== undefined", { polling: 50 });
    this.devtools = this.name === "Chromium" ? await this.page.createCDPSession() : undefined;
  }

  close() {
    return this.page.close();
  }

  async evaluate(text) {
    return JSON.parse(await this.page.evaluate(`(async () => JSON.stringify(await (${text})))()`));
  }

  /** Makes calls and returns how many came to what. */
  async batch({ from, to, atOnce, ...kind }) {
    const settings = { ...this.settings, ...kind, runId: `r${Date.now().toString(36)}` };
    const { failures, tally, fine } = await this.evaluate(`soak.run(${JSON.stringify(settings)}, ${JSON.stringify({ from, to, atOnce })})`);
    this.results.failures.push(...failures);
    for (const [name, number] of Object.entries(tally)) this.results.tally[name] = (this.results.tally[name] ?? 0) + number;
    this.results.fine.made += fine.made;
    this.results.fine.succeeded += fine.succeeded;
    return tally;
  }

  /** Waits until the server has nothing under way: every call has settled, so nothing may stay. */
  async rest() {
    let report;
    for (const end = Date.now() + restMs; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 200))) {
      report = await this.server.report();
      for (const { rule, id, path } of report.violations) this.fail(`the server saw a breach: ${rule}: ${path} (${id})`);
      if (report.active.length === 0) break;
    }
    for (const { path } of report.active) this.fail(`a request goes on though its call is over: ${path}`);
  }

  /** What is held, after a collection where the browser has one. */
  async measure(collects) {
    const measure = () => this.evaluate(`soak.measure(${JSON.stringify({ collects })})`);
    if (!this.devtools) return measure();
    for (let i = 0; i < 3; i++) {
      // what one collection lets go of may hold something that the next can take
      await measure();
      await this.devtools.send("HeapProfiler.collectGarbage");
    }
    const { usedSize } = await this.devtools.send("Runtime.getHeapUsage");
    return { ...(await measure()), heap: usedSize };
  }

  compare(first, now, kills) {
    for (const [name, more] of Object.entries(allowed)) {
      if (now[name] > (first[name] ?? 0) + more) this.fail(`${name} grew from ${first[name]} to ${now[name]}`);
    }
    if (now.sockets > socketsPerOrigin * this.server.origins.length) this.fail(`${now.sockets} connections are open`);
    const most = kills ? now.kills + 1 : 1;
    if (now.started > most) this.fail(`${now.started} instances were started, with ${now.kills} kills`);
    if (this.devtools && now.living > 2) this.fail(`${now.living} instances are still held, of ${now.started}`);
  }

  fail(problem) {
    this.results.failures.push({ problems: [`${this.name}: ${problem}`] });
  }
}

/** The failures in words, each with how to make its call alone. */
export function describeFailures({ failures }, { browser, seed, count, most = 20 }) {
  const ofRun = failures.filter(({ script }) => !script); // such as which functions were missing
  const texts = [...ofRun, ...failures.filter(({ script }) => script)].slice(0, most).map(({ script, problems }) => {
    const again = script
      ? `\n  again: node web/test/soak/soak-cli.mjs --browser=${browser} --seed=${seed} --count=${count} --only=${script.index}`
      : "";
    return `${problems.join("\n")}${again}${script ? `\n  script: ${JSON.stringify(script)}` : ""}`;
  });
  return `${failures.length} failures of ${browser} with seed ${seed}:\n${texts.join("\n")}`;
}
