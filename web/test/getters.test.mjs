// What getters and Proxies of the caller throw: a TypeError that names the argument and has what was thrown as its cause. And what
// says something else each time that it is read is read once.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { dist } from "./harness/packages.mjs";

const own = new Error("of the caller");
const refuse = () => {
  throw own;
};

/** An object with the members of another, and one whose getter throws. */
const throwing = (name, others = {}) => Object.defineProperty({ ...others }, name, { get: refuse, enumerable: true, configurable: true });

/** An object of which nothing can be read. */
const closed = () => new Proxy({}, { get: refuse, ownKeys: refuse, has: refuse, getOwnPropertyDescriptor: refuse, getPrototypeOf: refuse });

describe("what a caller's own objects throw", () => {
  let sdk, client, key, sent;
  const url = "https://wallet.example/auth";
  const wallet = "https://wallet.example/alice";
  const grant = { access_token: { value: "token", manage: "https://wallet.example/token/1" } };
  const order = {
    ...{ key: "order", from: wallet, to: "https://wallet.example/shop", finishUri: "https://shop.example/callback" },
    receiveAmount: { value: "1", assetCode: "USD", assetScale: 2 },
  };
  const fetch = () => {
    sent += 1;
    throw new Error("no network");
  };

  before(async () => {
    sdk = await import(pathToFileURL(join(dist(), "index.js")));
    key = await sdk.generateKey();
    client = await sdk.createAuthenticatedClient({ walletAddressUrl: wallet, key, fetch, store: sdk.memoryStorage() });
    sent = 0;
  });

  /** Calls, by what is wrong; each with the argument that the error names. */
  const calls = {
    "continueGrant, url": ["url", () => sdk.continueGrant(throwing("url", { key, accessToken: "token", fetch }))],
    "continueGrant, signal": ["signal", () => sdk.continueGrant(throwing("signal", { url, key, accessToken: "token", fetch }))],
    "continueGrant, key": [
      "key.sign",
      () => sdk.continueGrant({ url, key: throwing("sign", { keyId: "a" }), accessToken: "token", fetch }),
    ],
    "continueGrant, url of another make": [
      "url.href",
      () => sdk.continueGrant({ url: throwing("href"), key, accessToken: "token", fetch }),
    ],
    "pollGrant, wait": ["wait", () => sdk.pollGrant(throwing("wait", { url, key, accessToken: "token", fetch }))],
    "verifyInteractionHash, hash": ["hash", () => sdk.verifyInteractionHash(throwing("hash"))],
    "init, wasm": ["wasm", () => sdk.init(throwing("wasm"))],
    "generateKey, keyId": ["keyId", () => sdk.generateKey(throwing("keyId"))],
    "importKey, material": ["material.type", () => sdk.importKey(throwing("type"))],
    "importKey, keyId": ["keyId", () => sdk.importKey("text", throwing("keyId"))],
    "checkPublished, fetch": ["fetch", () => sdk.checkPublished(key, wallet, throwing("fetch"))],
    "saveKey, persist": ["persist", () => sdk.saveKey("name", key, throwing("persist"))],
    "toDecimal, value": ["amount.value", async () => sdk.toDecimal(throwing("value"))],
    "redirectToWallet, grant": ["grant.interact", async () => sdk.redirectToWallet(throwing("interact"))],
    "openWalletTab, tabs": ["tabs", () => sdk.openWalletTab({ interact: { redirect: url } }, throwing("tabs"))],
    "createAuthenticatedClient, store": [
      "store",
      () => sdk.createAuthenticatedClient(throwing("store", { walletAddressUrl: wallet, key })),
    ],
    "createUnauthenticatedClient, fetch": ["fetch", () => sdk.createUnauthenticatedClient(throwing("fetch"))],
    "grant.request, target": ["url", () => client.grant.request(throwing("url"), { access_token: { access: [] } })],
    "grant.request, body": ["args", () => client.grant.request({ url }, { access_token: throwing("access") })],
    "grant.continue, body": ["args", () => client.grant.continue({ url, accessToken: "token" }, throwing("interact_ref"))],
    "grant.cancel, options": ["store", () => client.grant.cancel({ url, accessToken: "token" }, throwing("store"))],
    "grant.start, body": ["body", () => client.grant.start({ url }, throwing("interact"))],
    "grant.start, target": ["signal", () => client.grant.start(throwing("signal", { url }), { interact: { finish: { uri: wallet } } })],
    "grant.start, options": ["store", () => client.grant.start({ url }, {}, throwing("store"))],
    "grant.finish, options": ["pending", () => client.grant.finish(`${wallet}?hash=a&interact_ref=b`, throwing("pending"))],
    "grant.pending, options": ["signal", () => client.grant.pending(throwing("signal"))],
    "grant.forget, options": ["signal", () => client.grant.forget("id", throwing("signal"))],
    "token.rotate, target": ["accessToken", () => client.token.rotate(throwing("accessToken", { url }))],
    "walletAddress.get, target": ["url", () => client.walletAddress.get(throwing("url"))],
    "quote.create, body": ["args.walletAddress", () => client.quote.create({ url, accessToken: "token" }, throwing("walletAddress"))],
    "quote.create, body within": [
      "args",
      () => client.quote.create({ url, accessToken: "token" }, { walletAddress: wallet, debitAmount: throwing("value") }),
    ],
    "outgoingPayment.list, pagination": [
      "cursor",
      () => client.outgoingPayment.list({ url, accessToken: "token", walletAddress: wallet }, throwing("cursor")),
    ],
    "withGrant, grant": ["access_token", () => client.withGrant(throwing("access_token"))],
    "withGrant, token": ["grant", () => client.withGrant({ access_token: throwing("value") })],
    "withGrant, options": ["name", () => client.withGrant(grant, throwing("name"))],
    "fetch, init": ["accessToken", () => client.fetch(url, throwing("accessToken"))],
    "payment.start, key": ["key", () => client.payment.start(throwing("key", order))],
    "payment.start, to": ["to.href", () => client.payment.start({ ...order, to: throwing("href") })],
    "payment.start, amount": ["receiveAmount.value", () => client.payment.start({ ...order, receiveAmount: throwing("value") })],
    "payment.start, metadata": ["metadata", () => client.payment.start({ ...order, metadata: { a: throwing("b") } })],
    "payment.start, toJSON": ["metadata", () => client.payment.start({ ...order, metadata: { toJSON: refuse } })],
    "payment.start, options": ["timeoutMs", () => client.payment.start(order, throwing("timeoutMs"))],
    "payment.finish, options": ["store", () => client.payment.finish(`${wallet}?hash=a&interact_ref=b`, throwing("store"))],
    "payment.watch, payment": ["payment.id", () => client.payment.watch(throwing("id"))],
    "payment.watch, options": ["onProgress", () => client.payment.watch("id", throwing("onProgress"))],
    "payment.pending, options": ["signal", () => client.payment.pending(throwing("signal"))],
    "payment.start, a Proxy": ["key", () => client.payment.start(closed())],
    "payment.start, options that are a Proxy": ["signal", () => client.payment.start(order, closed())],
    "payment.finish, options that are a Proxy": ["signal", () => client.payment.finish(`${wallet}?hash=a&interact_ref=b`, closed())],
    "quote.create, a body that is a Proxy": ["args", () => client.quote.create({ url, accessToken: "token" }, closed())],
    "fetch, init that is a Proxy": ["init", () => client.fetch(url, closed())],
  };
  for (const [what, [argument, call]] of Object.entries(calls)) {
    test(`rule 8: ${what}`, async () => {
      await assert.rejects(call, (error) => {
        assert.equal(error.constructor, TypeError, error.stack);
        assert.ok(error.message.startsWith(`"${argument}" `), error.message);
        let { cause } = error;
        while (cause !== own && cause) cause = cause.cause;
        assert.equal(cause, own);
        return true;
      });
      assert.equal(sent, 0);
    });
  }

  test("an order is read once", async () => {
    const reads = {};
    const counted = (object, path = "") =>
      Object.defineProperties(
        {},
        Object.fromEntries(
          Object.entries(object).map(([name, value]) => {
            const get = () => {
              reads[path + name] = (reads[path + name] ?? 0) + 1;
              return value !== null && typeof value === "object" ? counted(value, `${path}${name}.`) : value;
            };
            return [name, { get, enumerable: true }];
          }),
        ),
      );
    await assert.rejects(client.payment.start(counted({ ...order, metadata: { note: "a" } })), { code: "network_error" });
    const twice = Object.entries(reads).filter(([, count]) => count !== 1);
    assert.deepEqual(twice, []);
    assert.ok(reads["receiveAmount.value"] && reads["metadata.note"], JSON.stringify(reads));
    sent = 0;
  });
});
