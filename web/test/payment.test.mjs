// A payment in two calls: it survives everything that a browser does, and it is paid once or not at all.

import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { assertSilent } from "./harness/lab.mjs";
import { Life, Till } from "./harness/payments.mjs";
import { during, startProxy } from "./harness/proxy.mjs";
import { decide, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";
import { kills } from "./harness/steps.mjs";

const timeout = 120_000;

describeInBrowsers({ timeout: 5 * timeout }, ({ name: browserName, launch, start }) => {
  let browser, site, sandbox, proxy, till, tab, other;
  let count = 0;

  before(async () => {
    [browser, site, sandbox] = await start(launch(), startSite(), startSandbox("-wait", "0s", "-payment-delay", "200ms", "-lenient"));
    [proxy] = await start(startProxy(sandbox));
    till = await Till.at(proxy);
    [tab, other] = [await till.open(browser, site), await till.open(browser, site)];
  });

  afterEach(() => {
    proxy.requestHandler = proxy.responseHandler = proxy.preflightHandler = undefined;
  });

  const newOrder = (changes) => till.order(`order ${++count}`, changes);
  const isCreation = ({ method, url }) => method === "POST" && url.endsWith("/outgoing-payments");
  const valueOf = ({ value, error }) => {
    assert.equal(error, undefined, error?.message);
    return value;
  };
  const assertFailed = ({ error }, code, words = /./) => {
    assert.equal(error?.code, code, JSON.stringify(error));
    assert.match(error.message, words);
    return error;
  };
  const assertPaidOnce = (order, outgoing) => till.assertPaidOnce(order, outgoing);

  test("from the order to the arrival: eight requests, few preflights, and money that has moved once", { timeout }, async () => {
    const order = newOrder();
    // As with the reference server, browsers decide for themselves how long they remember a preflight.
    proxy.preflightHandler = (headers) => delete headers["access-control-max-age"];
    const [{ payment, callback }, begun] = await during(proxy, () => tab.approved(order));
    assert.equal(payment.step, "interact");
    assert.deepEqual(payment.quote.receiveAmount, order.receiveAmount);
    const [outcome, finished] = await during(proxy, () => tab.finish(callback));
    const accepted = valueOf(outcome);
    const sent = [...begun, ...finished].filter(({ method, url }) => method !== "OPTIONS" && !url.includes("/interact/"));
    assert.equal(sent.length, 8, sent.map(({ method, url }) => `${method} ${url}`).join("\n"));
    // Wallet addresses are read without one, and one is remembered for the second grant: in Firefox not within the first 100 ms of a context.
    const preflights = [...begun, ...finished].filter(({ method }) => method === "OPTIONS").map(({ url }) => url);
    assert.ok(preflights.length <= (browserName === "Firefox" ? 6 : 5), preflights.join("\n"));
    const { value, error } = await tab.outcome(async (accepted) => {
      const seen = [];
      const arrived = await lab.client.payment.watch(accepted, { onProgress: ({ receivedAmount }) => seen.push(receivedAmount.value) });
      return { arrived, seen };
    }, accepted);
    assert.equal(error, undefined, error?.message);
    assert.equal(value.arrived.receivedAmount.value, "1250");
    assert.equal(value.seen.at(-1), "1250");
    await assertPaidOnce(order, accepted);
    assert.deepEqual(valueOf(await tab.finish(callback)), value.arrived.outgoingPayment); // for a day
    assert.ok(!(await tab.pending()).some(({ id }) => id === payment.id));
  });

  test("equal calls at once, in two tabs: one payment", { timeout }, async () => {
    const order = newOrder();
    const started = await Promise.all([tab.start(order), tab.start(order), other.start(order)]);
    const ids = new Set(started.map((outcome) => valueOf(outcome).id));
    assert.equal(ids.size, 1);
    const callback = (await decide(started[0].value, "approve")).href;
    const [outcomes, sent] = await during(proxy, () => Promise.all([tab.finish(callback), tab.finish(callback), other.finish(callback)]));
    for (const outcome of outcomes) await assertPaidOnce(order, valueOf(outcome));
    assert.equal(sent.filter(isCreation).length, 1);
  });

  test("a key that is known: the payment as it stands, another order is refused", { timeout }, async () => {
    const order = newOrder();
    const { payment, callback } = await tab.approved(order);
    const [again, sent] = await during(proxy, () => other.start(order));
    assert.deepEqual([valueOf(again).id, valueOf(again).interact, sent], [payment.id, payment.interact, []]);
    assertFailed(
      await tab.start({ ...order, receiveAmount: { ...order.receiveAmount, value: "1" } }),
      "key_in_use",
      new RegExp(payment.id),
    );
    const accepted = valueOf(await tab.finish(callback));
    assert.equal(valueOf(await other.start(order)).outgoingPayment.id, accepted.id);
  });

  test("an asset that is not the wallet's: a TypeError before anything is signed", { timeout }, async () => {
    const order = newOrder({ receiveAmount: { value: "1", assetCode: "EUR", assetScale: 2 } });
    const [{ error }, sent] = await during(proxy, () => tab.start(order));
    assert.equal(error?.kind, "TypeError");
    assert.match(error.message, /^"receiveAmount.assetCode" must be USD/);
    assert.deepEqual(
      sent.filter(({ signed }) => signed),
      [],
    );
  });

  test("the person declines: nothing is paid, and it stays until it is forgotten", { timeout }, async () => {
    const order = newOrder();
    const payment = valueOf(await tab.start(order));
    const back = (await decide(payment, "decline")).href;
    assertFailed(await tab.finish(back), "interaction_rejected", /declined/);
    assert.ok((await tab.pending()).some(({ id }) => id === payment.id));
    const { error } = await tab.outcome(
      (id) => lab.client.payment.resume(id).catch((error) => Promise.reject(Object.assign(error, { details: error.payment.interact }))),
      payment.id,
    );
    assert.deepEqual([error.code, error.details], ["interaction_required", payment.interact]);
    assert.equal(valueOf(await tab.pay("forget", payment.id)), undefined);
    assert.deepEqual(await till.paid(order.key), []);
  });

  test("grants and payments do not touch each other", { timeout }, async () => {
    const { callback } = await tab.approved(newOrder());
    const error = assertFailed(
      await tab.outcome((callback) => lab.client.grant.finish(callback), callback),
      "no_pending_grant",
      /client.payment.finish/,
    );
    assert.equal(error.status, undefined);
    const forged = callback.replace(/hash=[^&]+/, "hash=AAAA");
    assertFailed(await tab.finish(forged), "hash_mismatch", /client.grant.finish/);
    assertFailed(await tab.finish(forged, { store: "memory" }), "no_pending_payment", /client.grant.finish/);
    valueOf(await tab.finish(callback));
  });

  const faults = {
    "lost before it came": { when: "requestHandler", what: () => Promise.reject(new Error("broken off")), paidAlready: false },
    "lost after it was processed": { when: "responseHandler", what: () => Promise.reject(new Error("broken off")), paidAlready: true },
    "500 after it was processed": { when: "responseHandler", what: () => ({ status: 500, body: "no" }), paidAlready: true },
    "503 in its place": { when: "requestHandler", what: () => ({ status: 503, body: "later" }), paidAlready: false },
  };
  for (const [name, { when, what, paidAlready }] of Object.entries(faults)) {
    test(`rule 11: a request to pay, ${name}: a look before anything else`, { timeout }, async () => {
      const order = newOrder();
      const { callback } = await tab.approved(order);
      proxy[when] = (request) => (isCreation(request) ? what() : undefined);
      const first = await tab.finish(callback);
      proxy[when] = undefined;
      if (paidAlready) return assertPaidOnce(order, valueOf(first));
      assertFailed(first, "outcome_unknown");
      const [second, sent] = await during(proxy, () => other.finish(callback));
      await assertPaidOnce(order, valueOf(second));
      const signed = sent.filter(({ signed }) => signed).map(({ method, url }) => `${method} ${new URL(url).pathname.split("/").at(-1)}`);
      assert.deepEqual(signed, ["GET outgoing-payments", "POST outgoing-payments"]);
    });
  }

  test("rule 11: a look that fails is no result", { timeout }, async () => {
    const order = newOrder();
    const { payment, callback } = await tab.approved(order);
    proxy.responseHandler = (request) => {
      if (isCreation(request)) throw new Error("broken off");
      return request.method === "GET" && request.url.includes("/outgoing-payments?") ? { status: 500, body: "no" } : undefined;
    };
    assertFailed(await tab.finish(callback), "outcome_unknown");
    const [again, sent] = await during(proxy, () => tab.pay("resume", payment.id));
    assertFailed(again, "outcome_unknown");
    assert.equal(sent.filter(isCreation).length, 0);
    assertFailed(await tab.pay("forget", payment.id), "outcome_unknown");
    proxy.responseHandler = undefined;
    await assertPaidOnce(order, valueOf(await tab.pay("forget", payment.id)));
  });

  test("an incoming payment is the key across devices: it is paid once", { timeout }, async () => {
    const { payment, callback } = await tab.approved(newOrder());
    const changes = { to: payment.quote.receiver, receiveAmount: undefined };
    const elsewhere = await tab.approved(newOrder(changes), { store: "memory" });
    const accepted = valueOf(await tab.finish(callback));
    const error = assertFailed(await tab.finish(elsewhere.callback, { store: "memory" }), "already_paid");
    assert.deepEqual(error.details, { id: accepted.id });
    valueOf(await tab.pay("watch", accepted));
    assertFailed(await tab.start(newOrder(changes), { store: "memory" }), "invalid_receiver");
  });

  test("an error of the store comes as it is, and nothing is paid", { timeout }, async () => {
    const { callback } = await tab.approved(newOrder(), { store: "local" });
    const { error } = await tab.outcome(async (callback) => {
      const store = lab.webStorage(localStorage);
      const broken = { ...store, set: () => Promise.reject(new Error("full")) };
      return lab.client.payment.finish(callback, { store: broken });
    }, callback);
    assert.deepEqual([error.code, error.cause.message], ["storage_error", "full"]);
  });

  test("rule 7: a signature and a store that never come do not keep the next call from going on", { timeout }, async () => {
    const goOn = async ({ privateKey, keyId, order }, silent, at) => {
      const handle = await lab.importKey(privateKey, { keyId });
      const memory = lab.memoryStorage();
      let count = 0;
      const silently = (name, run) => (name === silent && ++count === at ? new Promise(() => {}) : run());
      const sign = (data) => silently("sign", async () => new Uint8Array(await crypto.subtle.sign("Ed25519", handle.privateKey, data)));
      const store = { ...memory, set: (...args) => silently("set", () => memory.set(...args)) };
      const start = async (options) => (await lab.clientWith({ key: { keyId, sign }, store, ...options })).payment.start(order);
      const codes = [];
      for (const requestTimeoutMs of [1000, 20_000]) await start({ requestTimeoutMs }).catch(({ code }) => codes.push(code)); // joins the first
      return { codes, step: (await start({ requestTimeoutMs: 20_000 })).step };
    };
    const outcomes = await Promise.all([
      tab.outcome(goOn, till.config(newOrder()), "sign", 1),
      tab.outcome(goOn, till.config(newOrder()), "set", 4), // the requests for tokens have left
    ]);
    assert.deepEqual(outcomes.map(valueOf), [
      { codes: ["timeout", "invalid_key"], step: "interact" },
      { codes: ["timeout", "storage_error"], step: "interact" },
    ]);
  });

  test("rule 7: a request that is never answered ends, though callers join it and leave", { timeout }, async () => {
    const hurried = await till.open(browser, site);
    const goOn = async (order) => {
      const { setTimeout, fetch } = globalThis;
      globalThis.setTimeout = (task, ms) => setTimeout(task, ms >= 100_000 ? ms / 100 : ms); // how long calls go on by themselves
      let isSilent = true;
      const silent = (url, options) => (isSilent && options.method === "POST" ? new Promise(() => {}) : fetch(url, options));
      const start = async (requestTimeoutMs) => (await lab.clientWith({ fetch: silent, requestTimeoutMs })).payment.start(order);
      const codes = [];
      for (const ms of [700, 700, 700]) await start(ms).catch(({ code }) => codes.push(code));
      isSilent = false;
      return { codes, step: (await start(5000)).step };
    };
    const outcome = valueOf(await hurried.outcome(goOn, newOrder()));
    assert.deepEqual(outcome, { codes: ["timeout", "timeout", "timeout"], step: "interact" });
    await hurried.page.close();
  });

  const how = browserName === "Chromium" ? "crashed" : "closed";
  test(`a tab that is ${how} at every step: before and after each request and each write`, { timeout: 4 * timeout }, async () => {
    const doomed = await till.open(browser, site);
    const whole = await Life.in(doomed, newOrder());
    assert.equal(await whole.goOnIn(tab), "paid");
    const lives = [];
    while (lives.length < whole.steps.length) lives.push(await Life.in(doomed, newOrder(), { last: lives.length + 1 }));
    await kills[how](doomed.page);
    const found = [];
    for (const life of lives) found.push(await life.goOnIn(tab));
    // Between the response to the continuation and its record, the token is where nobody can find it.
    const lost = lives.filter((_, i) => found[i] === "token lost").map(({ lastStep }) => lastStep.replace(/(fetch|set) .*/, "$1"));
    assert.deepEqual(lost, ["after fetch", "before set"]);
    assert.ok(whole.steps.length >= 30, whole.steps.join("\n"));
  });

  test("rule 9: no text holds a token", { timeout }, async () => {
    const texts = [...tab.log, ...other.log];
    const tokens = proxy.requests.map(({ headers }) => headers.authorization?.replace("GNAP ", "")).filter(Boolean);
    assert.ok(texts.length > 10 && tokens.length > 10);
    assertSilent(texts, new Set(tokens));
  });
});
