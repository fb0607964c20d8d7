// A proxy before the sandbox. It counts what passes, and changes, holds back or breaks off what a
// test wants changed. Host headers stay as they are, so the sandbox answers under the proxy's name.

import { once } from "node:events";
import { createServer, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { close, listen } from "./http.mjs";

/**
 * Starts it and returns the sandbox's addresses as they are behind it. `requestHandler`, where a test sets
 * it, is called with every signed request before it goes on: it may change its headers and body,
 * wait, throw, and then the connection breaks off, or return { status, headers, body } to be answered
 * in the sandbox's place. `responseHandler` is called in the same way once the sandbox has answered.
 * `preflightHandler` is called with the headers of the response to a preflight, and may change them.
 */
export async function startProxy(sandbox) {
  const proxy = { requests: [], requestHandler: undefined, responseHandler: undefined, preflightHandler: undefined };
  const server = createServer((req, res) => pass(proxy, sandbox, req, res).catch(() => req.socket.destroy()));
  server.keepAliveTimeout = 0; // a client in this process may be too busy to notice that a connection was closed
  const origin = await listen(server);
  const { authServer, walletAddress, wallets, clients } = sandbox;
  const behind = (url) => url.replace(new URL(url).origin, origin);
  return Object.assign(proxy, {
    origin,
    authServer: behind(authServer),
    walletAddress: behind(walletAddress),
    wallets: Object.fromEntries(Object.entries(wallets).map(([name, url]) => [name, behind(url)])),
    clients: behind(clients),
    /** The continuations that came, in order; with a URI, those for it. */
    continuations: (uri = `${origin}/auth/continue/`) =>
      proxy.requests.filter(({ method, url }) => method === "POST" && url.startsWith(uri)),
    /** The signed requests that came to a URL. */
    to: (url) => proxy.requests.filter((passed) => passed.signed && passed.url === url),
    close: () => close(server),
  });
}

/** Runs a task and returns its result and what came through the proxy meanwhile, preflights included. */
export async function during(proxy, task) {
  const before = proxy.requests.length;
  const result = await task();
  return [result, proxy.requests.slice(before)];
}

async function pass(proxy, sandbox, req, res) {
  const passed = {
    method: req.method,
    url: `http://${req.headers.host}${req.url}`,
    headers: { ...req.headers },
    body: await buffer(req),
    signed: "signature" in req.headers,
    at: performance.now(),
  };
  proxy.requests.push(passed);
  const instead = passed.signed ? await proxy.requestHandler?.(passed) : undefined;
  if (instead) return respond(res, instead);
  const response = await forward(sandbox, req.url, passed);
  passed.answeredAt = performance.now();
  passed.status = response.statusCode;
  passed.responseBody = await buffer(response);
  if (req.method === "OPTIONS") proxy.preflightHandler?.(response.headers);
  const afterwards = passed.signed ? await proxy.responseHandler?.(passed) : undefined;
  respond(res, afterwards ?? { status: response.statusCode, headers: response.headers, body: passed.responseBody });
}

function respond(res, { status, headers = { "content-type": "application/json" }, body = "" }) {
  res.writeHead(status, { "access-control-allow-origin": "*", ...headers }).end(body);
}

async function forward(sandbox, path, { method, headers, body }) {
  delete headers["transfer-encoding"]; // the body goes on in one piece
  if (body.length > 0) headers["content-length"] = String(body.length);
  const { hostname, port } = new URL(sandbox.authServer);
  const onward = request({ hostname, port, path, method, headers, agent: false });
  onward.end(body);
  const [response] = await once(onward, "response");
  return response;
}
