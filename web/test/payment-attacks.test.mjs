// Payments in Node, with stores that fail, callers that are careless, and others who go on with the same payment.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { distWithFaults } from "./harness/packages.mjs";
import { Till } from "./harness/payments.mjs";
import { decide, startSandbox } from "./harness/sandbox.mjs";

const timeout = 120_000;

describe("payments in Node", { timeout: 5 * timeout }, () => {
  let sdk, sandbox, till, key;
  let count = 0;

  before(async () => {
    sdk = await import(pathToFileURL(join(distWithFaults(), "index.js"))); // which exports the start of an instance
    sandbox = await startSandbox("-wait", "0s", "-payment-delay", "200ms", "-lenient");
    till = await Till.at(sandbox);
    key = await sdk.importKey(till.privateKey, { keyId: "till-1" });
  });

  after(() => sandbox?.stop());

  const newOrder = (changes) => till.order(`order ${++count}`, changes);
  const clientWith = (options) =>
    sdk.createAuthenticatedClient({ walletAddressUrl: till.walletAddressUrl, key, useHttp: true, store: sdk.memoryStorage(), ...options });

  /** Begins a payment of an order and lets alice approve it. */
  async function approved(client, order = newOrder()) {
    const payment = await client.payment.start(order);
    return { order, payment, callback: (await decide(payment, "approve")).href };
  }

  /** A store that calls `fails` with each value before it is written, and throws where that returns true. */
  function failing(store, fails) {
    const set = (name, value) => {
      if (fails(value, name)) throw Object.assign(new Error("full"), { name: "QuotaExceededError" });
      return store.set(name, value);
    };
    return { ...store, set };
  }

  test("a store that is full at the end of a claim: this page goes on at once", { timeout }, async () => {
    const client = await clientWith({ store: failing(sdk.memoryStorage(), ({ state }) => state === "free"), requestTimeoutMs: 30_000 });
    const { order, callback } = await approved(client);
    const accepted = await client.payment.finish(callback);
    assert.deepEqual(
      (await till.paid(order.key)).map(({ id }) => id),
      [accepted.id],
    );
    assert.equal((await client.payment.finish(callback)).id, accepted.id);
  });

  test("a claim that comes when the instance has died is free again", { timeout }, async () => {
    const store = sdk.memoryStorage();
    let gate;
    const add = async (name, value) => {
      await gate;
      return store.add(name, value);
    };
    const client = await clientWith({ store: { ...store, add }, requestTimeoutMs: 30_000 });
    const { callback } = await approved(client);
    let isAsked;
    const asked = new Promise((resolve) => {
      isAsked = resolve;
    });
    let open;
    gate = { then: (resolve) => (isAsked(), (open = resolve)) };
    const finishing = assert.rejects(client.payment.finish(callback), { code: "internal_error" });
    await asked;
    (await sdk.start()).go.exit();
    await finishing;
    gate = undefined;
    open();
    await client.payment.finish(callback);
  });

  /** A fetch that ends the instance when the response to a request that `is` has come, before the module gets it. */
  function ending(is, respond = () => undefined) {
    let isOver = false;
    return async (url, init) => {
      const early = respond(url, init);
      if (early) return early;
      const response = await fetch(url, init);
      if (!isOver && is(url, init)) {
        isOver = true;
        (await sdk.start()).go.exit();
      }
      return response;
    };
  }

  const hasApproval = ({ code, responseText }) => code === "internal_error" && Boolean(JSON.parse(responseText).access_token);

  test("rule 1: the instance dies with the response to the continuation: the next finish has it", { timeout }, async () => {
    const client = await clientWith({ fetch: ending((url) => url.includes("/continue/")) });
    const { order, callback } = await approved(client);
    await assert.rejects(client.payment.finish(callback), hasApproval);
    const accepted = await client.payment.finish(callback);
    await till.assertPaidOnce(order, accepted);
  });

  test("rule 1: the instance dies with the response to a rotation: the next finish has it", { timeout }, async () => {
    let isAsked = false;
    const over = (url, { method }) => {
      if (isAsked || method !== "POST" || !url.endsWith("/outgoing-payments")) return undefined;
      isAsked = true;
      return Response.json({ error: { code: "403", description: "Inactive Token" } }, { status: 403 });
    };
    const client = await clientWith({ fetch: ending((url, { method }) => method === "POST" && url.includes("/token/"), over) });
    const { order, callback } = await approved(client);
    await assert.rejects(client.payment.finish(callback), hasApproval);
    const accepted = await client.payment.finish(callback);
    await till.assertPaidOnce(order, accepted);
  });

  test("rule 1: a watch that is aborted during a rotation: the store has the new token", { timeout }, async () => {
    const store = sdk.memoryStorage();
    const controller = new AbortController();
    let isOver = false;
    let rotated;
    const own = async (url, init) => {
      if (init.method === "GET" && url.includes("/outgoing-payments/") && !isOver) {
        isOver = true;
        return Response.json({ error: { code: "403", description: "Inactive Token" } }, { status: 403 });
      }
      if (init.method !== "POST" || !url.includes("/token/")) return fetch(url, init);
      const response = await fetch(url, init);
      rotated = (await response.clone().json()).access_token.value;
      controller.abort("left");
      await pause(50);
      init.signal.throwIfAborted();
      return response;
    };
    const client = await clientWith({ store, fetch: own });
    const { payment, callback } = await approved(client);
    await client.payment.finish(callback);
    const watching = client.payment.watch(payment, { signal: controller.signal });
    assert.equal(await watching.catch((reason) => reason), "left");
    const tokenIn = () => JSON.parse(recordIn(store, payment.id)[1].text).token.value;
    for (let i = 0; i < 100 && tokenIn() !== rotated; i++) await pause(20);
    assert.equal(tokenIn(), rotated);
    assert.ok((await client.payment.watch(payment)).outgoingPayment);
  });

  test("a response that was kept is of its own grant alone, and is used once", { timeout }, async () => {
    let isOver = false;
    const client = await clientWith({ fetch: ending((url) => url.includes("/continue/") && !isOver && (isOver = true)) });
    const [mine, other] = [await approved(client), await approved(client)];
    await assert.rejects(client.payment.finish(mine.callback), hasApproval);
    await till.assertPaidOnce(other.order, await client.payment.finish(other.callback));
    await till.assertPaidOnce(mine.order, await client.payment.finish(mine.callback));
  });

  test("rule 11: what this page could not store does not come back when others have forgotten it", { timeout }, async () => {
    const store = sdk.memoryStorage();
    const full = failing(store, ({ text }) => text?.includes('"step":"approved"'));
    const client = await clientWith({ store: full });
    const { order, payment, callback } = await approved(client);
    await assert.rejects(client.payment.finish(callback), { code: "storage_error" });
    const other = await clientWith({ store });
    assert.equal(await other.payment.forget(payment.id), undefined);
    const late = await clientWith({ store: full, fetch: () => assert.fail("sent") });
    assert.deepEqual(await late.payment.pending(), []);
    await assert.rejects(late.payment.finish(callback), { code: "no_pending_payment" });
    await assert.rejects(late.payment.resume(payment.id), { code: "no_pending_payment" });
    assert.deepEqual(await till.paid(order.key), []);
  });

  test("rule 11: what this page could not store does not count when others have gone on", { timeout }, async () => {
    const store = sdk.memoryStorage();
    let failures = 0;
    const isFirst = ({ text }) => text?.includes('"step":"approved"') && failures++ < 2;
    const unsure = {
      ...store,
      set: (name, value) => {
        store.set(name, value);
        if (isFirst(value)) throw new Error("lost");
      },
    };
    const client = await clientWith({ store: unsure });
    const { order, callback } = await approved(client);
    await assert.rejects(
      client.payment.finish(callback),
      ({ code, responseText }) => code === "storage_error" && responseText.includes("access_token"),
    );
    const other = await clientWith({ store });
    const accepted = await other.payment.finish(callback);
    let requests = 0;
    const late = await clientWith({ store: unsure, fetch: (...args) => (requests++, fetch(...args)) });
    assert.equal((await late.payment.finish(callback)).id, accepted.id);
    assert.equal(requests, 0);
    assert.equal((await till.paid(order.key)).length, 1);
  });

  /** The name and the record of a payment in a store. */
  function recordIn(store, id) {
    const name = store.keys().find((name) => name.endsWith(`.payment.${id}`));
    return [name, store.get(name)];
  }

  const damages = {
    "cut off": (text) => text.slice(0, -9),
    "of another type": () => 5,
    "another record's": (text) => text.replace('"id":"', '"id":"x'),
  };
  for (const [what, damage] of Object.entries(damages)) {
    test(`rule 11: a record whose text is damaged, ${what}: its key does not pay again before it is forgotten`, { timeout }, async () => {
      const store = sdk.memoryStorage();
      const client = await clientWith({ store });
      const { order, payment, callback } = await approved(client);
      const accepted = await client.payment.finish(callback);
      const [name, record] = recordIn(store, payment.id);
      store.set(name, { ...record, text: damage(record.text) });
      await assert.rejects(client.payment.start(order), ({ code, message }) => code === "outcome_unknown" && message.includes(payment.id));
      await client.payment.start(newOrder()); // other keys are not concerned
      await assert.rejects(client.payment.forget(payment.id), { code: "outcome_unknown" });
      assert.equal(store.get(name), undefined);
      await till.assertPaidOnce(order, accepted);
      assert.equal((await client.payment.start(order)).step, "interact");
    });
  }

  const usd = (value) => ({ value, assetCode: "USD", assetScale: 2 });

  /** Lets alice approve a subscription and makes its first payment, with a client. Returns the order. */
  async function subscribed(client) {
    const order = newOrder({ interval: "R/2020-01-01T00:00:00Z/P1Y", receiveAmount: undefined, debitAmount: usd("5000") });
    await client.payment.finish((await approved(client, order)).callback);
    return order;
  }

  test("a kept grant pays from the store that keeps it: one of its name in another store is another's", { timeout }, async () => {
    const [store, other] = [sdk.memoryStorage(), sdk.memoryStorage()];
    const client = await clientWith({ store });
    const { key, to } = await subscribed(client);
    const grant = await client.withGrant({ name: key });
    const theirs = await client.withGrant(await grant.grant(), { name: key, store: other });
    const another = { to, amount: usd("1"), key: "2026-12" };
    await assert.rejects(
      client.payment.again({ grant, ...another }, { store: other }),
      ({ constructor, message }) => constructor === TypeError && message.startsWith('"store" must be'),
    );
    const late = (error) => error.code === "interval_used_up"; // so it was asked for, and looked for in the right store
    await assert.rejects(client.payment.again({ grant, ...another }, { store }), late);
    await assert.rejects(client.payment.again({ grant: theirs, ...another }), late);
    await assert.rejects(
      client.payment.again(),
      ({ constructor, message }) => constructor === TypeError && message.startsWith('"another" must be'),
    );
  });

  test("a key under which a grant is kept begins no other, and its token is not rotated for that", { timeout }, async () => {
    const store = sdk.memoryStorage();
    let rotations = 0;
    const own = (url, init) => {
      if (init.method === "POST" && url.includes("/token/")) rotations++;
      return fetch(url, init);
    };
    const client = await clientWith({ store, fetch: own });
    const order = await subscribed(client);
    const [{ id }] = await client.payment.pending();
    await client.payment.forget(id);
    const name = store.keys().find((name) => name.endsWith(`.grant.${order.key}`));
    store.set(name, { ...store.get(name), since: 0 }); // its time is over
    await assert.rejects(client.payment.start(order), { code: "key_in_use" });
    assert.equal(rotations, 0);
  });

  test(
    "rule 7: a watch ends in time, or with its signal, where the store never answers, and holds no claim then",
    { timeout },
    async () => {
      const never = () => new Promise(() => {});
      const isOfPayment = (name) => name.includes(".payment.");
      const silent = {
        keys: (store) => ({ ...store, keys: never }),
        "get, at first": (store) => ({ ...store, get: never }),
        "get, of a claim": (store) => ({
          ...store,
          get: (name) => (isOfPayment(name) && name.includes("claim") ? never() : store.get(name)),
        }),
        "get, in turn": (store) => {
          let isAlone = false;
          const add = (...entry) => {
            isAlone = true;
            return store.add(...entry);
          };
          return { ...store, add, get: (name) => (isAlone && isOfPayment(name) ? never() : store.get(name)) };
        },
        add: (store) => ({ ...store, add: never }),
      };
      const whole = sdk.memoryStorage();
      const client = await clientWith({ store: whole });
      const { callback } = await approved(client);
      const { id } = await client.payment.finish(callback);
      const hasty = await clientWith({ requestTimeoutMs: 300 });
      for (const [what, make] of Object.entries(silent)) {
        await assert.rejects(hasty.payment.watch(id, { store: make(whole) }), { code: "timeout", retryable: true }, what);
        const controller = new AbortController();
        const watching = hasty.payment.watch(id, { store: make(whole), signal: controller.signal });
        setTimeout(() => controller.abort("left"), 100);
        assert.equal(await watching.catch((reason) => reason), "left", what);
      }
      assert.ok((await client.payment.watch(id)).outgoingPayment);
    },
  );

  test("a watch gives up in time, and leaves a rotation that is not answered", { timeout }, async () => {
    const store = sdk.memoryStorage();
    let isSilent = false;
    const lose = [];
    const own = (url, init) => {
      if (!isSilent) return fetch(url, init);
      if (init.method === "GET") return Response.json({ error: { code: "403", description: "Inactive Token" } }, { status: 403 });
      return new Promise((_, reject) => lose.push(reject));
    };
    const client = await clientWith({ store, fetch: own });
    await subscribed(client);
    const [{ id }] = await client.payment.pending();
    isSilent = true;
    await assert.rejects(client.payment.watch(id, { timeoutMs: 1000 }), { code: "payment_pending" });
    assert.equal(lose.length, 1);
    lose[0](new TypeError("Failed to fetch")); // it may take two minutes, for whoever uses the grant
  });

  test("a rotation that is never answered is no fault of the store, for whoever joins the call neither", { timeout }, async () => {
    const store = sdk.memoryStorage();
    const never = (url, init) => (init.method === "POST" && url.includes("/token/") ? new Promise(() => {}) : fetch(url, init));
    const client = await clientWith({ store, fetch: never, requestTimeoutMs: 5500 });
    const { key, to } = await subscribed(client);
    const name = store.keys().find((name) => name.includes(".grant."));
    store.set(name, { ...store.get(name), since: 0 }); // its time is over
    const grant = await client.withGrant({ name: key });
    const again = () => client.payment.again({ grant, key: "another", to, amount: usd("1") });
    const tooSlow = { code: "timeout", message: /rotation.*has processed nothing of this call/ };
    await Promise.all([again(), pause(1000).then(again)].map((call) => assert.rejects(call, tooSlow)));
  });

  test(
    "rule 11: a damaged record of a payment by a kept grant keeps its key from paying again, with that grant alone",
    { timeout },
    async () => {
      const store = sdk.memoryStorage();
      const client = await clientWith({ store });
      const { from, to, finishUri } = newOrder();
      const limits = { debitAmount: { value: "5000", assetCode: "USD", assetScale: 2 }, interval: "R/2020-01-01T00:00:00Z/P1Y" };
      const access = [{ type: "outgoing-payment", actions: ["create", "read", "list"], identifier: from, limits }];
      const interact = { start: ["redirect"], finish: { method: "redirect", uri: finishUri } };
      const { authServer } = await client.walletAddress.get({ url: from });
      const pending = await client.grant.start({ url: authServer }, { access_token: { access }, interact });
      const grant = await client.withGrant(await client.grant.finish((await decide(pending, "approve")).href), { name: "allowance" });
      const other = await client.withGrant(await grant.grant(), { name: "other" });
      const another = { to, amount: { value: "100", assetCode: "USD", assetScale: 2 }, key: "2026-12" };
      const { id } = await client.payment.again({ grant, ...another });
      const name = store.keys().find((name) => name.includes(".payment.") && !name.includes(".claim."));
      store.set(name, { ...store.get(name), text: "{" });
      await assert.rejects(client.payment.again({ grant, ...another }), { code: "outcome_unknown" });
      assert.notEqual((await client.payment.again({ grant: other, ...another })).id, id);
    },
  );

  test("a damaged record of what was never sent gives way", { timeout }, async () => {
    const store = sdk.memoryStorage();
    const client = await clientWith({ store });
    const order = newOrder();
    const { id } = await client.payment.start(order);
    const [name, record] = recordIn(store, id);
    store.set(name, { ...record, text: "" });
    assert.notEqual((await client.payment.start(order)).id, id);
    assert.equal(store.get(name), undefined);
  });

  test("what is no argument is a TypeError that names it, and nothing is sent", { timeout }, async () => {
    const fetch = () => assert.fail("sent");
    const { payment } = await clientWith({ fetch });
    const amount = { value: "1", assetCode: "USD", assetScale: 2 };
    const starts = {
      key: { key: "\ud800 order" },
      "receiveAmount.assetScale": { receiveAmount: { ...amount, assetScale: 256 } },
      "debitAmount.assetScale": { receiveAmount: undefined, debitAmount: { ...amount, assetScale: -1 } },
      metadata: { metadata: { toJSON: () => 5 } },
      finishUri: { finishUri: "javascript:alert(1)" },
    };
    for (const [name, changes] of Object.entries(starts)) {
      await assert.rejects(
        payment.start(newOrder(changes)),
        ({ constructor, message }) => constructor === TypeError && message.startsWith(`"${name}"`),
      );
    }
  });

  test("metadata nested too deep: the error says so, and in another order they are the same", { timeout }, async () => {
    const { payment } = await clientWith();
    const nested = (levels) => JSON.parse(`${'{"a":'.repeat(levels - 1)}{}${"}".repeat(levels - 1)}`);
    const tooDeep = ({ constructor, message }) => constructor === TypeError && /^"metadata" must .*nested/.test(message);
    await assert.rejects(payment.start(newOrder({ metadata: nested(251) })), tooDeep);
    let endless = {};
    for (let i = 0; i < 100_000; i++) endless = { a: endless };
    await assert.rejects(payment.start(newOrder({ metadata: endless })), tooDeep);
    const order = newOrder({ metadata: { a: "1", b: "2" } });
    const { id } = await payment.start(order);
    assert.equal((await payment.start({ ...order, metadata: { b: "2", a: "1" } })).id, id);
  });

  test("options are read once", { timeout }, async () => {
    const store = sdk.memoryStorage();
    const client = await clientWith({ store });
    const { callback } = await approved(client);
    let reads = 0;
    const options = {
      get store() {
        if (reads++) throw new Error("read again");
        return store;
      },
    };
    assert.ok((await client.payment.finish(callback, options)).id);
  });

  test("openWalletTab takes a payment, and returns the callback", { timeout }, async () => {
    const client = await clientWith();
    const order = newOrder();
    const payment = await client.payment.start(order);
    const listeners = { onUpdated: [], onRemoved: [] };
    const event = (name) => ({ addListener: (fn) => listeners[name].push(fn), removeListener: () => (listeners[name] = []) });
    const opened = [];
    const tabs = {
      create: async ({ url }) => ({ id: opened.push(url) }),
      remove: async () => {},
      onUpdated: event("onUpdated"),
      onRemoved: event("onRemoved"),
    };
    const returning = sdk.openWalletTab(payment, { tabs, finishUri: order.finishUri });
    while (listeners.onUpdated.length === 0) await pause(1);
    const callback = (await decide({ interact: { redirect: opened[0] } }, "approve")).href;
    for (const url of [opened[0], callback]) listeners.onUpdated.forEach((fn) => fn(1, { url }));
    assert.equal(await returning, callback);
    await till.assertPaidOnce(order, await client.payment.finish(await returning));
  });

  test("onProgress may call the client, and may throw", { timeout }, async () => {
    const client = await clientWith();
    const accepted = await client.payment.finish((await approved(client)).callback);
    const pending = [];
    const onProgress = () => {
      pending.push(client.payment.pending());
      throw new Error("of the caller");
    };
    const { receivedAmount } = await client.payment.watch(accepted, { onProgress });
    assert.equal(receivedAmount.value, "1250");
    assert.ok((await Promise.all(pending)).every(Array.isArray));
  });

  test("many payments: no warning of listeners that stay", { timeout }, async () => {
    const store = sdk.memoryStorage();
    const client = await clientWith({ store });
    await client.payment.start(newOrder());
    const [[name, record]] = store
      .keys()
      .filter((name) => name.includes(".payment.") && !name.includes(".claim."))
      .map((name) => [name, store.get(name)]);
    for (let i = 0; i < 20; i++) {
      const id = `${record.id}${i}`;
      store.set(name + i, { ...record, id, text: record.text.replace(`"id":"${record.id}"`, `"id":"${id}"`) });
    }
    const warnings = [];
    const onWarning = (warning) => warnings.push(warning.name);
    process.on("warning", onWarning);
    assert.equal((await client.payment.pending()).length, 21);
    await pause(10);
    process.off("warning", onWarning);
    assert.deepEqual(warnings, []);
  });
});
