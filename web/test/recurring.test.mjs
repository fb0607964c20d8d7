// Payments that recur: a grant with an interval, which pays again without the person, once for each key.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Till } from "./harness/payments.mjs";
import { during, startProxy } from "./harness/proxy.mjs";
import { decide, setClockAhead, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";
import { kills } from "./harness/steps.mjs";

const timeout = 120_000;
const minute = 60_000;
const usd = (value) => ({ value, assetCode: "USD", assetScale: 2 });

describeInBrowsers({ timeout: 5 * timeout }, ({ name: browserName, launch, start }) => {
  let browser, site, sandbox, proxy, till, tab, other;
  let count = 0;
  let ahead = 0; // of the clock of the sandbox, in milliseconds

  before(async () => {
    const flags = ["-wait", "0s", "-lenient", "-faults", "-grant-lifetime", "100000h"];
    [browser, site, sandbox] = await start(launch(), startSite(), startSandbox(...flags));
    [proxy] = await start(startProxy(sandbox));
    till = await Till.at(proxy);
    [tab, other] = [await till.open(browser, site), await till.open(browser, site)];
  });

  const valueOf = ({ value, error }) => {
    assert.equal(error, undefined, error?.message);
    return value;
  };
  const now = () => Date.now() + ahead;
  const pass = (minutes) => setClockAhead(sandbox, (ahead += minutes * minute));
  const isCreation = ({ method, url }) => method === "POST" && url.endsWith("/outgoing-payments");

  /** An order whose grant begins now, and allows so much in each hour, or as `repeats` has it. */
  const subscription = ({ limit = "1250", repeats = "R", ...changes } = {}) => {
    const interval = `${repeats}/${new Date(now() - 1000).toISOString().slice(0, 19)}Z/PT1H`;
    return till.order(`subscription ${++count}`, { interval, receiveAmount: undefined, debitAmount: usd(limit), ...changes });
  };

  /** Lets alice approve a subscription, makes its first payment, and returns the order. */
  const subscribe = async (options) => {
    const order = subscription(options);
    const { callback } = await tab.approved(order);
    await till.assertPaidOnce(order, valueOf(await tab.finish(callback)));
    return order;
  };

  /** Lets alice approve that so much is paid in each interval, and keeps the grant, in one of lab.stores. Returns what `again` takes. */
  const allow = async (limit, { store, of = tab } = {}) => {
    const interval = "R/2020-01-01T00:00:00Z/P1Y";
    const { key, from, to, finishUri } = subscription({ from: of.till.wallets.alice, to: of.till.wallets.shop });
    const limits = { debitAmount: usd(limit), interval };
    const access = [{ type: "outgoing-payment", actions: ["create", "read", "list"], identifier: from, limits }];
    const interact = { start: ["redirect"], finish: { method: "redirect", uri: finishUri } };
    const pending = await of.run(
      async (url, args) => lab.client.grant.start({ url: (await lab.client.walletAddress.get({ url })).authServer }, args),
      from,
      { access_token: { access }, interact },
    );
    const callback = (await decide(pending, "approve")).href;
    const keep = async (callback, name, store) =>
      void (await lab.client.withGrant(await lab.client.grant.finish(callback), { name, store: lab.stores[store] }));
    await of.run(keep, callback, key, store);
    return { key, to };
  };

  /** Pays with the grant of an order: { value } or { error }. */
  const again = (tab, { key: name, to }, key, { amount = usd("500"), ...changes } = {}) =>
    tab.outcome(
      async (name, another) => {
        const grant = await lab.client.withGrant({ name });
        return lab.client.payment.again({ grant, ...another });
      },
      name,
      { key, to, amount, metadata: { order: `${name}: ${key}` }, ...changes },
    );
  const paid = (order, key) => till.paid(`${order.key}: ${key}`);
  const assertPaidOnce = (order, key, outgoing) => till.assertPaidOnce({ key: `${order.key}: ${key}` }, outgoing);

  test("the person approves a limit for each interval, and the grant stays", { timeout }, async () => {
    const order = subscription({ limit: "2000" });
    const [{ callback }, sent] = await during(proxy, () => tab.approved(order));
    const { access } = JSON.parse(sent.find(({ body }) => body.includes("interact")).body).access_token;
    assert.deepEqual(access[0].limits, { debitAmount: usd("2000"), interval: order.interval }, "no receiver: it may pay anybody");
    valueOf(await tab.finish(callback));
    const first = valueOf(await tab.finish(callback)); // the same again
    await till.assertPaidOnce(order, first);
    const spent = await tab.run(async (name) => {
      const grant = await lab.client.withGrant({ name });
      const { access_token } = await grant.grant();
      const { resourceServer } = await lab.client.walletAddress.get({ url: access_token.access[0].identifier });
      return grant.outgoingPayment.getGrantSpentAmounts({ url: resourceServer });
    }, order.key);
    assert.deepEqual(spent.spentDebitAmount, usd("2000"));
    const { error } = await other.start(order);
    assert.equal(error, undefined, "the key is that of the first payment");
  });

  test("an interval is used up, says when the next one begins, and opens again then", { timeout }, async () => {
    const order = await subscribe({ repeats: "R1" });
    const { error } = await again(tab, order, "second");
    assert.equal(error?.code, "interval_used_up", JSON.stringify(error));
    const opensAt = Date.parse(error.details.opensAt);
    assert.ok(Math.abs(opensAt - now() - 60 * minute) < 60_000, error.details.opensAt);
    assert.ok(error.message.includes(error.details.opensAt), error.message);
    assert.deepEqual(await paid(order, "second"), []);
    assert.deepEqual(
      (await tab.pending()).filter(({ grant }) => grant === order.key),
      [],
      "nothing is kept of it",
    );
    await pass(60);
    await assertPaidOnce(order, "second", valueOf(await again(tab, order, "second")));
    await assertPaidOnce(order, "second", valueOf(await again(other, order, "second")));
    await pass(60); // R1 is one more than the first
    const over = (await again(tab, order, "third", { amount: usd("1250") })).error;
    assert.deepEqual([over?.code, over?.details], ["interval_used_up", undefined]);
  });

  test("twelve keys from two tabs at once: each is paid once", { timeout }, async () => {
    const order = await allow("100000");
    const keys = Array.from({ length: 12 }, (_, i) => `2026-${String(i + 1).padStart(2, "0")}`);
    const everywhere = [tab, other, tab].flatMap((of) => keys.map(async (key) => [key, await again(of, order, key)]));
    const [outcomes, sent] = await during(proxy, () => Promise.all(everywhere));
    for (const [key, outcome] of outcomes) await assertPaidOnce(order, key, valueOf(outcome));
    assert.equal(sent.filter(isCreation).filter(({ status }) => status === 201).length, 12);
  });

  test("refused by name, before anything is sent", { timeout }, async () => {
    const order = await subscribe();
    const refusals = {
      key: { key: "" },
      amount: { amount: usd("1251") },
      "amount.value": { amount: usd("") },
      "amount.assetCode": { amount: { ...usd("1"), assetCode: 7 } },
      metadata: { metadata: 7 },
      to: { to: "shop" },
    };
    for (const [name, change] of Object.entries(refusals)) {
      const [{ error }, sent] = await during(proxy, () => again(tab, order, "refused", change));
      assert.deepEqual([error?.kind, error?.message.startsWith(`"${name}" `)], ["TypeError", true], `${name}: ${error?.message}`);
      assert.deepEqual(sent.filter(isCreation), []);
    }
    for (const grant of [undefined, "name", { name: order.key }]) {
      const { error } = await tab.outcome((grant) => lab.client.payment.again({ grant, key: "k", to: "$shop.example" }), grant);
      assert.match(error.message, /^"grant" must be what withGrant resolved with/);
    }
    const interval = await tab.start(subscription({ interval: "monthly" }));
    assert.match(interval.error.message, /^"interval" must be a repeating interval/);
  });

  test("a grant that was revoked pays nothing, and its key may get another", { timeout }, async () => {
    const order = await subscribe();
    const revoked = await tab.outcome(async (name) => {
      const grant = await lab.client.withGrant({ name });
      await grant.revoke();
      return lab.client.payment.again({
        grant,
        key: "k",
        to: "https://shop.example/till",
        amount: { value: "1", assetCode: "USD", assetScale: 2 },
      });
    }, order.key);
    assert.equal(revoked.error?.code, "grant_not_found", revoked.error?.message);
  });

  test("a token that is over is rotated once for all who pay", { timeout }, async () => {
    const [brief] = await start(startSandbox("-wait", "0s", "-lenient", "-token-lifetime", "1s"));
    const [proxy] = await start(startProxy(brief));
    const till = await Till.at(proxy);
    const tabs = [await till.open(browser, site), await till.open(browser, site)];
    const order = await allow("100000", { of: tabs[0] });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const [outcomes, sent] = await during(proxy, () => Promise.all(tabs.map((tab, i) => again(tab, order, String(i)))));
    for (const [i, outcome] of outcomes.entries()) await till.assertPaidOnce({ key: `${order.key}: ${i}` }, valueOf(outcome));
    const rotations = sent.filter(({ method, url }) => method === "POST" && url.includes("/auth/token/")).map(({ url }) => url);
    assert.ok(rotations.length > 0);
    assert.deepEqual(rotations, [...new Set(rotations)], "of a slow call it may be over again");
  });

  const how = browserName === "Chromium" ? "crashed" : "closed";
  test(`a tab that is ${how} at every step of a payment without the person`, { timeout: 4 * timeout }, async () => {
    const order = await allow("1000000", { store: "own" });
    const another = (key) => ({ key, to: order.to, amount: usd("500"), metadata: { order: key } });
    const doomed = await till.open(browser, site);
    const run = (last, key) =>
      doomed.run(
        (last, name, another) =>
          lab.untilStep(last, async (client) => client.payment.again({ grant: await client.withGrant({ name }), ...another })),
        last,
        order.key,
        another(key),
      );
    const steps = await run(null, `${order.key}: whole`);
    const keys = steps.map((_, i) => `${order.key}: ${i + 1}`);
    const seldom = browserName === "Chromium" ? 1 : 3; // Firefox takes its time
    const lives = [...keys.entries()].filter(([i]) => i % seldom === 0);
    for (const [i, key] of lives) await run(i + 1, key);
    await kills[how](doomed.page);
    for (const [i, key] of lives) {
      const outcome = await tab.outcome(
        async (name, another) => {
          const grant = await lab.client.withGrant({ name, store: lab.stores.own });
          return lab.client.payment.again({ grant, ...another });
        },
        order.key,
        another(key),
      );
      assert.equal(outcome.error, undefined, `${steps[i]}: ${outcome.error?.message}`);
      await till.assertPaidOnce({ key }, outcome.value);
    }
    assert.ok(steps.length >= 20, steps.join("\n"));
  });
});
