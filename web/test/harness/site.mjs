// The origin of the pages: the built package below /dist/, its variant with faults below
// /dist-faults/, and the test pages at the top.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { assertUnneeded, deferred, tableIndexWanted } from "./deferred.mjs";
import { close, listen } from "./http.mjs";
import { dist, distWithFaults } from "./packages.mjs";

const pages = fileURLToPath(new URL("../pages", import.meta.url));
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".wasm": "application/wasm" };

/**
 * Starts the site. Every response can be changed by a parameter of the page's own address or of any
 * file's: `policy` is sent as Content-Security-Policy. Paths that `special` names are answered by
 * its functions. The deferred module is not there, and close() fails where it was asked for, unless
 * `withDeferred` says that tests need it: they panic, have Go hold a key, or are about that module.
 */
export async function startSite({ faults = false, special = {}, withDeferred = false } = {}) {
  const folders = { dist: dist(), "dist-faults": faults ? distWithFaults() : undefined };
  const requests = []; // the path of every request, in order
  const missing = []; // table indexes of the functions that a page waited for
  const server = createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url, "http://site");
    requests.push(pathname);
    res.setHeader("cache-control", "no-store"); // so that every download can be counted
    res.setHeader("access-control-allow-origin", "*"); // for sandboxed frames
    if (searchParams.has("policy")) res.setHeader("content-security-policy", searchParams.get("policy"));
    if (special[pathname]) return special[pathname](req, res, () => fileOf(pathname, folders));
    const isMissing = pathname.endsWith(deferred) && !withDeferred;
    if (isMissing) missing.push(Number(searchParams.get("tableIndex") ?? NaN));
    if (pathname === "/deferred.js") return res.setHeader("content-type", types[".js"]).end(`export ${tableIndexWanted}\n`);
    const content = isMissing ? undefined : await fileOf(pathname, folders);
    if (!content) return res.writeHead(404, { "content-type": "text/plain" }).end("not found");
    res.setHeader("content-type", types[extname(pathname)] ?? "application/octet-stream");
    res.end(content);
  });
  return {
    origin: await listen(server),
    requests,
    /** How often the module was downloaded, or another file. */
    downloads: (name = "open-payments.wasm") => requests.filter((path) => path.endsWith(`/${name}`)).length,
    close: async () => {
      await close(server);
      assertUnneeded(missing);
    },
  };
}

async function fileOf(pathname, folders) {
  const [, first, ...rest] = normalize(pathname).split("/");
  const file = first in folders && folders[first] ? join(folders[first], ...rest) : join(pages, first, ...rest);
  return readFile(file).catch(() => undefined);
}
