// Thousands of calls in one instance: none needs the deferred module, memory does not grow.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { receiveAmount, respond as pay } from "../bench/payment-server.mjs";
import { refuseDeferred } from "./harness/deferred.mjs";
import { dist, distWithFaults } from "./harness/packages.mjs";

const timeout = 120_000;

describe("in Node", { timeout: 3 * timeout }, () => {
  let openPayments, memory;
  const deferred = refuseDeferred();

  before(async () => {
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (module, imports) => {
      const instance = await instantiate.call(WebAssembly, module, imports);
      memory ??= imports.gojs && instance.exports.mem;
      return instance;
    };
    openPayments = await import(pathToFileURL(join(dist(), "index.js")));
  });

  const headers = { "content-type": "application/json" };
  const respond = (body) => new Response(JSON.stringify(body), { headers });
  const issued = { access_token: { value: "issued" } };
  let made = 0;

  /** Makes calls, so many at once. Of a hundred one is answered at length, one never and one not before it is aborted. */
  async function makeCalls(count, atOnce, key) {
    for (let i = 0; i < count; i += atOnce) await Promise.all(Array.from({ length: atOnce }, () => makeCall(made++, key)));
  }

  async function makeCall(index, key) {
    const call = { url: "https://server.example/continue/1", accessToken: "token", interactRef: String(index), key };
    const poll = { ...call, interactRef: undefined }; // a continuation with a reference would be waited for after its caller has left
    const never = (url, { signal }) => new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const kinds = {
      1: () => openPayments.continueGrant({ ...call, fetch: async () => respond({ ...issued, long: "x".repeat(500_000) }) }),
      2: () => assert.rejects(openPayments.continueGrant({ ...poll, fetch: never, timeoutMs: 5 }), { code: "timeout" }),
      3: () =>
        assert.rejects(openPayments.continueGrant({ ...poll, fetch: never, signal: AbortSignal.timeout(5) }), { name: "TimeoutError" }),
    };
    const make = kinds[index % 100] ?? (() => openPayments.continueGrant({ ...call, fetch: async () => respond(issued) }));
    await make();
  }

  const pem = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });

  /** Imports a key where WebCrypto has no Ed25519. */
  async function importIntoGo() {
    const { importKey } = SubtleCrypto.prototype;
    SubtleCrypto.prototype.importKey = async () => {
      throw new DOMException("Unrecognized name.", "NotSupportedError");
    };
    try {
      return await openPayments.importKey(pem, { keyId: "key" });
    } finally {
      SubtleCrypto.prototype.importKey = importKey;
    }
  }

  test("goroutines that wait for each other", { timeout }, async () => {
    const { call } = await import(pathToFileURL(join(distWithFaults(), "index.js")));
    await call("contend");
    deferred.assertUnneeded();
  });

  test("addresses with zones, and waits that are no numbers", { timeout }, async () => {
    const key = await openPayments.generateKey();
    const call = { url: "https://server.example/continue/1", accessToken: "token", interactRef: "reference", key };
    for (const uri of [
      "http://[::1%25lo]/1",
      "https://[fe80::1%25eth0]/1",
      "http://[::1%25%25]:80",
      "https://a%20b/1",
      "http://[::ffff:1.2.3.4%25x]/",
    ]) {
      for (const body of [{ access_token: { value: "a", manage: uri } }, { continue: { access_token: { value: "a" }, uri } }]) {
        await assert.rejects(openPayments.continueGrant({ ...call, fetch: async () => respond(body) }), { code: "invalid_response" });
      }
    }
    for (const wait of ["0x10", "0x1p4", "1_0", "0x_1", "infinity", "NaN", "1e400", "-1", "+1", "1.5.5", ".", "9".repeat(400)]) {
      const init = { status: 429, headers: { "retry-after": wait } };
      const fetch = async () => new Response("{}", init);
      await assert.rejects(openPayments.continueGrant({ ...call, fetch }), { code: "http_error" });
    }
    const client = await openPayments.createAuthenticatedClient({ walletAddressUrl: "https://shop.example/till", key, fetch: respond });
    const order = { key: "of a zone", from: "https://a.example", to: "https://b.example", receiveAmount, finishUri: "https://[::1%25lo]/" };
    await assert.rejects(client.payment.start(order), { name: "TypeError" });
    deferred.assertUnneeded();
  });

  test("a payment whose continuation gives no token", { timeout }, async () => {
    const base = "http://127.0.0.1/pay/no-token"; // of the server: /pay/ and an id
    const fetch = async (input, init) => {
      const request = new Request(input, init);
      const { host, pathname: url } = new URL(request.url);
      const { status, body } = pay({ method: request.method, url, headers: { host } }, await request.text());
      const { access_token, ...pending } = body;
      return new Response(JSON.stringify(url.endsWith("/continue") ? pending : body), { status, headers });
    };
    const store = openPayments.memoryStorage();
    const key = await openPayments.generateKey();
    const client = await openPayments.createAuthenticatedClient({ walletAddressUrl: "https://shop.example/till", key, fetch, store });
    const order = { from: `${base}/wallet/payer`, to: `${base}/wallet/shop`, receiveAmount, finishUri: "https://shop.example/callback" };
    const { interact } = await client.payment.start({ key: "an order", ...order });
    const finishing = client.payment.finish(new URL(interact.redirect).searchParams.get("callback"));
    await assert.rejects(finishing, { description: /issued no token/ });
    deferred.assertUnneeded();
  });

  const keys = {
    webcrypto: () => openPayments.importKey(pem, { keyId: "key" }),
    wasm: importIntoGo,
  };
  for (const [backing, importKey] of Object.entries(keys)) {
    test(`a key in ${backing}`, { timeout }, async () => {
      const key = await importKey();
      assert.equal(key.backing, backing);
      await makeCalls(1000, 32, key);
      await makeCalls(1000, 1, key);
      const pages = memory.buffer.byteLength;
      await makeCalls(2000, 32, key);
      await makeCalls(2000, 1, key);
      assert.ok(memory.buffer.byteLength <= pages + 2 ** 20, `${pages} bytes became ${memory.buffer.byteLength}`);
      deferred.assertUnneeded();
    });
  }
});
