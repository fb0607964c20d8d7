// Responses, key texts, callbacks and stored records at random. None may make Go ask for the deferred module, and each call
// settles with a value, a TypeError or an error of ours. From the command line: inputs-cli.mjs.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { refuseDeferred } from "../harness/deferred.mjs";
import { dist } from "../harness/packages.mjs";
import { RandomValues } from "./random-values.mjs";

const atOnce = 128;
const timeoutMs = 3000; // of a call: servers say that it was too fast
const hangsMs = 60_000; // nothing here waits for anything
const most = 10; // failures to tell

const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const { x, d } = privateKey.export({ format: "jwk" });
const pem = privateKey.export({ format: "pem", type: "pkcs8" });
const server = "https://server.example";
const shop = "https://shop.example/callback?order=1";

const quick = { keyId: "key", sign: async () => new Uint8Array(64) }; // nobody verifies these, and to sign takes a fifth of the time

const granted = {
  access_token: { value: "issued", manage: `${server}/manage/1`, expires_in: 600, access: [{ type: "quote", actions: ["create"] }] },
  continue: { access_token: { value: "next" }, uri: `${server}/continue/2` },
};
const started = {
  interact: { redirect: `${server}/interact/1`, finish: "server-nonce" },
  continue: { access_token: { value: "next" }, uri: `${server}/continue/1`, wait: 0 },
};
const codes = [
  "invalid_continuation",
  "user_denied",
  "request_denied",
  "invalid_client",
  "too_fast",
  "invalid_rotation",
  "unknown_interaction",
];
const failed = (random) => ({ error: { code: random.pick(codes), description: "no", wait: 3600 } });

/** Makes the calls of so many inputs; the first has the seed, each further one the next. Returns what each kind came to. */
export async function runInputs({ count, seed }) {
  const deferred = refuseDeferred();
  const openPayments = await import(pathToFileURL(join(dist(), "index.js")));
  const imported = await openPayments.importKey(pem, { keyId: "key" });
  const outcomes = {};
  const failures = [];
  let made = 0;

  async function worker() {
    while (made < count && failures.length < most) {
      const own = seed + made++;
      const random = new RandomValues(own);
      const [kind, makeCall] = random.pick(kinds);
      const key = random.chance(0.1) ? imported : quick;
      const outcome = await settled(() => makeCall({ random, openPayments, key }));
      if (outcome.problem) failures.push(`--count=1 --seed=${own}: ${kind}: ${outcome.problem}`);
      const name = `${kind}: ${outcome.name}`;
      outcomes[name] = (outcomes[name] ?? 0) + 1;
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker));
  deferred.assertUnneeded();
  assert.deepEqual(failures, []);
  return outcomes;
}

async function settled(makeCall) {
  let timer;
  const hangs = new Promise((resolve) => (timer = setTimeout(resolve, hangsMs, { name: "hangs", problem: "it does not settle" })));
  const settles = makeCall().then(
    () => ({ name: "a value" }),
    (error) => judge(error),
  );
  try {
    return await Promise.race([hangs, settles]);
  } finally {
    clearTimeout(timer);
  }
}

/** What a call may reject with: what names an argument, or an error with a code. */
function judge(error) {
  if (error?.name === "TypeError" && /^"[\w.[\]]+" /.test(error.message)) return { name: "TypeError" };
  const isOurs = error?.name === "OpenPaymentsClientError" && typeof error.code === "string";
  if (isOurs && !["internal_error", "module_unavailable"].includes(error.code)) {
    return { name: codes.includes(error.code) ? "a server's code" : error.code };
  }
  return { name: "another error", problem: `${error?.name} ${error?.code}: ${error?.message}${error?.code ? "" : error?.stack}` };
}

/** A function like fetch whose response is at random, most of the time like one that succeeds. */
function responding(random, success) {
  const texts = [
    () => random.changed(success),
    () => random.changed(success),
    () => random.changed(failed(random)),
    () => random.json(5),
    () => random.changed({ error: random.pick(codes) }),
    () => random.changed({ error: { code: random.oddText(), description: random.oddText(30), details: {} } }),
  ];
  const rare = [
    () => manyMembers(random, success),
    () => `${"[".repeat(random.below(20_000))}${"]".repeat(random.below(20_000))}`,
    () => `${'{"a":'.repeat(random.below(12_000))}1`,
    () => `{"access_token":{"value":"${random.oddText(20_000)}"}}`,
  ];
  const text = random.pick(random.chance(0.002) ? rare : texts)();
  const status = random.chance(0.6)
    ? 200
    : random.pick([201, 202, 204, 302, 400, 401, 403, 404, 408, 409, 418, 421, 425, 429, 500, 502, 503, 599]);
  const headers = headersAtRandom(random);
  const body = status === 204 ? null : random.bytes(text);
  return async () => new Response(body, { status, headers });
}

function manyMembers(random, success) {
  const members = Array.from({ length: random.below(20_000) }, (_, i) => `"${random.oddText(1).replaceAll(/["\\]/g, "")}${i}":${i}`);
  return `${JSON.stringify(success).slice(0, -1)},${members.join(",") || '"a":1'}}`;
}

const headerValues = [
  "",
  "0",
  "1",
  "-1",
  "3600",
  "1e3",
  "99999999999999999999",
  "Wed, 21 Oct 2026 07:28:00 GMT",
  "\u00e9",
  "\u00ff\u0080",
  'a, b;c="d"',
  ":AAA=:",
  "?1",
  "  x  ",
];
const contentTypes = [
  "application/json",
  "application/json; charset=utf-8",
  "application/json;charset=latin1",
  "text/html",
  "APPLICATION/JSON",
  "application/gnap+json",
  "",
  "/",
  ";",
];

function headersAtRandom(random) {
  const names = [
    "retry-after",
    "www-authenticate",
    "location",
    "content-length",
    "content-digest",
    "signature",
    "signature-input",
    "link",
    "x-a",
  ];
  const headers = random.list(3, () => [random.pick(names), random.pick(headerValues)]);
  return [["content-type", random.chance(0.8) ? contentTypes[0] : random.pick(contentTypes)], ...headers];
}

/** A wallet that answers so, and the client of a page. */
function clientOf({ random, openPayments, key }, success, store) {
  return openPayments.createAuthenticatedClient({
    walletAddressUrl: "https://wallet.example/shop",
    key,
    requestTimeoutMs: timeoutMs,
    store,
    fetch: responding(random, success),
    validateResponses: random.chance(0.8),
  });
}

const continueAtRandom = ({ random, openPayments, key }) =>
  openPayments.continueGrant({
    url: `${server}/continue/1`,
    accessToken: "token",
    interactRef: `r${random.below(2 ** 31)}`,
    key,
    timeoutMs,
    fetch: responding(random, granted),
  });

async function manageAtRandom(given) {
  const client = await clientOf(given, granted);
  const target = { url: `${server}/manage/${given.random.below(2 ** 31)}`, accessToken: "token" };
  const calls = [() => client.token.rotate(target), () => client.token.revoke(target), () => client.grant.cancel(target)];
  return given.random.pick(calls)();
}

const requested = {
  access_token: { access: [{ type: "quote", actions: ["create"] }] },
  interact: { start: ["redirect"], finish: { method: "redirect", uri: shop } },
};

async function startAtRandom(given) {
  const client = await clientOf(given, started, given.openPayments.memoryStorage());
  return client.grant.start({ url: `${server}/` }, requested);
}

async function importAtRandom({ random, openPayments }) {
  const jwk = { kty: "OKP", crv: "Ed25519", x, d, kid: "key", alg: "EdDSA", use: "sig", key_ops: ["sign"], ext: true };
  const texts = [
    () => pem,
    () => pem.replaceAll("\n", random.pick([" ", "\r\n", "", "\u00a0", "\\n"])),
    () => Buffer.from(pem).toString("base64"),
    () => publicKey.export({ format: "pem", type: "spki" }),
    () => random.changed(jwk),
    () => random.changed({ keys: [jwk] }),
    () => JSON.stringify(jwk),
    () => Buffer.from(d, "base64url").toString("hex"),
    () => Buffer.from(d, "base64url").toString("base64"),
    () => d,
    () => random.oddText(200),
    () => random.json(),
    () => `-----BEGIN PRIVATE KEY-----\n${derAtRandom(random).toString("base64")}\n-----END PRIVATE KEY-----`,
  ];
  const text = random.pick(texts)();
  const forms = [
    () => text,
    () => random.bytes(text).toString(),
    () => random.bytes(text),
    () => derAtRandom(random),
    () => random.value(),
    () => ({ ...jwk, [random.oddText(3) || "kid"]: random.value() }),
  ];
  return openPayments.importKey(random.pick(forms)(), random.chance(0.5) ? { keyId: "key" } : {});
}

/** A private key in DER of which some bytes are others. */
function derAtRandom(random) {
  const der = privateKey.export({ format: "der", type: "pkcs8" });
  for (let left = random.below(4); left > 0; left--) der[random.below(der.length)] = random.below(256);
  return der.subarray(0, random.chance(0.8) ? der.length : random.below(der.length));
}

function hashOf(clientNonce, serverNonce, reference, method = "sha256") {
  return createHash(method)
    .update([clientNonce, serverNonce, reference, `${server}/`].join("\n"))
    .digest("base64");
}

async function verifyAtRandom({ random, openPayments }) {
  const [clientNonce, serverNonce, interactRef] = [random.oddText() || "a", random.oddText() || "b", random.oddText() || "c"];
  const right = hashOf(clientNonce, serverNonce, interactRef, random.pick(["sha256", "sha512"]));
  const hash = random.pick([
    right,
    right.replaceAll("=", ""),
    right.replaceAll("+", "-").replaceAll("/", "_"),
    random.oddText() || "d",
    random.value(),
  ]);
  const hashMethod = random.pick([undefined, "sha-256", "sha-512", "sha-384", random.oddText(), random.value()]);
  return openPayments.verifyInteractionHash({ clientNonce, serverNonce, interactRef, grantEndpoint: `${server}/`, hashMethod, hash });
}

/** Starts a grant that is fine, and finishes it with a callback, a record and a response at random. */
async function finishAtRandom(given) {
  const { random, openPayments, key } = given;
  const [whole, nonce] = [openPayments.memoryStorage(), "client-nonce"];
  const walletAddressUrl = "https://wallet.example/shop";
  const own = structuredClone(requested);
  own.interact.finish.nonce = nonce;
  const fine = await openPayments.createAuthenticatedClient({
    walletAddressUrl,
    key,
    store: whole,
    fetch: async () => Response.json(started),
  });
  await fine.grant.start({ url: `${server}/` }, own);
  const store = random.chance(0.5) ? whole : damaged(whole, random);
  const client = await clientOf(given, granted, store);
  const callback = callbackAtRandom(random, nonce);
  if (random.chance(0.1)) await client.grant.pending();
  return client.grant.finish(callback);
}

function callbackAtRandom(random, nonce) {
  const callback = new URL(shop);
  const reference = random.chance(0.5) ? `r${random.below(2 ** 31)}` : random.oddText() || "r";
  callback.searchParams.set("interact_ref", reference);
  callback.searchParams.set("hash", random.chance(0.8) ? hashOf(nonce, started.interact.finish, reference) : random.oddText());
  const changes = [
    () => callback.searchParams.set("result", random.pick(["grant_rejected", "grant_invalid", random.oddText()])),
    () => callback.searchParams.delete("hash"),
    () => callback.searchParams.delete("interact_ref"),
    () => (callback.pathname = random.oddText()),
    () => callback.searchParams.append("interact_ref", random.oddText()),
    () => (callback.search += `&${random.oddText()}`),
    () => (callback.hash = random.oddText()),
  ];
  if (random.chance(0.3)) random.pick(changes)();
  return random.chance(0.95) ? callback.href : random.pick([random.oddText(), random.value()]);
}

/** A store in which what was written is other than it was. */
function damaged(store, random) {
  return { ...store, get: async (...args) => damage(await store.get(...args), random) };
}

function damage(value, random) {
  if (random.chance(0.1)) return random.value();
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, damage(member, random)]));
}

const kinds = [
  ...Array(4).fill(["a continuation", continueAtRandom]),
  ["a management", manageAtRandom],
  ["a start", startAtRandom],
  ...Array(2).fill(["a key", importAtRandom]),
  ["a hash", verifyAtRandom],
  ...Array(2).fill(["a callback", finishAtRandom]),
];
