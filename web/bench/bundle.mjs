// Writes the site that the server serves: every peer of peers/ bundled for the browser, our own
// package as it was built, and a brotli and a gzip copy of each file.

import { createHash, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import zlib from "node:zlib";
import { build } from "esbuild";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const cache = here("node_modules/.cache/open-payments-wasm-bench");

const payers = (await readdir(here("payments"))).map((name) => basename(name, ".js"));

/** Builds the site in `folder` and returns its peers: { id, build, pays }, where build is "dist" or "dist-b" for ours. */
export async function buildSite({ folder, dist, distB, brotliQuality }) {
  const peers = [];
  for (const name of (await readdir(here("peers"))).sort()) {
    const id = basename(name, ".js");
    const usesOurs = await bundlePeer(folder, id, id, dist);
    const pays = payers.includes(id);
    peers.push({ id, build: usesOurs ? "dist" : undefined, pays });
    if (usesOurs && distB) {
      await bundlePeer(folder, id, `${id}-b`, distB);
      peers.push({ id: `${id}-b`, build: "dist-b", pays });
    }
  }
  await compressAll(folder, brotliQuality);
  return peers.sort((a, b) => Boolean(a.build) - Boolean(b.build)); // ours last
}

/** Bundles a peer for pages, as a service worker, and for payments if it pays. Tells whether it uses our package. */
async function bundlePeer(folder, id, as, build) {
  const entry = join(build, await entryOf(build));
  const out = join(folder, "peers", as);
  const page = await bundle(`export * from "./peers/${id}.js";`, join(out, "page.js"), entry);
  await bundle(
    `import * as peer from "./peers/${id}.js"; import { serve } from "./page/worker.js"; serve(peer);`,
    join(out, "worker.js"),
    entry,
  );
  if (payers.includes(id)) await bundle(`export * from "./payments/${id}.js";`, join(out, "payment.js"), entry);
  const usesOurs = Object.keys(page.metafile.inputs).some((path) => resolve(here("."), path) === resolve(entry));
  if (usesOurs) await copyModules(build, out);
  return usesOurs;
}

/** Our package finds its WebAssembly beside its script. */
async function copyModules(build, out) {
  const files = (await readdir(build)).filter((name) => /\.wasm(\.br|\.gz)?$/.test(name));
  await Promise.all(files.map((name) => copyFile(join(build, name), join(out, name))));
}

async function entryOf(dist) {
  const { exports } = JSON.parse(await readFile(join(dist, "package.json"), "utf8"));
  return exports["."].default;
}

function bundle(contents, outfile, ours) {
  const empty = here("shims/empty.js");
  return build({
    stdin: { contents, resolveDir: here(".") },
    outfile,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    define: { global: "globalThis" },
    alias: {
      crypto: here("shims/node.js"),
      fs: empty,
      path: empty,
      constants: empty,
      // Imported by the client, and not used by it when an interceptor signs and nothing is validated.
      "@interledger/openapi": empty,
      "@interledger/http-signature-utils": empty,
    },
    plugins: [
      {
        name: "ours",
        setup: ({ onResolve }) => onResolve({ filter: /^open-payments-wasm$/ }, () => ({ path: ours })),
      },
    ],
  });
}

/** Compresses what the build did not. */
async function compressAll(folder, brotliQuality) {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => /\.(js|wasm)$/.test(entry.name));
  await Promise.all(
    files.map(async (entry) => {
      const file = join(entry.path, entry.name);
      await compressed(file, "br", `br${brotliQuality}`, (content) => brotli(content, brotliQuality));
      await compressed(file, "gz", "gz", (content) => promisify(zlib.gzip)(content, { level: 9 }));
    }),
  );
}

function brotli(content, quality) {
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  const params = { [BROTLI_PARAM_QUALITY]: quality, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: content.length };
  return promisify(zlib.brotliCompress)(content, { params });
}

/** Compressing the module takes longer than much of what is measured: once for each build is enough. */
async function compressed(file, extension, kind, compress) {
  if (existsSync(`${file}.${extension}`)) return;
  const content = await readFile(file);
  const kept = join(cache, `${createHash("sha256").update(content).digest("hex")}.${kind}`);
  await (compressing[kept] ??= keep(kept, content, compress));
  await copyFile(kept, `${file}.${extension}`);
}

const compressing = {}; // by name of the kept file: equal files are compressed once

async function keep(kept, content, compress) {
  if (existsSync(kept)) return;
  await mkdir(cache, { recursive: true });
  const own = `${kept}.${randomUUID()}`;
  await writeFile(own, await compress(content));
  await rename(own, kept); // whole, or not there
}
