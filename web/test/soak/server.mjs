// The authorization server and the resource server of the run, in a process of its own. What it does with a request stands in the
// address: /{role}/{steps}/{fault}/{parameters…}/{id}, and behind it what a resource call appends. It listens on several ports,
// because browsers open only six connections to each. A payment has a wallet of its own (wallet.mjs), at /pay/{what it does}/{id}.
// Every response of success repeats what the request said, as the member `echo`.

import { createServer } from "node:http";
import { pathToFileURL } from "node:url";
import { listen } from "../harness/http.mjs";
import { interactionHash } from "../harness/grants.mjs";
import { junkCount } from "./faults.mjs";
import { placeOf, Wallet } from "./wallet.mjs";
import { documentOf, isResourceCall, pageOf, withoutSuffix } from "./resources.mjs";

const portCount = 10;
const waits = ["continue", "finish", "poll"]; // the roles of which a client waits when the server says too_fast
const json = { "content-type": "application/json; charset=utf-8" };
const neverMs = 4000; // what is never answered is broken off: by then the call is long over
const secondMs = 1000;

const wallets = new Map(); // of payments, by their addresses
const active = new Set(); // the exchanges that are not over
const sockets = new Set();
const attempts = new Map(); // path → how often it was asked for
const notBefore = new Map(); // path → when it may be asked for again
const violations = []; // of rules that only the server sees

const text = (value) => JSON.stringify(value);

/** What a request said, for the response to name it. */
const echoOf = ({ url, method, authorization, body, said }) => ({
  url,
  method,
  authorization,
  reference: body?.interact_ref ?? null,
  said,
});

/** The response of success, by the role of the request: text, or undefined for an empty one. */
const successes = {
  request: issue,
  continue: issue,
  finish: issue,
  poll: (exchange) => (exchange.steps > 0 ? pending(exchange) : issue(exchange)),
  rotate: (exchange) => ({ access_token: { value: `rotated-${exchange.id}`, manage: exchange.url, expires_in: 600, access: [] } }),
  cancel: () => undefined,
  revoke: () => undefined,
  start: interact,
};

function issue({ origin, id }) {
  return {
    access_token: { value: `issued-${id}`, manage: `${origin}/rotate/0/fine/${id}`, expires_in: 600, access: [] },
    continue: { access_token: { value: `next-${id}` }, uri: `${origin}/continue/0/fine/${id}` },
  };
}

/** Every step of a poll has a token and an address of its own. */
function pending({ origin, steps, rest, authorization }) {
  const token = `${authorization.replace("GNAP ", "").replace(/\.\d+$/, "")}.${steps - 1}`;
  return { continue: { access_token: { value: token }, uri: `${origin}/poll/${steps - 1}/${rest.join("/")}`, wait: 0.001 } };
}

/** The address of the callback, with a right hash, stands in the address of the wallet. */
function interact({ origin, url, rest, body, query, id }) {
  const { nonce, uri } = body.interact.finish;
  const reference = query.get("reference");
  const serverNonce = `nonce-of-the-server-${id}`;
  const callback = new URL(uri);
  const method = query.get("method") === "sha-512" ? "sha512" : "sha256";
  const hash = interactionHash({ clientNonce: nonce, serverNonce, reference, endpoint: url, encoding: query.get("encoding"), method });
  callback.searchParams.set("hash", hash);
  callback.searchParams.set("interact_ref", reference);
  return {
    interact: { redirect: `https://wallet.example/?callback=${encodeURIComponent(callback.href)}`, finish: serverNonce },
    continue: { access_token: { value: query.get("token") }, uri: `${origin}/finish/0/${rest.join("/")}` },
  };
}

function successText(exchange) {
  if (exchange.wallet) return textOfWallet(exchange);
  const echo = echoOf(exchange);
  if (isResourceCall(exchange.role)) return text(documentOf(exchange.role, exchange, echo));
  const value = successes[exchange.role](exchange);
  return value && text({ ...value, echo });
}

/** A wallet processes a request once, when its response is asked for first. */
function textOfWallet(exchange) {
  exchange.response ??= exchange.wallet.respond(exchange);
  exchange.status = exchange.response.status;
  return exchange.response.value && text(exchange.response.value);
}

function succeed(exchange, headers = json) {
  send(exchange, successText(exchange), headers);
}

function send({ res, status: own }, body, headers = json, status = own ?? (body === undefined ? 204 : 200)) {
  if (!res.destroyed) res.writeHead(status, headers).end(body);
}

/** Adds a member that is written just so. */
function withMember(exchange, raw) {
  const body = successText(exchange) ?? "{}";
  return body.length > 2 ? `${body.slice(0, -1)},"odd":${raw}}` : `{"odd":${raw}}`;
}

const nested = (depth) => "[".repeat(depth) + "]".repeat(depth);

const oddities = {
  latin: () => '"é ü ñ"',
  euro: () => '"€ ☺ Ж 漢"',
  astral: () => '"😀"',
  escapes: () => String.raw`"\u00e9 \u0026 \ud83d\ude00 \/ \b"`,
  ampersand: () => '"& < > \' ="',
  numbers: () => "[-1,1e3,1e21,0.1e-7,-0,1E+2]",
  beyond: () => "[1e400,-1e400,123456789012345678901234567890,1e-400]",
  literals: () => '[true,false,null,{"completed":false}]',
  mark: () => "0",
  nested: () => nested(40),
  members: () => text(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`member ${i}`, i]))),
  separators: () => '"\u2028 \u2029 \u007f"',
};

const junk = [
  "false",
  "-1",
  "1e3",
  "1e21",
  '"é"',
  '""',
  "[]",
  "null",
  "{}",
  '{"access_token":{}}',
  '{"access_token":{"value":5}}',
  '{"access_token":"é"}',
  '{"continue":{}}',
  '{"access_token":',
  '{"access_token":{"value":"x"},}',
  nested(5000),
  "[".repeat(100_000),
  "\u0000",
];
if (junk.length !== junkCount) throw new Error(`there are ${junk.length} kinds of junk`);

const entities = (secret) => [...secret].map((char) => `&#${char.codePointAt(0)};`).join("");
const escapes = (secret) => [...secret].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");

/** A description in which a server repeats everything that it was sent, as JSON text. */
function repeated({ req, body, authorization }, encode = (secret) => text(secret).slice(1, -1)) {
  const secrets = [authorization?.slice(5), body?.interact_ref, req.headers.signature, req.headers["signature-input"]];
  return `"no grant for ${secrets.filter(Boolean).map(encode).join(" or ")}"`;
}

const coded = (code, description) => `{"error":{"code":"${code}","description":${description},"details":{"seen":${description}}}}`;
const wildText = text(`one\r\ntwo\u202Eeno\u0007\u0085\u2066${"long ".repeat(2000)}`);

const forms = {
  coded: (exchange, code) => [coded(code, '"the server says no"'), json],
  bare: (exchange, code) => [text({ error: code }), json],
  codeless: () => ['{"error":{"description":"the schema says no"}}', json],
  text: (exchange) => [repeated(exchange), { "content-type": "text/plain" }],
  html: () => ["<!doctype html><title>Sign in</title><p>Welcome to the hotel", { "content-type": "text/html" }],
  nothing: () => ["", {}],
  wild: (exchange, code) => [coded(code, wildText), json],
  echo: (exchange, code) => [coded(code, repeated(exchange)), json],
  echoPercent: (exchange, code) => [coded(code, repeated(exchange, encodeURIComponent)), json],
  echoEntities: (exchange, code) => [coded(code, repeated(exchange, entities)), json],
  echoEscapes: (exchange, code) => [coded(code, repeated(exchange, escapes)), json],
};

const types = { text: "text/plain", html: "text/html", none: undefined, problem: "application/problem+json" };

/** Each is called with the exchange and its parameters. */
const behaviours = {
  fine: (exchange) => succeed(exchange),
  resetBefore: ({ res }) => res.socket?.resetAndDestroy(),
  resetAfterHeaders({ res }, ms) {
    res.writeHead(200, { ...json, "content-length": 1000 }).flushHeaders();
    setTimeout(() => res.socket?.resetAndDestroy(), Number(ms));
  },
  resetInBody(exchange, ms) {
    const { res } = exchange;
    const part = (successText(exchange) ?? '{"cut":').slice(0, -5);
    res.writeHead(exchange.status ?? 200, json).write(part);
    setTimeout(() => res.socket?.resetAndDestroy(), Number(ms));
  },
  truncated(exchange, how) {
    const { res } = exchange;
    const part = (successText(exchange) ?? '{"cut":').slice(0, -5);
    res
      .writeHead(exchange.status ?? 200, how === "length" ? { ...json, "content-length": part.length + 100 } : json)
      .write(part, () => res.destroy());
  },
  never: ({ res }) => setTimeout(() => res.destroy(), neverMs),
  slowHeaders: (exchange, ms) => setTimeout(succeed, Number(ms), exchange),
  slowBody(exchange, pieces, ms) {
    const body = successText(exchange);
    if (body === undefined) return succeed(exchange);
    const size = Math.ceil(body.length / Number(pieces));
    exchange.res.writeHead(exchange.status ?? 200, json);
    drip(exchange.res, body.match(new RegExp(`.{1,${size}}`, "gsu")), Number(ms));
  },
  endless({ res }, how) {
    res.writeHead(200, json).write('{"access_token":');
    setTimeout(() => res.destroy(), neverMs);
    if (how === "slow") every(res, 20, " ");
    if (how === "fast") flood(res);
  },
  wrongType: (exchange, name) => send(exchange, successText(exchange), types[name] ? { "content-type": types[name] } : {}),
  html: (exchange) => send(exchange, "<!doctype html><title>Sign in</title><p>Welcome to the hotel", { "content-type": "text/html" }),
  redirect: (exchange, status) => send(exchange, "", { location: redirectOf(exchange) }, Number(status)),
  status(exchange, status, form, code, wait) {
    const [body, headers] = forms[form](exchange, code);
    send(exchange, body, { ...headers, ...retryAfter(wait) }, Number(status));
  },
  huge: (exchange, size) => send(exchange, withMember(exchange, text("x".repeat(Number(size))))),
  large: (exchange, size) => send(exchange, withMember(exchange, text("x".repeat(Number(size))))),
  odd: (exchange, name) => send(exchange, (name === "mark" ? "\ufeff" : "") + withMember(exchange, oddities[name]())),
  invalidUtf8: (exchange) => send(exchange, Buffer.from(withMember(exchange, '"\u00ff\u00c3\u00a0 \u00ed"'), "latin1")),
  junk: (exchange, number) => send(exchange, junk[number]),
  tooFast(exchange, wait) {
    if (exchange.attempt > 1 && !exchange.wallet) return succeed(exchange);
    if (waits.includes(exchange.role)) notBefore.set(exchange.path, Date.now() + secondMs);
    const inHeader = /^header(.+)/.exec(wait)?.[1];
    const told = wait === "none" || inHeader ? {} : { continue: { wait: Number(wait) } };
    const headers = { ...json, ...retryAfter(inHeader ?? "none") };
    send(exchange, text({ error: { code: "too_fast", description: "wait" }, ...told }), headers, 400);
  },
  noCORS(exchange) {
    exchange.res.removeHeader("access-control-allow-origin");
    succeed(exchange);
  },
  preflight: (exchange) => succeed(exchange), // it should not have come so far
};

const redirectOf = ({ path, rest, wallet }) => (wallet ? path : path.replace(`/${rest.slice(0, -1).join("/")}/`, "/fine/"));

const retryAfter = (wait) =>
  wait === "none" ? {} : { "retry-after": decodeURIComponent(wait), "access-control-expose-headers": "retry-after" };

function drip(res, pieces, ms) {
  if (res.destroyed) return;
  if (pieces.length === 0) return res.end();
  res.write(pieces[0]);
  setTimeout(drip, ms, res, pieces.slice(1), ms);
}

function every(res, ms, piece) {
  const timer = setInterval(() => res.write(piece), ms);
  res.on("close", () => clearInterval(timer));
}

function flood(res) {
  const piece = Buffer.alloc(64 * 1024, " ");
  const more = () => {
    while (!res.destroyed && res.write(piece));
    if (!res.destroyed) res.once("drain", more);
  };
  more();
}

const preflights = {
  bare: (res) => res.writeHead(204).end(),
  refused: (res) => res.writeHead(403).end(),
  reset: (res) => res.socket?.resetAndDestroy(),
};

function respondToPreflight(req, res, [fault, how]) {
  if (fault === "preflight") return preflights[how](res);
  res
    .writeHead(204, {
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET, POST, PUT, DELETE",
      "access-control-allow-headers": req.headers["access-control-request-headers"] ?? "",
    })
    .end();
}

async function respond(req, res) {
  const { pathname, searchParams } = new URL(req.url, "http://server");
  if (pathname.startsWith("/pay/")) return respondAsWallet(req, res, pathname.split("/").slice(2));
  const [, role, steps, ...rest] = withoutSuffix(pathname.split("/"));
  if (!(role in successes || isResourceCall(role))) return res.writeHead(404).end();
  const isBefore = role === "start" || isBeforeLast(role, Number(steps), searchParams); // the fault is for what follows
  if (req.method === "OPTIONS") return respondToPreflight(req, res, isBefore ? [] : rest);
  const exchange = await exchangeOf(req, res, { role, steps: Number(steps), rest, query: searchParams });
  watch(exchange);
  res.setHeader("access-control-allow-origin", "*");
  const [fault, ...parameters] = rest.slice(0, -1);
  if (isBefore) return succeed(exchange);
  behaviours[fault](exchange, ...parameters);
}

async function respondAsWallet(req, res, [plan, id, ...parts]) {
  const wallet = walletOf(`http://${req.headers.host}/pay/${plan}/${id}`, plan, id);
  if (req.method === "OPTIONS") {
    const place = placeOf(req.headers["access-control-request-method"], parts);
    return respondToPreflight(req, res, wallet.preflightFaultAt(place)?.what ?? []);
  }
  const exchange = await exchangeOf(req, res, { wallet, parts, rest: [id] });
  const { signature } = req.headers;
  const place = placeOf(req.method, parts, exchange.body);
  Object.assign(exchange, { place, role: place }, wallet.faultAt(place, signature));
  const { fault } = exchange;
  const isOther = (other) => other.wallet === wallet && other.path === exchange.path && other.place === place;
  wallet.arrived(exchange, [...active].filter(isOther));
  watch(exchange);
  res.setHeader("access-control-allow-origin", "*");
  if (fault?.isProcessed) textOfWallet(exchange);
  const [name, ...parameters] = fault?.what ?? ["fine"];
  behaviours[name](exchange, ...parameters);
}

function walletOf(base, plan, id) {
  const onBreach = (rule) => violations.push({ id, rule, path: base });
  if (!wallets.has(base)) wallets.set(base, new Wallet(base, JSON.parse(Buffer.from(plan, "base64url")), onBreach));
  return wallets.get(base);
}

function isBeforeLast(role, steps, query) {
  return role.endsWith(".all") ? pageOf(query) < steps : steps > 0;
}

async function exchangeOf(req, res, route) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  const origin = `http://${req.headers.host}`;
  const said = chunks.length > 0 ? String(Buffer.concat(chunks)) : null;
  const body = req.headers["content-type"] === "application/json" && said ? JSON.parse(said) : undefined;
  const { authorization } = req.headers;
  return {
    req,
    res,
    origin,
    path: req.url,
    url: origin + req.url,
    method: req.method,
    authorization,
    body,
    said,
    id: route.rest.at(-1),
    ...route,
  };
}

/** Counts an exchange until it is over, and sees what the server must never see. */
function watch(exchange) {
  const { path, role, id, res } = exchange;
  exchange.attempt = (attempts.get(path) ?? 0) + 1;
  attempts.set(path, exchange.attempt);
  // Browsers repeat a request by themselves when a kept connection closes without a response: it has the same signature.
  const isOther = (other) => other.path === path && other.req.headers.signature !== exchange.req.headers.signature;
  const isTwice = role === "finish" && [...active].some(isOther);
  if (isTwice) violations.push({ id, rule: "a reference is never sent twice at the same time", path });
  if (Date.now() < (notBefore.get(path) ?? 0) - 50)
    violations.push({ id, rule: "waits that a server asks for are a second at least", path });
  active.add(exchange);
  let ended; // on a busy machine what is closed has arrived long ago
  res.on("prefinish", () => (ended = Date.now()));
  res.on("close", () => {
    active.delete(exchange);
    const isPending = role === "poll" && exchange.steps > 0 && res.writableFinished;
    if (isPending) notBefore.set(path.replace(`/poll/${exchange.steps}/`, `/poll/${exchange.steps - 1}/`), ended + secondMs);
  });
}

/** What the server saw since the last report. */
function report() {
  attempts.clear();
  if (active.size === 0) wallets.clear();
  return {
    active: [...active].map(({ role, id, path }) => ({ role, id, path })),
    sockets: sockets.size,
    violations: violations.splice(0),
  };
}

function listenWithFaults() {
  const http = createServer((req, res) => respond(req, res).catch(() => res.destroy()));
  http.keepAliveTimeout = 3000;
  http.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  return listen(http);
}

const isProcess = process.send && process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href;
if (isProcess) {
  process.on("message", () => process.send(report()));
  process.on("disconnect", () => process.exit());
  process.send({ origins: await Promise.all(Array.from({ length: portCount }, listenWithFaults)) });
}
