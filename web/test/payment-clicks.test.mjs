// Payments as a person makes them: every step by a click, in a browser whose page is really gone meanwhile.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Till } from "./harness/payments.mjs";
import { startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const dollars = (value) => ({ value, assetCode: "USD", assetScale: 2 });
const euros = (value) => ({ value, assetCode: "EUR", assetScale: 2 });

/** What is ordered, and what it comes to. A euro is worth 1.25 dollars, and the wallet takes 2 %. */
const orders = {
  "a fixed amount arrives": { change: () => ({}), cost: "12.75 USD", received: dollars("1250") },
  "a fixed amount is debited": {
    change: () => ({ receiveAmount: undefined, debitAmount: dollars("1020") }),
    cost: "10.20 USD",
    received: dollars("1000"),
  },
  "across currencies": {
    change: ({ bob }) => ({ to: bob, receiveAmount: euros("400") }),
    cost: "5.10 USD",
    received: euros("400"),
  },
  "to a wallet at another server": { change: (_, peer) => ({ to: peer.shop }), cost: "12.75 USD", received: dollars("1250") },
};

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, sandbox, till;
  let count = 0;

  before(async () => {
    const flags = ["-wait", "0s", "-payment-delay", "100ms", "-fee", "200", "-lenient", "-peer-addr", "127.0.0.1:0"];
    [browser, site, sandbox] = await start(launch(), startSite(), startSandbox(...flags));
    till = await Till.at(sandbox);
  });

  /** Opens the till with an order. */
  async function open(t, changes = {}) {
    const order = till.order(`clicked ${++count}`, changes);
    const page = await browser.newPage();
    t.after(() => page.close());
    await page.goto(`${site.origin}/blank.html`);
    await page.evaluate((config) => localStorage.setItem("till", JSON.stringify(config)), till.config(order));
    await page.goto(`${site.origin}/payments/till.html`);
    await page.waitForSelector("#pay:enabled");
    return { page, order };
  }

  const leaveBy = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);

  async function outcomeOf(page) {
    await page.waitForFunction("document.getElementById('outcome')?.textContent");
    return JSON.parse(await page.$eval("#outcome", ({ textContent }) => textContent));
  }

  const assertPaidOnce = (order, outcome) => {
    assert.equal(outcome.code, undefined, outcome.message);
    return till.assertPaidOnce(order, outcome);
  };

  for (const [name, { change, cost, received }] of Object.entries(orders)) {
    test(`${name}, and a reload pays nothing again`, { timeout }, async (t) => {
      const { page, order } = await open(t, change(sandbox.wallets, sandbox.peer?.wallets));
      assert.equal(await page.$eval("#cost", ({ textContent }) => textContent), cost);
      await leaveBy(page, "#pay");
      await leaveBy(page, "#approve");
      const outcome = await outcomeOf(page);
      await assertPaidOnce(order, outcome);
      assert.deepEqual(outcome.receivedAmount, received);
      await page.reload();
      assert.deepEqual(await outcomeOf(page), outcome);
      await assertPaidOnce(order, outcome);
    });
  }

  test("in a popup", { timeout }, async (t) => {
    const { page, order } = await open(t);
    const opened = new Promise((resolve) => page.once("popup", resolve));
    await page.click("#popup");
    const popup = await opened;
    await popup.waitForSelector("#approve");
    await popup.click("#approve");
    await assertPaidOnce(order, await outcomeOf(page));
  });

  test("in a tab that stays, while another one comes back", { timeout }, async (t) => {
    const { page, order } = await open(t);
    const { page: other } = await open(t, { key: order.key, metadata: order.metadata });
    await leaveBy(other, "#pay");
    await leaveBy(other, "#approve");
    await assertPaidOnce(order, await outcomeOf(other));
    await page.bringToFront(); // a page behind another one is drawn by nobody
    await page.reload();
    await page.waitForSelector("#pay:enabled");
    assert.equal(await page.$eval("#cost", ({ textContent }) => textContent), "12.75 USD"); // the payment under this key
  });

  test("declined", { timeout }, async (t) => {
    const { page, order } = await open(t);
    await leaveBy(page, "#pay");
    await leaveBy(page, "#decline");
    assert.equal((await outcomeOf(page)).code, "interaction_rejected");
    assert.deepEqual(await till.paid(order.key), []);
  });
});
