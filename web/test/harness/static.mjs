// A static server like those that people have: folders, types, compression, headers.

import { readFile, stat } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { assertUnneeded, deferred } from "./deferred.mjs";
import { close, listen } from "./http.mjs";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".json": "application/json",
};
const deferredFile = new RegExp(deferred.replace(".", "[^/]*\\.") + "$"); // bundlers put a hash in between
const encodings = { br: ".br", gzip: ".gz" }; // the best first

/**
 * Serves folders, and single files: `folders` has them by the path that they are served at, the
 * longest first. Precompressed copies are sent to who takes them. `headers` are sent with every
 * file; `change` may change what is sent. The deferred module is not there, and close() fails where it
 * was asked for.
 */
export async function startStatic(folders, { headers = {}, change = (path, content) => content } = {}) {
  const requests = []; // { path, encoding, bytes } of every file that was sent
  let missing = 0;
  const http = createServer(async (req, res) => {
    const { pathname } = new URL(req.url, "http://site");
    const isMissing = deferredFile.test(pathname);
    if (isMissing) missing += 1;
    const file = isMissing ? undefined : await find(folders, pathname);
    if (!file) return res.writeHead(404, { "content-type": "text/plain" }).end("not found");
    const { encoding, name } = await negotiate(file, req.headers["accept-encoding"] ?? "");
    const content = change(pathname, await readFile(name));
    requests.push({ path: pathname, encoding, bytes: content.length });
    res.setHeader("content-type", types[extname(file)] ?? "application/octet-stream");
    res.setHeader("vary", "accept-encoding");
    if (encoding) res.setHeader("content-encoding", encoding);
    res.writeHead(200, headers).end(content);
  });
  return {
    origin: await listen(http),
    requests,
    /** The requests for paths with this ending. */
    for: (ending) => requests.filter(({ path }) => path.endsWith(ending)),
    close: async () => {
      await close(http);
      assertUnneeded(Array(missing).fill(NaN)); // bundled pages cannot tell for which function
    },
  };
}

async function find(folders, pathname) {
  const [prefix, folder] = Object.entries(folders).find(([prefix]) => pathname.startsWith(prefix));
  const file = join(folder, normalize(decodeURIComponent(pathname.slice(prefix.length))));
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory()) return join(file, "index.html");
  return found && file;
}

async function negotiate(file, accepted) {
  for (const [encoding, ending] of Object.entries(encodings)) {
    const isThere = accepted.includes(encoding) && (await stat(file + ending).catch(() => undefined));
    if (isThere) return { encoding, name: file + ending };
  }
  return { name: file };
}
