// An authorization server that records what reaches it, byte for byte, and misbehaves as its path
// says: /never/1, /error/400/user_denied/2. It checks nothing: harness/verify.mjs does.

import { createServer } from "node:http";
import { close, listen } from "./http.mjs";

const json = { "content-type": "application/json; charset=utf-8" };

/** What the server issues for a continuation. */
export const grantFor = (exchange) => ({
  access_token: { value: "issued", manage: new URL("/manage/1", exchange.url).href, expires_in: 600, access: [] },
  continue: { access_token: { value: "next" }, uri: new URL("/continue/next", exchange.url).href },
  extension: { kept: true },
});

const send = (res, status, body, headers = json) => res.writeHead(status, headers).end(body);
const sendJSON = (res, status, value) => send(res, status, JSON.stringify(value));
const issue = (res, exchange) => sendJSON(res, 200, grantFor(exchange));

/** Sends as much of `size` bytes as is taken, and counts it. */
function stream(res, exchange, size) {
  const chunk = Buffer.alloc(64 * 1024, " ");
  exchange.taken = 0;
  res.writeHead(200, json);
  const more = () => {
    while (exchange.taken < size && !res.destroyed) {
      exchange.taken += chunk.length;
      if (!res.write(chunk)) return res.once("drain", more);
    }
    res.end();
  };
  more();
}

/** Each is called with the exchange, the response, the server, and the rest of the path. */
const behaviours = {
  continue: (exchange, res) => issue(res, exchange),
  slow: (exchange, res) => setTimeout(issue, 300, res, exchange),
  held: (exchange, res, server) => server.held.push(() => issue(res, exchange)),
  redirect: (exchange, res, server, status) => send(res, Number(status), "", { location: `${server.origin}/target/1` }),
  target: (exchange, res) => issue(res, exchange),
  html: (exchange, res, server, status) => send(res, Number(status), "<!doctype html><p>Hello", { "content-type": "text/html" }),
  text: (exchange, res, server, status) => send(res, Number(status), "something went wrong", { "content-type": "text/plain" }),
  nothing: (exchange, res, server, status) => send(res, Number(status)),
  body: (exchange, res, server, body) => send(res, 200, decodeURIComponent(body)),
  large: (exchange, res, server, size) => stream(res, exchange, Number(size)),
  reset: (exchange, res) => res.socket.resetAndDestroy(),
  cut: (exchange, res) => {
    res.writeHead(200, { ...json, "content-length": "1000" }).write('{"access_token":');
    setTimeout(() => res.socket?.resetAndDestroy(), 50);
  },
  stalled: (exchange, res, server) => {
    res.writeHead(200, json).write('{"access_token":');
    server.stalled.push(res);
  },
  /** A body that never ends: a byte now and then. */
  dripping: (exchange, res) => {
    res.writeHead(200, json);
    const timer = setInterval(() => res.write(" "), 20);
    res.on("close", () => clearInterval(timer));
  },
  noCORS: (exchange, res) => {
    res.removeHeader("access-control-allow-origin");
    issue(res, exchange);
  },
  never: () => {},
  error: (exchange, res, server, status, code) => sendJSON(res, Number(status), { error: { code, description: `about ${code}` } }),
  bare: (exchange, res, server, status, code) => sendJSON(res, Number(status), { error: code }),
  codeless: (exchange, res) => sendJSON(res, 400, { error: { description: "the schema says no" } }),
  detailed: (exchange, res) =>
    sendJSON(res, 400, { error: { code: "invalid_request", description: "no", details: { member: "interact_ref" } } }),
  tooFast: (exchange, res, server, wait) => {
    const first = server.to(exchange.target).length === 1;
    if (!first) return issue(res, exchange);
    sendJSON(res, 400, { error: { code: "too_fast", description: "wait" }, continue: { wait: Number(wait) } });
  },
  retryAfter: (exchange, res, server, wait) => {
    const first = server.to(exchange.target).length === 1;
    if (!first) return issue(res, exchange);
    send(res, 400, '{"error":"too_fast"}', { ...json, "retry-after": wait, "access-control-expose-headers": "retry-after" });
  },
  echo: (exchange, res) => {
    const token = exchange.headers.authorization;
    sendJSON(res, 401, { error: { code: "invalid_continuation", description: `no grant for ${token}` } });
  },
  echoText: (exchange, res) => send(res, 500, `no grant for ${exchange.headers.authorization}`, { "content-type": "text/plain" }),
  echoAll: (exchange, res) => {
    const { authorization, signature, "signature-input": input } = exchange.headers;
    const description = [authorization, signature, input, exchange.body].join(" ");
    sendJSON(res, 400, { error: { code: authorization, description, details: { description } } });
  },
  cookie: (exchange, res) =>
    send(res, 200, '<link rel="icon" href="data:,">', { "content-type": "text/html", "set-cookie": "session=1; Path=/; SameSite=Lax" }),
};

export async function startServer() {
  const state = { requests: [], preflights: [], held: [], stalled: [], closed: 0 };
  const http = createServer((req, res) => respond(state, req, res).catch(() => res.destroy()));
  const origin = await listen(http);
  let count = 0;
  return Object.assign(state, {
    origin,
    /** Requests to one path. */
    to: (target) => state.requests.filter((exchange) => exchange.target === target),
    /** A continuation of its own whose response is what `path` says: its URL, token and reference are found nowhere else. */
    continuation(path) {
      count += 1;
      const mark = `${count}-${crypto.randomUUID()}`;
      return { url: `${state.origin}/${path}/${count}`, accessToken: `token-${mark}`, interactRef: `reference-${mark}` };
    },
    exchanges: (url) => state.to(url.slice(state.origin.length)),
    /** Waits until so many requests for a URL have come. */
    arrived: (url, count = 1) => until(() => state.to(url.slice(state.origin.length)).length >= count, `${count} requests for ${url}`),
    close: () => close(http),
  });
}

/** Waits until something is so. The time is only there so that a test fails where it would hang. */
export async function until(isSo, what) {
  for (const end = Date.now() + 30_000; !(await isSo()); await new Promise((resolve) => setTimeout(resolve, 5))) {
    if (Date.now() > end) throw new Error(`waited in vain for ${what}`);
  }
}

async function respond(server, req, res) {
  const [, behaviour, ...rest] = req.url.split("?")[0].split("/");
  if (req.method === "OPTIONS") return respondToPreflight(server, behaviour, req, res);
  const exchange = await record(req);
  server.requests.push(exchange);
  res.on("close", () => {
    exchange.hungUp = !res.writableFinished;
  });
  res.setHeader("access-control-allow-origin", "*");
  behaviours[behaviour](exchange, res, server, ...rest);
}

function respondToPreflight(server, behaviour, req, res) {
  server.preflights.push({ target: req.url, headers: req.headers });
  if (behaviour === "noPreflight") return send(res, 204, undefined, {});
  send(res, 204, undefined, {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, PUT, PATCH, DELETE",
    "access-control-allow-headers": req.headers["access-control-request-headers"],
  });
}

/** A request as it came: the target URI is scheme, Host and request target, as servers see it. */
async function record(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return {
    method: req.method,
    target: req.url,
    url: `http://${req.headers.host}${req.url}`,
    headers: req.headers,
    names: req.rawHeaders.filter((_, i) => i % 2 === 0),
    body: Buffer.concat(chunks),
  };
}
