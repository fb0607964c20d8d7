// What goes wrong with payments, each at every step of one: before and after each request and each write, in both browsers.
// CI kills a tab at every step (payment.test.mjs), and does all of this without a browser (TestMoneyMovesOnce). A page for each
// step takes minutes, so a run takes every third, beginning with one by chance.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { before, test } from "node:test";
import { describeInBrowsers } from "../harness/in-browsers.mjs";
import { Life, Till } from "../harness/payments.mjs";
import { startSandbox } from "../harness/sandbox.mjs";
import { startSite } from "../harness/site.mjs";
import { kills } from "../harness/steps.mjs";

const timeout = 600_000;

describeInBrowsers({ timeout: 6 * timeout }, ({ name, launch, start }) => {
  let browser, site, sandbox, till, tab, steps;
  let count = 0;

  before(async () => {
    [browser, site, sandbox] = await start(launch(), startSite(), startSandbox("-wait", "0s", "-lenient"));
    till = await Till.at(sandbox);
    tab = await till.open(browser, site);
    ({ steps } = await Life.in(tab, newOrder()));
  });

  const newOrder = () => till.order(`order ${++count}`);

  for (const fault of ["throw", "500", "abort"]) {
    test(`${fault} at every step`, { timeout }, async () => {
      const page = await till.open(browser, site);
      for (let last = 1; last <= steps.length; last++) {
        const life = await Life.in(page, newOrder(), { last, fault });
        const found = await life.goOnIn(tab);
        const mayBeLost = /^(after|before) (fetch .*\/continue\/|set)/.test(life.lastStep);
        assert.ok(found === "paid" || mayBeLost, `${life.lastStep}: ${found}`);
      }
      await page.page.close();
    });
  }

  for (const how of name === "Chromium" ? ["closed", "crashed"] : ["closed"]) {
    test(`${how} at every third step, while another tab waits for its turn`, { timeout }, async () => {
      for (let last = randomInt(1, 4); last <= steps.length; last += 3) {
        const page = await till.open(browser, site);
        const life = await Life.in(page, newOrder(), { last });
        const goingOn = life.goOnIn(tab);
        await new Promise((resolve) => setTimeout(resolve, 200));
        await kills[how](page.page);
        assert.match(await goingOn, /^(paid|token lost)$/);
      }
    });
  }
});
