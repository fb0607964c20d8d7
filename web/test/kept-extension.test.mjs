// A kept grant in an extension: its worker, which was stopped, and a page of it use the grant at once.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { buildKeptExtension, eventually, loadedExtensions } from "./harness/extension.mjs";
import { until } from "./harness/server.mjs";
import { cameFor, startTokens } from "./harness/tokens.mjs";

const timeout = 60_000;
const built = buildKeptExtension();
after(() => built.remove());

for (const { name: browser, load } of loadedExtensions) {
  describe(browser, { timeout: 3 * timeout }, () => {
    let extension, server, page;

    before(async () => {
      [server, extension] = await Promise.all([startTokens(), load(built.folder)]);
      page = await extension.open("page.html");
      await eventually("the page's script", () => page.evaluate("globalThis.grant !== undefined"));
    });
    after(() => Promise.all([extension?.close(), server?.close()]));

    const run = async (expression) => JSON.parse(await page.evaluate(`(async () => JSON.stringify(await ${expression}))()`));
    const inPage = (target) => run(`grant.spend(${JSON.stringify(target)})`);
    const inWorker = (target) => run(`chrome.runtime.sendMessage(${JSON.stringify(target)})`);
    const rotationsOf = (account) => cameFor(account).filter((what) => what.startsWith("rotate"));

    test("the worker, after it was stopped, and a page at once: one rotation, all results", { timeout }, async () => {
      const account = server.issue({ isActive: true });
      const target = (quoteId) => ({ name: "tips", url: account.url, quoteId: `${account.url}/quotes/${quoteId}` });
      await run(`grant.keep(${JSON.stringify(account.grant)}, "tips").then(() => true)`);
      const first = await inWorker(target(1));
      assert.equal(first.id, `${account.url}/outgoing-payments/1`, first.error);
      account.isActive = false;
      await extension.stopWorker(page);

      let release;
      const released = new Promise((resolve) => {
        release = resolve;
      });
      server.requestHandler = ({ kind }) => (kind === "call" ? released : undefined);
      const paying = [inWorker(target(2)), inWorker(target(3)), inPage(target(4)), inPage(target(5))];
      await until(() => cameFor(account).length === 1 + paying.length, "the calls with the inactive token");
      release();
      const outcomes = await Promise.all(paying);
      for (const { error } of outcomes) assert.equal(error, undefined);
      assert.equal(new Set(outcomes.map(({ id }) => id)).size, 4);
      assert.ok(outcomes[0].born && outcomes[0].born !== first.born, "it is another worker");
      assert.deepEqual([rotationsOf(account), account.payments], [["rotate 0"], 5]);
    });

    test("the worker is stopped while it rotates: the page goes on", { timeout }, async () => {
      const account = server.issue();
      const target = (quoteId) => ({ name: "stopped", url: account.url, quoteId: `${account.url}/quotes/${quoteId}` });
      await run(`grant.keep(${JSON.stringify(account.grant)}, "stopped").then(() => true)`);
      let isHeld = true;
      server.requestHandler = ({ kind }) => (kind === "rotate" && isHeld ? new Promise(() => {}) : undefined);
      inWorker(target(1)).catch(() => {}); // its worker goes
      await until(() => rotationsOf(account).length === 1, "the rotation");
      const paying = inPage(target(2));
      await until(() => cameFor(account).length === 3, "the call of the page");
      isHeld = false;
      await extension.stopWorker(page);
      const { id, error } = await paying;
      assert.equal(id, `${account.url}/outgoing-payments/1`, error);
      assert.deepEqual(rotationsOf(account), ["rotate 0", "rotate 0"]);
    });
  });
}
