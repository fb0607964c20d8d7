// The server of the benchmark, in a process of its own: the site, an authorization server, the server of a receiver and a
// wallet, each on its own port, and all but the wallet once more behind a slow link. It is as fast as can be: files are in
// memory, connections are kept, and nothing is verified.

import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, relative } from "node:path";
import { slowLink } from "./link.mjs";
import { isOfPayment, receiveAmount, requestsOf, respond } from "./payment-server.mjs";

const types = { ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm" };
const json = { "content-type": "application/json; charset=utf-8" };
const grant = Buffer.from(
  JSON.stringify({
    access_token: { value: "issued", manage: "https://server.example/manage/1", expires_in: 600, access: [] },
    continue: { access_token: { value: "next" }, uri: "https://server.example/continue/1" },
  }),
);

const seen = {}; // by path: how many calls and preflights, and the last call

/** The authorization server, and all that payments need. */
function openPaymentsServer(req, res) {
  res.setHeader("access-control-allow-origin", "*");
  if (req.method === "OPTIONS") return preflight(req, res);
  const chunks = [];
  req.on("data", (chunk) => chunks.push(chunk));
  req.on("end", () => {
    if (isOfPayment(req)) return sendJSON(res, respond(req, Buffer.concat(chunks).toString()));
    const counts = countsOf(req);
    counts.calls += 1;
    counts.last = { req, chunks };
    res.writeHead(200, { ...json, "content-length": grant.length });
    res.end(grant);
  });
}

const countsOf = ({ url }) => (seen[url] ??= { calls: 0, preflights: 0 });

function preflight(req, res) {
  if (isOfPayment(req)) respond(req);
  else countsOf(req).preflights += 1;
  // In real life every grant has a continuation URI, and so a preflight, of its own: here they share one. Else browsers
  // decide for themselves how long they remember it, as with the reference server.
  if (req.url.startsWith("/continue/")) res.setHeader("access-control-max-age", "0");
  res.setHeader("access-control-allow-methods", "GET, POST, DELETE");
  res.setHeader("access-control-allow-headers", req.headers["access-control-request-headers"] ?? "");
  res.writeHead(204).end();
}

function sendJSON(res, { status, body }) {
  if (!body) return res.writeHead(status).end();
  const content = Buffer.from(JSON.stringify(body));
  res.writeHead(status, { ...json, "content-length": content.length }).end(content);
}

/** The last continuation at a path, for the signature to be verified, and what was counted. */
function report(path) {
  const { calls, preflights, last } = seen[path] ?? { calls: 0, preflights: 0 };
  if (!last) return { calls, preflights };
  const { req, chunks } = last;
  return {
    calls,
    preflights,
    last: { method: req.method, url: `http://${req.headers.host}${req.url}`, headers: req.headers, body: Buffer.concat(chunks).toString() },
  };
}

function site({ files, scripts, settings }) {
  // /r/{anything}/ stands for the top: a new address, so that no cache knows it.
  return (req, res) => {
    const [, base = "", path] = /^(\/r\/[^/]+)?([^?]*)/.exec(req.url);
    const [, kind, peer] = path.split("/");
    if (kind in scripts) {
      const config = { peer, base, key: settings.key, receiveAmount, ...settings.servers[req.headers.host] };
      return sendPage(res, config, scripts[kind]);
    }
    const file = files.get(path);
    if (!file) return res.writeHead(404).end();
    const encoding = ["br", "gzip"].find((encoding) => file[encoding] && req.headers["accept-encoding"]?.includes(encoding));
    const content = encoding ? file[encoding] : file.raw;
    res.writeHead(200, {
      "content-type": types[extname(path)] ?? "application/octet-stream",
      "content-length": content.length,
      ...(encoding && { "content-encoding": encoding }),
      "cache-control": "public, max-age=31536000, immutable",
      "service-worker-allowed": "/",
      ...isolated,
    });
    res.end(content);
  };
}

// Isolated pages have a clock of 5 microseconds instead of 100.
const isolated = { "cross-origin-opener-policy": "same-origin", "cross-origin-embedder-policy": "require-corp" };

function sendPage(res, config, script) {
  const html = `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>${config.peer ?? "blank"}</title>`;
  const run = `<script type="application/json" id="config">${JSON.stringify(config)}</script><script type="module">${script}</script>`;
  res.writeHead(200, { "content-type": "text/html; charset=utf-8", "cache-control": "no-store", ...isolated });
  res.end(config.peer ? html + run : html);
}

async function readFiles(folder) {
  const entries = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile() && /\.(js|wasm)$/.test(entry.name),
  );
  const files = await Promise.all(
    entries.map(async (entry) => {
      const file = join(entry.path, entry.name);
      const [raw, br, gzip] = await Promise.all([readFile(file), readFile(`${file}.br`), readFile(`${file}.gz`)]);
      return [`/${relative(folder, file)}`, { raw, br, gzip }];
    }),
  );
  return new Map(files);
}

async function listen(server) {
  server.keepAliveTimeout = 600_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${server.address().port}`;
}

async function start({ folder, key, mbitPerSecond, roundTripMs }) {
  const files = await readFiles(folder);
  const [script, paying] = await Promise.all(
    ["page", "payment-page"].map((name) => readFile(new URL(`page/${name}.js`, import.meta.url), "utf8")),
  );
  const scripts = { page: script, callback: script, payment: paying };
  const settings = { key, servers: {} };
  const fast = await listen(createServer(site({ files, scripts, settings })));
  const auth = await listen(createServer(openPaymentsServer));
  const receiver = await listen(createServer(openPaymentsServer));
  const wallet = await listen(
    createServer((req, res) => res.writeHead(200, { "content-type": "text/html" }).end("<!doctype html><title>wallet</title>")),
  );
  const link = slowLink({ mbitPerSecond, roundTripMs });
  const slow = await listen(link(fast));
  const [slowAuth, slowReceiver] = await Promise.all([auth, receiver].map((address) => listen(link(address))));
  const urls = (authServer, receiver) => ({ authServer: `http://${authServer}`, receiver: `http://${receiver}` });
  settings.servers = { [fast]: urls(auth, receiver), [slow]: urls(slowAuth, slowReceiver) };
  const sizes = Object.fromEntries(
    [...files].map(([path, { raw, br, gzip }]) => [path, { raw: raw.length, gzip: gzip.length, brotli: br.length }]),
  );
  // The wallet is another site: the same machine by another name.
  return { site: `http://${fast}`, slowSite: `http://${slow}`, wallet: `http://${wallet.replace("127.0.0.1", "localhost")}`, sizes };
}

const questions = { start, report, requestsOf };

process.on("message", async ({ id, name, argument }) => {
  try {
    process.send({ id, value: await questions[name](argument) });
  } catch (error) {
    process.send({ id, error: String(error.stack) });
  }
});
process.on("disconnect", () => process.exit());
