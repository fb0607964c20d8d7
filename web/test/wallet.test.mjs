// To the wallet and back as a person goes there: every step by a click, in a browser whose page is
// really gone meanwhile.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { during, startProxy } from "./harness/proxy.mjs";
import { outgoing, Shop } from "./harness/grants.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { publishKey, startSandbox } from "./harness/sandbox.mjs";
import { until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, sandbox, proxy, shop;

  before(async () => {
    [browser, site, sandbox] = await start(launch(), startSite(), startSandbox("-wait", "1s")); // polls need a wait
    [proxy] = await start(startProxy(sandbox));
    shop = await Shop.at(proxy, browser, site); // makes the key that all pages load
    const walletAddressUrl = await publishKey(proxy, "shop", shop.publicJwk);
    const { access_token } = outgoing(proxy);
    await shop.run((config) => localStorage.setItem("config", JSON.stringify(config)), {
      walletAddressUrl,
      authServer: proxy.authServer,
      request: { access_token },
    });
  });

  /** Opens the shop. `query` is that of the shop and of its callback page. */
  async function openShop(t, query = "") {
    const page = await browser.newPage();
    t.after(() => page.close());
    await page.goto(`${site.origin}/grants/shop.html${query}`);
    await page.waitForFunction("globalThis.shop");
    await page.evaluate("globalThis.mark = true");
    return page;
  }

  const leaveBy = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);

  /** What the page shows in the end. */
  async function outcomeOf(page) {
    await page.waitForFunction("document.getElementById('outcome')?.textContent");
    return JSON.parse(await page.$eval("#outcome", ({ textContent }) => textContent));
  }

  /** The popup in which a click shows the wallet. */
  async function openPopup(page) {
    await page.click("#prepare");
    await page.waitForSelector("#popup:enabled");
    const before = await browser.pages();
    await page.click("#popup");
    let opened;
    for (const end = Date.now() + timeout / 2; !opened; await new Promise((resolve) => setTimeout(resolve, 50))) {
      assert.ok(Date.now() < end, "no wallet was opened");
      opened = (await browser.pages()).find((page) => !before.includes(page) && page.url().startsWith(`${proxy.origin}/interact/`));
    }
    await opened.waitForSelector("#approve");
    return opened;
  }

  const closed = (popup) => until(() => popup.isClosed(), "the popup to close");

  /** The token that the server issued last. */
  const lastToken = () => {
    const responses = proxy.requests
      .filter(({ signed, status }) => signed && status === 200)
      .map(({ responseBody }) => JSON.parse(responseBody));
    return responses.findLast(({ access_token }) => access_token)?.access_token.value;
  };

  test("redirect: approved, finished by a page that knows nothing but the store, and not again", { timeout }, async (t) => {
    const page = await openShop(t);
    const downloads = site.downloads();
    await leaveBy(page, "#redirect");
    assert.ok(page.url().startsWith(`${proxy.origin}/interact/`));
    const [, sent] = await during(proxy, async () => {
      await leaveBy(page, "#approve");
      const { token } = await outcomeOf(page);
      assert.equal(token, lastToken());
    });
    assert.equal(sent.filter(({ signed }) => signed).length, 1);
    assert.equal(await page.evaluate("globalThis.mark"), undefined, "the page was gone");
    assert.ok(site.downloads() > downloads);
    assert.match(page.url(), /interact_ref=/);

    const [, again] = await during(proxy, async () => {
      await page.reload();
      assert.equal((await outcomeOf(page)).code, "no_pending_grant");
    });
    assert.deepEqual(again, []);
  });

  test("redirect: the address is clean afterwards", { timeout }, async (t) => {
    const page = await openShop(t, "?clean=yes");
    await leaveBy(page, "#redirect");
    await leaveBy(page, "#approve");
    assert.equal((await outcomeOf(page)).token, lastToken());
    await page.waitForFunction("!location.href.includes('interact_ref')");
    assert.equal(page.url(), `${site.origin}/grants/callback.html?clean=yes`);
  });

  test("redirect: declined", { timeout }, async (t) => {
    const page = await openShop(t);
    await leaveBy(page, "#redirect");
    const [, sent] = await during(proxy, async () => {
      await leaveBy(page, "#decline");
      assert.equal((await outcomeOf(page)).code, "interaction_rejected");
    });
    assert.deepEqual(
      sent.filter(({ url }) => url.includes("/auth")),
      [],
    );
  });

  test("popup: approved, closed, and finished by the page that opened it", { timeout }, async (t) => {
    const page = await openShop(t);
    const popup = await openPopup(page);
    const [, sent] = await during(proxy, async () => {
      await popup.click("#approve");
      assert.equal((await outcomeOf(page)).token, lastToken());
    });
    assert.equal(sent.filter(({ signed }) => signed).length, 1);
    await closed(popup);
    assert.equal(await page.evaluate("globalThis.mark"), true, "the page stayed");
  });

  test("popup: declined", { timeout }, async (t) => {
    const page = await openShop(t);
    const popup = await openPopup(page);
    await popup.click("#decline");
    assert.equal((await outcomeOf(page)).code, "interaction_rejected");
    await closed(popup);
  });

  test("popup: a callback page that closes itself is no different", { timeout }, async (t) => {
    const page = await openShop(t, "?close=yes");
    const popup = await openPopup(page);
    await popup.click("#approve");
    assert.equal((await outcomeOf(page)).token, lastToken());
  });

  test("popup: closed by the person", { timeout }, async (t) => {
    const page = await openShop(t);
    const popup = await openPopup(page);
    const [, sent] = await during(proxy, async () => {
      await popup.close();
      assert.equal((await outcomeOf(page)).code, "window_closed");
    });
    assert.deepEqual(sent, []);
  });

  test("popup: aborted, with the signal's own reason", { timeout }, async (t) => {
    const page = await openShop(t);
    const popup = await openPopup(page);
    await page.bringToFront();
    await page.click("#abort");
    const { name, message } = await outcomeOf(page);
    assert.deepEqual([name, message], ["NotNowError", "never mind"]);
    await closed(popup);
  });

  test("popup: messages of other origins, windows and kinds are ignored", { timeout }, async (t) => {
    const page = await openShop(t);
    const popup = await openPopup(page);
    const message = { type: "open-payments-wasm.callback", url: `${site.origin}/grants/callback.html?hash=forged&interact_ref=forged` };
    await page.evaluate(() => {
      globalThis.heard = [];
      addEventListener("message", ({ origin, data }) => heard.push([origin, data.type]));
    });
    await popup.evaluate((message) => opener.postMessage(message, "*"), message);
    await page.evaluate(
      async (message, origin) => {
        postMessage(message, location.origin);
        const frame = document.createElement("iframe");
        frame.src = `${origin}/blank.html`;
        await new Promise((resolve) => {
          frame.onload = resolve;
          document.body.append(frame);
        });
        frame.contentWindow.eval(`parent.postMessage(${JSON.stringify(message)}, "*")`);
      },
      message,
      site.origin,
    );
    await page.waitForFunction("heard.length === 3");
    assert.deepEqual(
      (await page.evaluate("heard")).sort(),
      [proxy.origin, site.origin, site.origin].sort().map((origin) => [origin, message.type]),
    );
    assert.equal(await page.$eval("#outcome", ({ textContent }) => textContent), "");
    assert.equal(popup.isClosed(), false);
    await popup.click("#approve");
    assert.equal((await outcomeOf(page)).token, lastToken());
  });

  test("popup: blocked by the browser", { timeout }, async (t) => {
    const page = await openShop(t);
    await page.evaluate(() => {
      window.open = () => null;
    });
    await page.click("#prepare");
    await page.waitForSelector("#popup:enabled");
    await page.click("#popup");
    assert.equal((await outcomeOf(page)).code, "popup_blocked");
  });

  for (const [button, isRight] of [
    ["#approve", ({ token }) => token === lastToken()],
    ["#decline", ({ code }) => code === "request_denied"],
  ]) {
    test(`polling, while the person presses ${button} somewhere else`, { timeout }, async (t) => {
      const page = await openShop(t);
      const polledBefore = proxy.continuations().length;
      await page.click("#poll");
      await page.waitForSelector("#wallet[href]");
      const [, sent] = await during(proxy, async () => {
        const elsewhere = await browser.newPage();
        t.after(() => elsewhere.close());
        await elsewhere.goto(await page.$eval("#wallet", ({ href }) => href));
        await until(() => proxy.continuations().length > polledBefore, "a poll before the decision");
        await leaveBy(elsewhere, button);
        assert.match(await elsewhere.$eval("h1", ({ textContent }) => textContent), button === "#approve" ? /^Approved$/ : /^Declined$/);
        await page.bringToFront();
        const outcome = await outcomeOf(page);
        assert.ok(isRight(outcome), JSON.stringify(outcome));
      });
      const polls = sent.filter(({ signed }) => signed);
      assert.deepEqual(
        polls.filter(({ responseBody }) => responseBody.includes("too_fast")),
        [],
      );
      assert.equal(await page.evaluate("globalThis.mark"), true);
    });
  }

  test("a tab: stops at what the wallet adds to the finish URI, on its host, and nowhere else", { timeout }, async (t) => {
    const page = await openShop(t);
    const stops = await page.evaluate(async () => {
      const finishUri = "https://shop.example/callback?order=7";
      const visit = async (url) => {
        let updated;
        const event = {
          addListener: (listener) => {
            updated ??= listener;
          },
          removeListener: () => {},
        };
        const tabs = {
          create: async () => ({ id: 7 }),
          remove: async () => {},
          onUpdated: event,
          onRemoved: { addListener: () => {}, removeListener: () => {} },
        };
        const waiting = shop.openWalletTab(
          { interact: { redirect: "https://wallet.example/" } },
          { tabs, finishUri, signal: AbortSignal.timeout(200) },
        );
        await Promise.resolve().then(() => {});
        updated?.(8, { url }); // of another tab
        updated?.(7, {});
        updated?.(7, { url });
        return waiting.then(
          (stopped) => stopped === url,
          ({ name }) => name,
        );
      };
      const query = "interact_ref=r&hash=h";
      const urls = [
        `https://shop.example/callback?order=7&${query}`,
        `https://www.shop.example/callback/?${query}`,
        `https://shop.example/index.html?${query}`,
        `https://shop.example/#/callback?${query}`,
        `https://shop.example/#${query}`,
        "https://shop.example/?result=grant_rejected",
        "https://shop.example/callback?order=7",
        "https://shop.example/callback?interact_ref=r",
        "https://shop.example/callback?hash=h",
        `https://wallet.example/?${query}`,
        `https://evil.example/callback?${query}`,
        `https://shop.example.evil/callback?${query}`,
        "about:blank",
      ];
      return Promise.all(urls.map(visit));
    });
    assert.deepEqual(stops, [...Array(6).fill(true), ...Array(7).fill("TimeoutError")]);
  });

  test("the ways to the wallet name the argument that is wrong, and open nothing", { timeout }, async (t) => {
    const page = await openShop(t);
    const pages = (await browser.pages()).length;
    const messages = await page.evaluate(async () => {
      const { openWalletPopup, openWalletTab, redirectToWallet } = shop;
      const tabs = {
        create: () => {
          throw new Error("a tab was opened");
        },
      };
      const withRedirect = (redirect) => ({ interact: { redirect } });
      const grant = withRedirect("https://wallet.example/");
      const calls = [
        () => redirectToWallet(),
        () => redirectToWallet({ access_token: {} }),
        () => redirectToWallet(withRedirect("javascript:alert(1)")),
        () => redirectToWallet(withRedirect("nowhere")),
        () => openWalletPopup(),
        () => openWalletPopup(withRedirect("data:text/html,x")),
        () => openWalletTab(withRedirect("file:///etc/passwd"), { tabs, finishUri: location.href }),
        () => openWalletTab(grant),
        () => openWalletTab(grant, { tabs: {}, finishUri: location.href }),
        () => openWalletTab(grant, { tabs, finishUri: "/callback" }),
        () => openWalletTab(grant, { tabs }),
      ];
      const [toWallet, toPopupOrTab] = [calls.slice(0, 4), calls.slice(4)];
      const tried = [...toWallet.map(async (call) => call()), ...toPopupOrTab.map((call) => call())]; // the latter reject, and never throw
      return (await Promise.allSettled(tried)).map(({ reason }) => String(reason));
    });
    const mustBePending = 'TypeError: "grant" must be a pending grant, with interact.redirect';
    const mustBeHttps = 'TypeError: "grant.interact.redirect" must be an https: URL';
    const mustBeTabs = 'TypeError: "tabs" must be chrome.tabs or browser.tabs';
    const mustBeAbsolute = 'TypeError: "finishUri" must be an absolute URL';
    assert.deepEqual(messages, [
      mustBePending,
      mustBePending,
      mustBeHttps,
      'TypeError: "grant.interact.redirect" must be an absolute URL',
      mustBePending,
      mustBeHttps,
      mustBeHttps,
      mustBeTabs,
      mustBeTabs,
      mustBeAbsolute,
      mustBeAbsolute,
    ]);
    assert.equal((await browser.pages()).length, pages);
    assert.equal(await page.evaluate("shop.returnToOpener()"), false);
  });

  test("a signal that is aborted already opens nothing", { timeout }, async (t) => {
    const page = await openShop(t);
    const isReason = await page.evaluate(async () => {
      const grant = { interact: { redirect: "https://wallet.example/" } };
      const reason = new Error("never");
      const signal = AbortSignal.abort(reason);
      const fail = () => {
        throw new Error("opened");
      };
      window.open = fail;
      const options = { signal, tabs: { create: fail }, finishUri: location.href };
      const tried = await Promise.allSettled([shop.openWalletPopup(grant, options), shop.openWalletTab(grant, options)]);
      return tried.map((outcome) => outcome.reason === reason);
    });
    assert.deepEqual(isReason, [true, true]);
  });
});
