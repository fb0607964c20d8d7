// Measures this package beside others that do the same, in one browser. `node bench.mjs --help`

import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, openFresh, run } from "./browser.mjs";
import { buildSite } from "./bundle.mjs";
import { chart } from "./chart.mjs";
import { figures } from "./figures/index.mjs";
import { Machine } from "./machine.mjs";
import { parseOptions, usage } from "./options.mjs";
import { collect, markdown } from "./report.mjs";
import { startServer } from "./server-process.mjs";
import { verifyContinuation } from "./verify.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const options = parseOptions(process.argv.slice(2));
if (options.help) {
  console.log(usage);
} else {
  const result = await main();
  const file = options.json ?? here(`results/${options.browser}.json`);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(result, null, 2)}\n`);
  const drawing = chart(result);
  if (drawing) await writeFile(file.replace(/\.json$|$/, ".svg"), drawing);
  console.log(markdown(result));
  if (result.errors.length > 0) process.exitCode = 1;
}

async function main() {
  checkNames("--only", options.only, figures);
  const folder = await mkdtemp(join(tmpdir(), "open-payments-wasm-bench-"));
  let server, browser;
  try {
    const machine = new Machine();
    const peers = await buildSite({
      folder,
      dist: options.dist ?? here("../../dist"),
      distB: options.distB,
      brotliQuality: sizeMatters() ? 11 : 5,
    });
    const key = newKey();
    server = await startServer({ folder, key, mbitPerSecond: 10, roundTripMs: 40 });
    browser = await launch(options.browser);
    const bench = { options, server, browser, errors: [] };
    bench.peers = await introduce(bench, chosen(peers), key);
    const measurements = await measureAll(bench, machine);
    return collect({ bench, measurements, machine: machine.report(), version: await browser.version() });
  } finally {
    await browser?.close();
    server?.close();
    await rm(folder, { recursive: true });
  }
}

function isWanted({ id }) {
  return !options.only || options.only.includes(id);
}

function sizeMatters() {
  return figures.some((figure) => isWanted(figure) && ["size", "slow"].includes(figure.id));
}

function newKey() {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const pkcs8 = privateKey.export({ type: "pkcs8", format: "der" });
  return {
    id: "bench-key",
    pkcs8: pkcs8.toString("base64"),
    seed: pkcs8.subarray(-32).toString("hex"),
    publicJwk: publicKey.export({ format: "jwk" }),
  };
}

function checkNames(option, names = [], known) {
  const unknown = names.filter((name) => !known.some(({ id }) => id === name));
  if (unknown.length > 0) throw new Error(`${option}: there is no ${unknown.join(", ")}, only ${known.map(({ id }) => id).join(", ")}`);
}

function chosen(peers) {
  checkNames("--peers", options.peers, peers);
  const isChosen = ({ id }) => !options.peers || options.peers.includes(id) || ["fetch-prebuilt", "open-payments-sdk"].includes(id);
  return peers.filter(isChosen);
}

/** Runs every peer once, verifies what it sent, and learns its title and what it downloads. */
async function introduce({ browser, server, errors }, peers, key) {
  const introduced = [];
  for (const peer of peers) {
    const { page, close } = await openFresh(browser, `${server.site}/page/${peer.id}`);
    try {
      const { files } = await run(page, () => globalThis.started);
      const about = await run(page, () => bench.about);
      if (about.signed) verifyContinuation((await server.report(peer.id)).last, key.publicJwk);
      introduced.push({ ...peer, title: about.title + (peer.build === "dist-b" ? " (b)" : ""), files: files.map(({ path }) => path) });
    } catch (error) {
      errors.push({ figure: "introduction", peer: peer.id, message: error.message });
    } finally {
      await close();
    }
  }
  return introduced;
}

async function measureAll(bench, machine) {
  const measurements = {};
  for (const figure of figures.filter(isWanted)) {
    process.stderr.write(`${figure.title} …`);
    const began = performance.now();
    const rounds = (measurements[figure.id] = {});
    const add = (peer, metric, samples) => ((rounds[peer] ??= {})[metric] ??= []).push(samples);
    try {
      await figure.measure(bench, add);
    } catch (error) {
      bench.errors.push({ figure: figure.id, message: error.message });
    }
    machine.check();
    process.stderr.write(` ${((performance.now() - began) / 1000).toFixed(0)} s\n`);
  }
  return measurements;
}
