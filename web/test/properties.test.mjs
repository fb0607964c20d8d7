// Properties, of inputs that fast-check makes: what is sent is what was given, signed so that others can verify it, and every call
// ends. In Node, against a server that remembers what it got.

import assert from "node:assert/strict";
import { createHash, createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import fc from "fast-check";
import { httpbis } from "http-message-signatures";
import { close, listen } from "./harness/http.mjs";
import { dist } from "./harness/packages.mjs";
import { isAccepted } from "./harness/verify.mjs";

const timeout = 120_000;
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);

/** Asserts a property of so many inputs. The seed is printed, and SEED=… repeats it. */
async function always(t, numRuns, ...property) {
  t.diagnostic(`SEED=${seed}`);
  await fc.assert(fc.asyncProperty(...property), { seed, numRuns, endOnFailure: true, includeErrorInReport: true });
}

/** Text of any code units: halves of surrogate pairs, control characters and line ends among them. */
const anyText = fc.oneof(
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
  fc.string({ unit: "grapheme" }),
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom(..."\r\n\t \0\"\\';:,=()<>&%/+\u2028\ufeff\ud800é😀a1") }),
);
const anyJson = fc.oneof(fc.jsonValue({ stringUnit: "binary" }), fc.dictionary(anyText, fc.jsonValue()));

describe("properties", { timeout: 5 * timeout }, () => {
  let sdk, key, jwk, publicKey, http, origin, respond;
  let requests = [];

  before(async () => {
    sdk = await import(pathToFileURL(join(dist(), "index.js")).href);
    key = await sdk.importKey(new Uint8Array(32).fill(9), { keyId: "key-1" });
    jwk = await sdk.publicJwk(key);
    publicKey = createPublicKey({ key: jwk, format: "jwk" });
    http = createServer(async (req, res) => {
      requests.push({ method: req.method, url: `${origin}${req.url}`, headers: req.headers, body: await buffer(req) });
      res.setHeader("content-type", "application/json");
      res.end(respond());
    });
    origin = await listen(http);
  });

  after(() => close(http));

  /** What a call sent: nothing, or one request. `outcome` is what it came to. */
  async function sentBy(call, response = '{"access_token":{"value":"issued","manage":"https://as.example/t","access":[]}}') {
    requests = [];
    respond = () => response;
    const outcome = await call().then(
      (value) => ({ value }),
      (error) => ({ error }),
    );
    assert.ok(requests.length <= 1, "sent more than once");
    return { request: requests[0], outcome };
  }

  /** The signature base as http-message-signatures makes it, and whether the signature is one of it. */
  function isSignatureOfOther({ method, url, headers }) {
    const [, parameters, names] = /^sig1=((\([^)]*\)).*)$/.exec(headers["signature-input"]);
    const fields = names.slice(1, -1).split(" ");
    const base = httpbis.createSignatureBase({ fields }, { method, url, headers });
    base.push(['"@signature-params"', [parameters]]);
    const signature = Buffer.from(/^sig1=:(.*):$/.exec(headers.signature)[1], "base64");
    return verify(null, Buffer.from(httpbis.formatSignatureBase(base)), publicKey, signature);
  }

  async function assertVerified(request) {
    assert.ok(await isAccepted(request, jwk), "the official verifier refuses it");
    assert.ok(isSignatureOfOther(request), "it is no signature of the base that http-message-signatures makes");
  }

  test("any JSON body survives the trip, there and back, and verifies with the official verifier", { timeout }, async (t) => {
    const client = await sdk.createAuthenticatedClient({ walletAddressUrl: "https://shop.example/till", key, validateResponses: false });
    await always(t, 300, anyJson, anyJson, async (given, answered) => {
      const body = { access_token: { access: [given] } };
      const response = JSON.stringify({ answered });
      const { request, outcome } = await sentBy(() => client.grant.request({ url: `${origin}/` }, body), response);
      assert.deepEqual(outcome.error, undefined);
      assert.deepEqual(outcome.value, JSON.parse(response));
      const sent = JSON.parse(request.body);
      assert.deepEqual(sent.access_token, JSON.parse(JSON.stringify(body.access_token)));
      assert.equal(request.body.toString(), JSON.stringify(sent), "it is not what JSON.stringify writes");
      await assertVerified(request);
    });
  });

  test("any text as reference, token or key id is refused by name or arrives unchanged", { timeout }, async (t) => {
    const plain = fc.constant("plain");
    const ofEach = fc.oneof(fc.tuple(anyText, plain, plain), fc.tuple(plain, anyText, plain), fc.tuple(plain, plain, anyText));
    let arrived = 0;
    await always(t, 600, ofEach, async ([interactRef, accessToken, keyId]) => {
      const call = () => sdk.continueGrant({ url: `${origin}/c`, interactRef, accessToken, key: { ...key, keyId } });
      const { request, outcome } = await sentBy(call);
      if (outcome.error) {
        assert.equal(request, undefined, "it was sent, and refused");
        const ofKey = outcome.error.code === "invalid_key" && keyId !== "plain";
        const named = outcome.error instanceof TypeError && /^"(interactRef|accessToken|key[\w.]*)" /.exec(outcome.error.message)?.[1];
        assert.ok(ofKey || named, `${outcome.error.name}: ${outcome.error.message}`);
        if (named === "interactRef") assert.equal(interactRef, "");
        return;
      }
      arrived += 1;
      assert.deepEqual(JSON.parse(request.body), { interact_ref: interactRef });
      assert.equal(request.headers.authorization, `GNAP ${accessToken}`);
      const [, written] = /;keyid="((?:[^"\\]|\\.)*)"/.exec(request.headers["signature-input"]);
      assert.equal(written.replaceAll(/\\(.)/g, "$1"), keyId);
      if (!/[;="\\,\s()]/.test(keyId))
        await assertVerified(request); // the official verifier splits at semicolons
      else assert.ok(isSignatureOfOther(request));
    });
    assert.ok(arrived > 100, `${arrived} arrived`);
  });

  test("whatever the path and the query, what is signed is what was requested", { timeout }, async (t) => {
    const part = fc.oneof(anyText, fc.webPath(), fc.constantFrom("..", ".", "//", "%2e%2e", "%", "?", "a;b=c", "\\", "{}", "é", "%zz"));
    const path = fc.array(part, { maxLength: 4 }).map((parts) => parts.join("/"));
    await always(t, 300, path, fc.option(anyText), async (path, query) => {
      const url = `${origin}/${path}${query === null ? "" : `?${query}`}`;
      if (!URL.canParse(url) || new URL(url).origin !== origin) return;
      if (new URL(url).href.replace(/#.*/s, "").endsWith("?")) return; // browsers send such a "?", and Node's fetch does not
      const { request, outcome } = await sentBy(() => sdk.continueGrant({ url, interactRef: "r", accessToken: "t", key }));
      if (outcome.error) {
        assert.match(outcome.error.message, /^"url" /);
        assert.equal(request, undefined);
        return;
      }
      await assertVerified(request);
    });
  });

  test("an interaction hash is right when node:crypto says so", { timeout }, async (t) => {
    const parts = fc.record({ clientNonce: anyText, serverNonce: anyText, interactRef: anyText, path: fc.webPath() });
    await always(t, 300, parts, fc.constantFrom("sha-256", "sha-512"), fc.boolean(), async (parts, hashMethod, isRight) => {
      const { path, ...given } = parts;
      const grantEndpoint = `https://as.example${path}`;
      const lines = [given.clientNonce, given.serverNonce, given.interactRef, isRight ? grantEndpoint : `${grantEndpoint}x`];
      const hash = createHash(hashMethod.replace("-", "")).update(lines.join("\n")).digest("base64url");
      const { error } = await sdk.verifyInteractionHash({ ...given, grantEndpoint, hashMethod, hash }).then(
        () => ({}),
        (error) => ({ error }),
      );
      const isComplete = [given.clientNonce, given.serverNonce, given.interactRef].every(Boolean);
      if (isComplete) assert.equal(error?.code, isRight ? undefined : "hash_mismatch", error?.message);
      else assert.ok(error instanceof TypeError || error?.code === "hash_mismatch", String(error));
    });
  });

  test("whatever the arguments, nothing throws at once where it returns a promise, and nothing stays pending", { timeout }, async (t) => {
    const client = await sdk.createAuthenticatedClient({
      walletAddressUrl: "https://shop.example/till",
      key,
      store: sdk.memoryStorage(),
      fetch: async () => new Response("{}", { status: 404 }),
      requestTimeoutMs: 5_000,
    });
    const ofModule = [
      "continueGrant",
      "pollGrant",
      "verifyInteractionHash",
      "importKey",
      "generateKey",
      "checkPublished",
      "openWalletPopup",
    ];
    const ofKeys = ["createAuthenticatedClient", "createUnauthenticatedClient", "saveKey", "loadKey", "listKeys", "deleteKey"];
    const groups = ["grant", "token", "walletAddress", "incomingPayment", "quote", "outgoingPayment", "payment"];
    const functions = [
      ...[...ofModule, ...ofKeys].map((name) => [name, sdk[name]]),
      ...groups.flatMap((group) => Object.entries(client[group]).map(([name, method]) => [`${group}.${name}`, method])),
      ["fetch", client.fetch],
      ["withGrant", client.withGrant],
    ].filter(([name]) => !name.endsWith(".all")); // which is a generator
    const argument = fc.oneof(
      fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true, withTypedArray: true }),
      fc.record(
        {
          url: fc.oneof(fc.constant("https://as.example/"), fc.anything()),
          accessToken: fc.oneof(fc.constant("token"), fc.anything()),
          key: fc.oneof(fc.constant(undefined), fc.anything()),
          signal: fc.anything(),
          timeoutMs: fc.oneof(fc.constant(2_000), fc.anything()),
          store: fc.anything(),
          fetch: fc.anything(),
        },
        { requiredKeys: [] },
      ),
    );
    await always(t, 600, fc.constantFrom(...functions), fc.array(argument, { maxLength: 3 }), async ([name, fn], given) => {
      let promise;
      try {
        promise = fn(...given);
      } catch (error) {
        assert.fail(`${name} throws ${error}`);
      }
      assert.equal(typeof promise?.then, "function", name);
      const late = new AbortController();
      const outcome = await Promise.race([
        promise.then(
          () => "a value",
          (error) => error,
        ),
        pause(30_000, "pending", { signal: late.signal, ref: false }),
      ]);
      late.abort();
      assert.notEqual(outcome, "pending", name);
      const isOurs = outcome === "a value" || outcome instanceof TypeError || typeof outcome.code === "string";
      assert.ok(isOurs, `${name}: ${outcome?.name} ${outcome?.message}`);
    });
  });
});
