// The extension as a person meets it, by clicks, with its worker stopped where it hurts.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { buildExtension, eventually, loadedExtensions, startProxy, stepShown } from "./harness/extension.mjs";
import { jwk as otherJwk } from "./harness/key-material.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";

const { d: _, ...otherKey } = { ...otherJwk, kid: "of another device" };
const built = buildExtension();
after(() => built.remove());

describe("the manifest", () => {
  const manifest = JSON.parse(readFileSync(join(built.folder, "manifest.json"), "utf8"));

  it("asks for four permissions, and for hosts only when they are needed", () => {
    assert.deepEqual(manifest.permissions, ["activeTab", "scripting", "alarms", "storage"]);
    assert.deepEqual(manifest.optional_host_permissions, ["https://*/*", "http://localhost/*", "http://127.0.0.1/*"]);
    for (const member of ["host_permissions", "optional_permissions", "content_scripts", "externally_connectable"])
      assert.equal(manifest[member], undefined);
    assert.deepEqual(
      manifest.web_accessible_resources.map(({ resources }) => resources),
      [["callback.html"]],
    );
  });

  it("lets WebAssembly run, and no other code than its own files", () => {
    assert.deepEqual(Object.keys(manifest.content_security_policy), ["extension_pages"]);
    const policy = manifest.content_security_policy.extension_pages.split("; ");
    assert.ok(policy.includes("default-src 'none'"));
    assert.ok(policy.includes("script-src 'self' 'wasm-unsafe-eval'"));
    assert.equal(policy.join().match(/unsafe/g).length, 1);
  });
});

for (const { name, load } of loadedExtensions) {
  describe(`the extension in ${name}`, () => {
    let extension, sandbox, proxy, page, wallet;
    let wallets = 0;

    before(async () => {
      sandbox = await startSandbox("-wait", "1s");
      [proxy, extension] = await Promise.all([startProxy(sandbox), load(built.folder)]);
    });
    after(() => Promise.all([extension?.close(), sandbox?.stop(), proxy?.close()]));

    /** A wallet of its own for every test, with another key in it, and the extension as it is when new. */
    beforeEach(async () => {
      wallet = `person-${++wallets}`;
      proxy.requests.length = 0;
      await publishKey(proxy, wallet, otherKey);
      await extension.closeTabs();
      page = await extension.open("popup.html");
      await page.setViewport({ width: 360, height: 600 }); // a popup is not larger
      await page.evaluate("Promise.all([chrome.storage.local.clear(), chrome.storage.session.clear()])");
      await step("new");
    });

    const address = () => `${proxy.clients}${wallet}`;
    const text = (selector, of = page) => of.$eval(selector, (element) => element.textContent);
    const stored = () => page.evaluate("chrome.storage.local.get()");
    const step = async (step) => {
      await stepShown(page, step);
      assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), `${step} scrolls sideways`);
    };
    const press = async (selector, of = page) => {
      await of.bringToFront();
      await of.locator(selector).click();
    };
    const tabClosed = () => eventually("the tab's end", async () => (await page.evaluate("chrome.tabs.query({})")).length === 2);
    const problem = () =>
      eventually("a problem", async () => !(await page.$eval("#problem", ({ hidden }) => hidden)) && text("#problem-text"));
    const left = () => eventually("what is left", () => text("#left"));
    const stopWorker = () => extension.stopWorker(page);
    const walletPage = () => extension.tabAt(`${proxy.origin}/interact/`);
    const callbackPage = () => extension.tabAt(`${extension.origin}/callback.html`);
    const outcome = async () => {
      const callback = await callbackPage();
      return eventually("the outcome", async () => (await text("#outcome", callback)).replace("One moment…", ""));
    };
    const publish = async () => publishKey(proxy, wallet, JSON.parse(await page.$eval("#jwk", ({ value }) => value)));
    const answered = (pattern) => proxy.requests.filter((request) => pattern.test(request));

    const connect = async () => {
      await page.type("#address", address());
      await press("#connect button");
      await step("publish");
    };
    const check = async () => {
      await publish();
      await press("[data-command=check]");
      await step("ready");
    };
    const approve = async () => {
      await page.type("#limit", "5");
      await press("#ask button");
      await step("waiting");
      return walletPage();
    };

    it("leads from an address to a token and back, its worker stopped before every step", async () => {
      await stopWorker();
      await connect();
      await stopWorker();
      await press("[data-command=check]");
      assert.match(await problem(), /has no key with the kid/);
      await stopWorker();
      await check();
      await stopWorker();
      const tab = await approve();
      assert.match(await text("main", tab), /5\.00 USD/);
      await stopWorker();
      await press("#approve", tab);
      await step("allowed");
      assert.equal(await outcome(), "Payments are allowed. You can close this page.");
      assert.equal(
        await (await callbackPage()).evaluate("location.href"),
        `${extension.origin}/callback.html`,
        "the reference stays out of the history",
      );
      await stopWorker();
      assert.match(await left(), /^5\.00 USD of 5\.00 USD are left this month\. The next 5\.00 USD come on 1 \w+\.$/);
      assert.equal(await text("#nobody"), "This page asks for no payments.");
      await press("#disconnect");
      await step("new");
      assert.deepEqual(
        answered(/DELETE/).map((request) => request.split(" ").at(-1)),
        ["204", "204"],
        "revoked, and cancelled",
      );
      assert.deepEqual(await stored(), {});
      assert.equal(
        await page.evaluate("import('./open-payments-wasm/index.js').then(({ listKeys }) => listKeys()).then((names) => names.length)"),
        0,
      );
    });

    it("keeps its key from every script, over restarts of the worker", async () => {
      await connect();
      const shown = await page.$eval("#jwk", ({ value }) => value);
      await stopWorker();
      const found = JSON.parse(
        await page.evaluate(`(async () => {
        const { loadKey, publicJwk } = await import("./open-payments-wasm/index.js");
        const key = await loadKey("wallet");
        const exported = await crypto.subtle.exportKey("pkcs8", key.privateKey).catch(({ name }) => name);
        return JSON.stringify({ jwk: publicJwk(key), extractable: key.privateKey.extractable, exported });
      })()`),
      );
      assert.deepEqual(found, { jwk: JSON.parse(shown), extractable: false, exported: "InvalidAccessError" });
      assert.ok(!JSON.stringify(await stored()).includes('"d"'));
      await check();
      await page.evaluate("import('./open-payments-wasm/index.js').then(({ deleteKey }) => deleteKey('wallet'))"); // evicted
      await page.type("#limit", "5");
      await press("#ask button");
      await step("lost");
      await press("#disconnect");
      await step("new");
    });

    it("loses nothing when its worker is stopped in the middle of a step", async () => {
      const stopIn = async (reached) => {
        await reached;
        await stopWorker();
      };
      const duringConnect = stopIn(proxy.hold(/^GET .*\/clients\/[^/]+$/));
      await connect();
      await duringConnect;
      const duringCheck = stopIn(proxy.hold(/^GET .*jwks\.json/));
      await check();
      await duringCheck;
      const duringRequest = stopIn(proxy.hold(/^POST \/auth\/$/, "after"));
      const tab = await approve();
      await duringRequest;
      const continued = proxy.hold(/^POST \/auth\/continue/);
      await press("#approve", tab);
      await eventually("the callback", async () => (await stored()).callback);
      await stopWorker(); // while it waits as long as the server asks, or, on a slow machine, in the continuation
      await stopIn(continued);
      await step("allowed");
      assert.equal(answered(/POST \/auth\/continue.* 200/).length, 1);
      const duringRevocation = stopIn(proxy.hold(/^DELETE \/auth\/token/, "after"));
      const duringCancellation = duringRevocation.then(() => stopIn(proxy.hold(/^DELETE \/auth\/continue/, "after")));
      await press("#disconnect");
      await duringCancellation;
      await step("new");
      assert.deepEqual(await stored(), {});
    });

    it("gives back what was allowed when the response with the token is lost", async () => {
      await connect();
      await check();
      const tab = await approve();
      const reached = proxy.hold(/^POST \/auth\/continue/, "after");
      await press("#approve", tab);
      await reached;
      await stopWorker();
      await step("ready");
      assert.match(await problem(), /\w/);
      assert.equal(answered(/DELETE \/auth\/continue.* 204/).length, 1);
      await press("#approve", await approve());
      await step("allowed");
    });

    it("says so when the person declines", async () => {
      await connect();
      await check();
      await press("#decline", await approve());
      await step("ready");
      assert.equal(await problem(), "You declined at your wallet. Nothing is allowed.");
      assert.equal(await outcome(), "You declined at your wallet. Nothing is allowed.");
      assert.equal(answered(/POST \/auth\/continue/).length, 0);
      await press("#close", await callbackPage());
      await tabClosed();
    });

    it("waits on when the person closes the tab, opens it again, and cancels", async () => {
      await connect();
      await check();
      await (await approve()).close();
      await eventually("the word", async () => (await text("#status")) === "The wallet’s page is not open");
      await stopWorker();
      await press("#show");
      const again = await walletPage();
      await press("#show"); // brings it to the front: there is still one
      await press("#approve", again);
      await step("allowed");
      await press("#stop");
      await step("ready");
      assert.equal(answered(/DELETE .* 204/).length, 2);
      await approve();
      await stopWorker();
      await press("#cancel");
      await step("ready");
      assert.equal(answered(/DELETE \/auth\/continue.* 204/).length, 2);
    });

    it("takes the callback from nobody but the wallet", async () => {
      await connect();
      await check();
      const tab = await approve();
      for (const forged of [`hash=${"A".repeat(43)}&interact_ref=forged`, "result=grant_rejected", ""]) {
        const callback = await extension.open(`callback.html?${forged}`);
        await eventually("the outcome", async () => (await text("#outcome", callback)).startsWith("This was not sent by your wallet."));
        await callback.close();
      }
      assert.equal(answered(/\/auth\/continue/).length, 0, "nothing is sent");
      await press("#approve", tab);
      await step("allowed");
    });

    it("keeps what it cannot end, until the person deletes it", async () => {
      await connect();
      await check();
      await press("#approve", await approve());
      await step("allowed");
      await publishKey(proxy, wallet, otherKey); // the key is taken out of the wallet first
      await press("#disconnect");
      await problem();
      await step("ending");
      await stopWorker();
      await press("#forget");
      await step("new");
      assert.deepEqual(await stored(), {});
    });

    it("tells what is wrong with an address and an amount", async () => {
      for (const [typed, expected] of [
        ["my wallet", /is not a wallet address/],
        ["http://wallet.example/", /is not a wallet address/],
        [`${proxy.origin}/nobody`, /no wallet at/],
      ]) {
        await page.$eval("#address", (input) => {
          input.value = "";
        });
        await page.type("#address", typed);
        await press("#connect button");
        await eventually(String(expected), async () => expected.test(await text("#problem-text")));
        await step("new"); // and no longer busy
      }
      await page.$eval("#address", (input) => {
        input.value = "";
      });
      await connect();
      await check();
      for (const typed of ["nothing", "1.234", "0"]) {
        await page.$eval("#limit", (input) => {
          input.value = "";
        });
        await page.type("#limit", typed);
        await press("#ask button");
        assert.match(await problem(), /^The amount must be more than nothing, and look like 5\.00\.$/);
        await step("ready");
      }
      assert.equal(answered(/POST/).length, 0);
    });

    it("asks for access to a wallet whose responses it may not read", async () => {
      proxy.withoutCORS(new RegExp(`^GET /clients/${wallet}`));
      await extension.expectPermission("http://127.0.0.1/*");
      await page.type("#address", address());
      await press("#connect button");
      assert.match(await problem(), /does not let this extension read/);
      assert.equal(await text("#allow"), "Allow access to 127.0.0.1");
      await press("#allow");
      await step("publish");
      await check();
      await page.evaluate("chrome.permissions.remove({ origins: ['http://127.0.0.1/*'] })");
      proxy.withoutCORS(undefined);
    });

    it("lets WebAssembly compile and refuses eval, where scripts could slip in", async () => {
      const tried = JSON.parse(
        await page.evaluate(`new Promise((resolve) => setTimeout(async () => {
        const outcome = async (fn) => { try { await fn(); return "done"; } catch ({ name }) { return name; } };
        resolve(JSON.stringify({
          wasm: await outcome(() => WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0))),
          eval: await outcome(() => (0, eval)("1")),
          Function: await outcome(() => Function("return 1")),
          remote: await outcome(() => import("${proxy.origin}/alice")),
        }));
      }))`),
      );
      assert.deepEqual(tried, { wasm: "done", eval: "EvalError", Function: "EvalError", remote: "TypeError" });
      const { permissions, origins } = await page.evaluate("chrome.permissions.getAll()");
      assert.deepEqual(
        { permissions: permissions.sort(), origins },
        { permissions: ["activeTab", "alarms", "scripting", "storage"], origins: [] },
      );
    });

    it("can be used by keyboard, and tells screen readers where it is", async () => {
      const focused = () => page.evaluate("`${document.activeElement.tagName} ${document.activeElement.textContent.trim()}`");
      const tabTo = async (id) => {
        for (let i = 0; i < 10 && !(await page.evaluate(`document.activeElement.matches("${id}")`)); i++) await page.keyboard.press("Tab");
        assert.ok(
          await page.evaluate(
            `document.activeElement.matches("${id}:focus-visible") && getComputedStyle(document.activeElement).outlineStyle === "solid"`,
          ),
          `${id} shows focus`,
        );
      };
      await page.bringToFront();
      await tabTo("#address");
      await page.keyboard.type(address());
      await page.keyboard.press("Enter");
      await step("publish");
      await eventually("focus", async () => (await focused()) === "H2 Add this key to your wallet");
      assert.equal(await text("#status"), "The key is not added yet");
      await tabTo("[data-command=check]");
      await page.keyboard.press("Enter");
      await problem();
      await eventually("focus", async () => (await focused()) === "BUTTON I have added it");
      await publish();
      await page.keyboard.press("Enter");
      await step("ready");
      await eventually("focus", async () => (await focused()) === "H2 Allow small payments");
      await tabTo("#disconnect");
      await page.keyboard.press("Enter");
      await step("new");
      const nameless = await page.evaluate(`[...document.querySelectorAll("input, textarea, button, summary")].filter((control) =>
        !control.labels?.length && !control.textContent.trim() && control.id !== "allow").map(({ outerHTML }) => outerHTML)`);
      assert.deepEqual(nameless, []);
    });

    // No command of WebDriver BiDi presses the button of an extension in Firefox.
    if (name === "Chromium") {
      it("opens from the toolbar, as wide as it wants to be", async () => {
        const popup = await extension.openPopup(page);
        await eventually("its first step", () => popup.evaluate("document.body.dataset.ready !== undefined && innerWidth === 360"));
        await popup.type("#address", address());
        await popup.keyboard.press("Enter");
        await step("publish"); // the page in the tab shows the same
      });
    }

    it("gives pages of an extension a tab for the wallet, with openWalletTab", async () => {
      const jwk = await page.evaluate(`(async () => {
        globalThis.said = [];
        addEventListener("unhandledrejection", ({ reason }) => said.push(String(reason)));
        globalThis.sdk = await import("./open-payments-wasm/index.js");
        globalThis.key = await sdk.generateKey();
        return sdk.publicJwk(key);
      })()`);
      await publishKey(proxy, wallet, jwk);
      const start = () =>
        page.evaluate(`(async () => {
        const finishUri = chrome.runtime.getURL("callback.html");
        const store = sdk.extensionStorage(chrome.storage.session);
        const client = await sdk.createAuthenticatedClient({ walletAddressUrl: "${address()}", key, store });
        const grant = await client.grant.start({ url: "${proxy.origin}/auth/" }, {
          access_token: { access: [{ type: "outgoing-payment", actions: ["create"], identifier: "${address()}" }] },
          interact: { start: ["redirect"], finish: { method: "redirect", uri: finishUri } },
        });
        globalThis.outcome = sdk.openWalletTab(grant, { tabs: chrome.tabs, finishUri })
          .then((callback) => client.grant.finish(callback))
          .then((grant) => sdk.isFinalizedGrant(grant) && "a token", ({ code }) => code);
      })()`);
      await start();
      await press("#approve", await walletPage());
      assert.equal(await page.evaluate("outcome"), "a token");
      await tabClosed();
      await start();
      await press("#decline", await walletPage());
      assert.equal(await page.evaluate("outcome"), "interaction_rejected");
      await tabClosed();
      await start();
      await (await walletPage()).close();
      assert.equal(await page.evaluate("outcome"), "window_closed");
      await page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))");
      assert.deepEqual(await page.evaluate("said"), []);
    });
  });

  it(`outlives the browser in ${name}`, async () => {
    const profile = mkdtempSync(join(tmpdir(), "open-payments-profile-"));
    const sandbox = await startSandbox("-wait", "1s");
    const wallet = await publishKey(sandbox, "restart", otherKey);
    let extension, page;
    const start = async () => {
      extension = await load(built.folder, { userDataDir: profile });
      page = await extension.open("popup.html");
    };
    const step = (step) => stepShown(page, step);
    try {
      await start();
      await page.type("#address", wallet);
      await page.click("#connect button");
      await step("publish");
      await publishKey(sandbox, "restart", JSON.parse(await page.$eval("#jwk", ({ value }) => value)));
      await page.click("[data-command=check]");
      await step("ready");
      await page.type("#limit", "5");
      await page.click("#ask button");
      await step("waiting");
      const { asked } = await page.evaluate("chrome.storage.local.get()");
      await extension.close(); // while the person is at the wallet

      const callback = await decide({ interact: { redirect: asked.redirect } }, "approve");
      await start();
      await step("waiting");
      await extension.open(`callback.html${callback.search}`);
      await step("allowed");
      await extension.close();

      await start();
      await step("allowed");
      assert.match(await eventually("what is left", () => page.$eval("#left", ({ textContent }) => textContent)), /^5\.00 USD of/);
      await page.click("#disconnect");
      await step("new");
    } finally {
      await extension.close();
      await sandbox.stop();
      rmSync(profile, { recursive: true, force: true });
    }
  });
}
