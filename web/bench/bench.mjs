// Measures this package beside others that do the same, in Chromium and in Firefox. `node bench.mjs --help`

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { launch, openFresh, run } from "./browser.mjs";
import { buildSite } from "./bundle.mjs";
import { chart } from "./chart.mjs";
import { figures } from "./figures/index.mjs";
import { allRequestsOf, pay } from "./figures/payment.mjs";
import { Machine } from "./machine.mjs";
import { parseOptions, usage } from "./options.mjs";
import { collect, markdown } from "./report.mjs";
import { startServer } from "./server-process.mjs";
import { verifyContinuation, verifyOfPayment } from "./verify.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const options = parseOptions(process.argv.slice(2));
if (options.help) {
  console.log(usage);
} else {
  const results = await main();
  const file = options.json ?? here("results/latest.json");
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  for (const [name, result] of Object.entries(results)) {
    const drawing = chart(result);
    if (drawing) await writeFile(file.replace(/\.json$|$/, `-${name}.svg`), drawing);
  }
  console.log(markdown(results));
  const isMissed = ({ errors, bars }) => errors.length > 0 || bars.some(({ isMissed }) => isMissed);
  if (Object.values(results).some(isMissed)) process.exitCode = 1;
}

/** Measures in one browser after the other, and returns what was found, by the name of the browser. */
async function main() {
  checkNames("--only", options.only, figures);
  const folder = await mkdtemp(join(tmpdir(), "open-payments-wasm-bench-"));
  let server;
  try {
    const { dist = here("../../dist"), distB, brotliQuality } = options;
    const peers = await buildSite({ folder, dist, distB, brotliQuality });
    const key = newKey();
    server = await startServer({ folder, key, mbitPerSecond: 10, roundTripMs: 40 });
    const results = {};
    for (const name of options.browsers) results[name] = await measureIn(name, { server, key, peers: chosen(peers) });
    return results;
  } finally {
    server?.close();
    await rm(folder, { recursive: true });
  }
}

async function measureIn(name, { server, key, peers }) {
  const machine = new Machine();
  const browser = await launch(name);
  try {
    const version = await browser.version();
    process.stderr.write(`${version}\n`);
    const bench = { options: { ...options, browser: name }, server, browser, errors: [] };
    bench.peers = await introduce(bench, peers, key);
    const measurements = await measureAll(bench, machine);
    return collect({ bench, measurements, machine: machine.report(), version });
  } finally {
    await browser.close();
  }
}

function isWanted({ id }) {
  return !options.only || options.only.includes(id);
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
      if (about.signed) verifyContinuation((await server.report(`/continue/${peer.id}`)).last, key.publicJwk);
      if (peer.pays && figures.some((figure) => isWanted(figure) && figure.isFor?.(peer)))
        await verifyPayment({ browser, server }, peer, key);
      introduced.push({ ...peer, title: about.title + (peer.build === "dist-b" ? " (b)" : ""), files: files.map(({ path }) => path) });
    } catch (error) {
      errors.push({ figure: "introduction", peer: peer.id, message: error.message });
    } finally {
      await close();
    }
  }
  return introduced;
}

/** Lets a peer pay once, and verifies what it sent. */
async function verifyPayment({ browser, server }, peer, key) {
  const { page, close } = await openFresh(browser, `${server.site}/payment/${peer.id}`);
  try {
    const id = randomUUID();
    await run(page, () => globalThis.connected);
    await run(page, pay, id, 2);
    const sent = await allRequestsOf(server, id);
    for (const request of sent.filter(({ method }) => method !== "OPTIONS")) verifyOfPayment(request, key.publicJwk);
  } finally {
    await close();
  }
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
