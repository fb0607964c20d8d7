// The extension pays: what a person sees is what is paid, once, whatever pages and browsers do.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "node:test";
import { violationsIn } from "./harness/axe.mjs";
import { startAskingSite } from "./harness/asking-site.mjs";
import { walkStates } from "./harness/extension-states.mjs";
import { buildSteppingExtension, eventually, loadedExtensions, startProxy } from "./harness/extension.mjs";
import { Payer } from "./harness/payer.mjs";
import { Till } from "./harness/payments.mjs";
import { startSandbox } from "./harness/sandbox.mjs";

const built = buildSteppingExtension();
after(() => built.remove());
const timeout = 120_000;
const states = ["new", "new-problem", "publish", "ready", "waiting", "finishing", "allowed", "offer", "payments", "ending", "lost"];

for (const { name, load } of loadedExtensions) {
  describe(`payments by the extension in ${name}`, { timeout: 5 * timeout }, () => {
    let extension, sandbox, proxy, site, payer, till, shop, bob;

    before(async () => {
      sandbox = await startSandbox("-wait", "0s", "-lenient", "-faults");
      [proxy, site, extension] = await Promise.all([startProxy(sandbox), startAskingSite(), load(built.folder)]);
      ({ shop, bob } = proxy.wallets);
      till = await Till.at(proxy);
      payer = await Payer.connect(extension, proxy);
      await payer.allow("1000");
    });
    after(() => Promise.all([extension?.close(), sandbox?.stop(), proxy?.close(), site?.close()]));
    afterEach(() => payer.assertSilent());

    const link = (href) => `<link rel="monetization" href="${href}">`;
    const visit = async (html) => {
      site.html = `<!doctype html><title>A page</title>${html}<p>Hello</p>`;
      const page = await extension.browser.newPage();
      await page.goto(site.origin);
      return page;
    };
    /** What left alice's wallet for a payment, as the ledger says: the amounts of those that did not fail. */
    const paid = async (key) => {
      const all = await till.allPaid();
      return all.filter(({ metadata, failed }) => metadata?.key === key && !failed).map(({ debitAmount }) => debitAmount.value);
    };
    const tell = (message) => payer.tell(message);
    const order = (changes) => payer.order(changes);
    const plan = async (faults) => {
      const headers = { authorization: `Bearer ${sandbox.faults.secret}`, "content-type": "application/json" };
      const response = await fetch(sandbox.faults.url, { method: "PUT", headers, body: JSON.stringify(faults) });
      assert.ok(response.ok, `${response.status}`);
    };

    it("pays what was read at the click and shown, whatever the page does meanwhile", { timeout }, async () => {
      const page = await visit(link(shop));
      const popup = await payer.openOver(page);
      assert.deepEqual(await payer.offer(popup), { to: shop.replace("http://", ""), name: "Shop", others: "" });
      await page.evaluate(`document.querySelector("link").href = ${JSON.stringify(bob)}`);
      const key = await payer.pay(popup, "0.25");
      assert.equal(await payer.becomes(key, "arrived"), "Arrived");
      await eventually("the word beside the button", async () => (await payer.text("#paid", popup)) === "0.25 USD: Arrived");
      assert.deepEqual(await paid(key), ["25"]);
      await page.goto("about:blank");
      const other = await payer.pay(popup, "0.05"); // the popup is still that of the page before
      await payer.becomes(other, "arrived");
      const payments = await payer.payments();
      assert.deepEqual(
        [key, other].map((key) => payments.find((payment) => payment.key === key).to),
        [shop, shop],
      );
      assert.deepEqual(await paid(other), ["5"]);
      assert.match(await payer.text("#payments li:first-child"), /^0\.05 USD to 127\.0\.0\.1:\d+\/shop\nArrived\n/);
      await payer.left("999.70 USD");
    });

    it("takes from a page an address, and nothing that it could pretend with", { timeout }, async () => {
      site.documents["/liar"] = {
        ...(await (await fetch(shop)).json()),
        id: `${site.origin}/liar`,
        publicName: "\u202eyour bank\n\nPaid already. Press Pay to get your money back, it is quite safe",
      };
      const nothing = "This page asks for no payments.";
      const pages = [
        ["<p>nothing", nothing],
        [link("javascript:alert(1)"), nothing],
        [link("data:text/html,hello"), nothing],
        [link("http://wallet.example/alice"), nothing],
        [link(shop.replace("http://", "http://your-bank.example@")), nothing],
        [link(`${shop}/${"a".repeat(1e6)}`), nothing],
        [`<link rel="monetization">`, nothing],
        [`<svg><link rel="monetization" href="${shop}"></link></svg>`, nothing],
        [
          link("javascript:alert(1)") + link(shop),
          { to: shop, name: "Shop", others: "The page names 1 more. This is the first that can be paid." },
        ],
        [link(shop).repeat(1000), { to: shop, name: "Shop", others: "The page names 999 more. This is the first that can be paid." }],
        [`<base href="${proxy.origin}/">${link("shop")}`, { to: shop, name: "Shop", others: "" }],
        [link(`${site.origin}/liar`), { to: `${site.origin}/liar`, name: "your bank Paid already. Press Pay to get…", others: "" }],
        // What scripts of the page do to its objects, and elements with names of theirs, do not count.
        [
          `${link(shop)}<img name="querySelectorAll"><form id="Document"></form><script>
            Object.defineProperty(HTMLLinkElement.prototype, "href", { get: () => "${bob}" });
            Document.prototype.querySelectorAll = () => [{ href: "${bob}" }];
            Array.from = () => [{ href: "${bob}" }];
          </script>`,
          { to: shop, name: "Shop", others: "" },
        ],
      ];
      for (const [html, expected] of pages) {
        const page = await visit(html);
        const popup = await payer.openOver(page);
        await payer.step("allowed", popup);
        if (expected === nothing) assert.equal(await payer.text("#nobody", popup), nothing, html.slice(0, 200));
        else assert.deepEqual(await payer.offer(popup), { ...expected, to: expected.to.replace("http://", "") }, html.slice(0, 200));
        assert.ok(await popup.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways");
        await popup.close();
        await page.close();
      }
    });

    it("says of pages of the browser, into which it may not look, that they ask for nothing", { timeout }, async () => {
      const page = await extension.browser.newPage();
      if (name === "Chromium") await page.goto("chrome://version");
      const popup = await payer.openOver(page);
      await payer.step("allowed", popup);
      assert.equal(await payer.text("#nobody", popup), "This page asks for no payments.");
      assert.ok(await popup.$eval("#pay", ({ hidden }) => hidden));
      await popup.close();
    });

    // At every ninth: all of them are in soak/.
    it("pays once when its worker is stopped before or after a request or a write", { timeout: 4 * timeout }, async (t) => {
      const stopped = await payer.stopAtSteps(9);
      for (const { key, step } of stopped) assert.deepEqual(await paid(key), ["1"], step);
      t.diagnostic(`stopped at ${stopped.length} steps`);
      assert.ok(stopped.length >= 5);
    });

    it("pays twelve keys once each, from two pages and the worker at once", { timeout }, async () => {
      const other = await payer.open();
      const orders = Array.from({ length: 12 }, () => order());
      const again = `(async () => {
        const sdk = await import("./open-payments-wasm/index.js");
        const { wallet, asked } = await chrome.storage.local.get(["wallet", "asked"]);
        const store = sdk.extensionStorage(chrome.storage.local);
        const client = await sdk.createAuthenticatedClient({ walletAddressUrl: wallet.id, key: await sdk.loadKey("wallet"), store });
        const grant = await client.withGrant({ name: asked.name });
        const amount = { value: "1", assetCode: "USD", assetScale: 2 };
        const pay = ({ key, to }) => client.payment.again({ grant, to, amount, key, metadata: { key } }).catch((error) => {
          if (!error.retryable) throw error; // a machine may be busy for longer than a call waits for its turn
          return pay({ key, to });
        });
        const paying = ${JSON.stringify(orders)}.map(pay);
        return JSON.stringify((await Promise.all(paying)).map(({ id }) => id));
      })()`;
      const [first, second] = await Promise.all([payer.page.evaluate(again), other.evaluate(again), ...orders.map(tell)]);
      assert.equal(first, second);
      for (const { key } of orders) await payer.becomes(key, "arrived");
      const all = await till.allPaid();
      for (const [i, { key }] of orders.entries()) {
        const ids = all.filter(({ metadata }) => metadata?.key === key).map(({ id }) => id);
        assert.deepEqual(ids, [JSON.parse(first)[i]]);
      }
      await other.close();
    });

    it("goes on when an alarm wakes it, with no page of it open", { timeout }, async () => {
      const message = order();
      assert.match(await payer.standAt(12, message), /./);
      assert.equal((await payer.page.evaluate("chrome.alarms.get('go on')")).periodInMinutes, 1);
      await payer.page.evaluate("chrome.alarms.create('go on', { when: Date.now() + 1000, periodInMinutes: 1 })"); // a minute is long
      await payer.page.close();
      const [blank] = await extension.browser.pages();
      await extension.stopWorker(blank);
      await eventually("the payment", async () => (await paid(message.key)).length === 1);
      payer.page = await payer.open();
      await payer.becomes(message.key, "arrived");
      await payer.page.evaluate("chrome.alarms.create('go on', { when: Date.now() })");
      await eventually("no alarm, with nothing to do", async () => !(await payer.page.evaluate("chrome.alarms.get('go on')")));
    });

    it("says what became of each, and what can still be paid", { timeout: 2 * timeout }, async () => {
      const tooMuch = order({ amount: "1000.01" });
      await tell(tooMuch);
      assert.equal(await payer.becomes(tooMuch.key, "unpaid"), "Not paid: It is more than what is left of your allowance.");

      await plan({ payments: [{ wallet: "alice", times: 1, fail: true }] });
      const failing = order();
      await tell(failing);
      assert.equal(await payer.becomes(failing.key, "failed"), "Failed: Your wallet could not deliver it.");
      await plan({});

      proxy.breakOff(/^POST \/op\/outgoing-payments/);
      const interrupted = order();
      await tell(interrupted);
      await eventually("words", async () =>
        /^Not finished: .* It is tried again\.$/.test(await payer.text("#payments li:first-child .outcome")),
      );
      proxy.breakOff(undefined);
      await payer.page.evaluate("chrome.alarms.create('go on', { when: Date.now(), periodInMinutes: 1 })");
      await payer.becomes(interrupted.key, "arrived");

      await payer.stop();
      await payer.allow("0.30");
      await payer.left("0.30 USD");
      const page = await visit(link(shop));
      const popup = await payer.openOver(page);
      await payer.offer(popup);
      await payer.becomes(await payer.pay(popup, "0.20"), "arrived");
      await payer.left("0.10 USD");
      const refused = await payer.pay(popup, "0.20");
      assert.match(await payer.becomes(refused, "unpaid"), /^Not paid: Your allowance is used up until 1 \w+\.$/);
      await payer.left("0.10 USD");

      proxy.breakOff(/^POST \/op\/outgoing-payments/);
      const unknown = order();
      await tell(unknown);
      await eventually("words", async () => /^Not finished/.test(await payer.text("#payments li:first-child .outcome")));
      await payer.stop();
      proxy.breakOff(undefined);
      const words = "You ended the allowance before it was known. Your wallet shows whether it was paid.";
      assert.equal(await payer.becomes(unknown.key, "unknown"), words);
      for (const { key } of [tooMuch, failing, unknown]) assert.deepEqual(await paid(key), []);
      assert.deepEqual(await paid(interrupted.key), ["1"]);
      assert.deepEqual(await paid(refused), []);
    });
  });

  describe(`every state of the extension in ${name}`, { timeout: 5 * timeout }, () => {
    // What axe finds does not depend on the browser.
    for (const scheme of name === "Chromium" ? ["light", "dark"] : []) {
      it(`has nothing that axe finds serious, and fits, ${scheme}`, { timeout }, async () => {
        const started = await Promise.allSettled([startSandbox("-wait", "0s"), startAskingSite(), load(built.folder, { scheme })]);
        const [sandbox, site, extension] = started.map(({ value }) => value);
        const proxy = await startProxy(sandbox);
        const seen = [];
        try {
          await walkStates({ extension, proxy, site }, async (state, popup) => {
            seen.push(state);
            if (name === "Chromium") await popup.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
            assert.deepEqual(await violationsIn(popup), [], state);
            assert.ok(await popup.evaluate("document.documentElement.scrollWidth <= innerWidth"), `${state} scrolls sideways`);
          });
        } finally {
          await Promise.all([extension?.close(), sandbox?.stop(), proxy.close(), site?.close()]);
        }
        assert.deepEqual(seen, states);
      });
    }
  });
}
