// The extension of web/extension, loaded in a browser, and a way to stop its worker at any moment.

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { browsers, launchChromium, launchFirefox } from "./browsers.mjs";
import { primaryOnly, root } from "./packages.mjs";
import { close, listen } from "./http.mjs";

const geckoId = "open-payments-example@open-payments-wasm.example";
const geckoUuid = "6c3d9c55-64ef-4f6c-8f04-0d1d2f3a4b5c"; // any: Firefox makes one up otherwise

/** Builds the extension into a new folder. */
export function buildExtension() {
  const folder = mkdtempSync(join(tmpdir(), "open-payments-extension-"));
  execFileSync(join(root, "web/extension/build.sh"), [folder, primaryOnly()]);
  return { folder, remove: () => rmSync(folder, { recursive: true }) };
}

/** The same with the scripts of pages/kept-extension in place of its own, under the same manifest. */
export function buildKeptExtension() {
  const built = buildExtension();
  cpSync(join(root, "web/test/pages/kept-extension"), built.folder, { recursive: true });
  return built;
}

/** The same, with a worker that stands still at a step that a test chooses: see pages/stepping-extension. */
export function buildSteppingExtension() {
  const built = buildExtension();
  renameSync(join(built.folder, "worker.js"), join(built.folder, "own-worker.js"));
  cpSync(join(root, "web/test/pages/stepping-extension"), built.folder, { recursive: true });
  return built;
}

/** Waits until a function, which may fail on the way, returns something. */
export async function eventually(what, fn) {
  let problem = "";
  for (const end = Date.now() + 30_000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 40))) {
    const value = await fn().catch((error) => void (problem = `: ${error.message}`));
    if (value) return value;
  }
  throw new Error(`waited in vain for ${what}${problem}`);
}

/** Waits until the popup shows a step whole: nothing that it fetches still moves what a click is for. */
export const stepShown = (page, step) =>
  eventually(`the step ${step}`, async () => {
    const shown = await page.evaluate(() => {
      const { innerText } = document.body;
      const section = document.querySelector("section:not([hidden])");
      const isWhole = section?.dataset.step !== "allowed" || document.querySelector("#left").textContent !== "";
      return { step: section?.dataset.step, isWhole, isBusy: document.querySelector("main").inert, innerText };
    });
    if (shown.step === step && shown.isWhole && !shown.isBusy) return true;
    throw new Error(JSON.stringify(shown));
  });

class LoadedExtension {
  /** The page whose address begins so. */
  tabAt(prefix) {
    return eventually(`a tab at ${prefix}`, async () => {
      for (const page of await this.browser.pages()) {
        const address = await page.evaluate("location.href").catch(() => ""); // a page that is just gone
        if (address.startsWith(prefix)) return page;
      }
    });
  }

  /** Closes all tabs but the first, without which the browser would end. */
  async closeTabs() {
    const [, ...pages] = await this.browser.pages();
    for (const page of pages) await page.close();
  }

  close() {
    return this.browser.close();
  }
}

class InChromium extends LoadedExtension {
  async load(folder, options) {
    this.browser = await launchChromium({ enableExtensions: [folder], ...options });
    const worker = await this.browser.waitForTarget((target) => target.type() === "service_worker");
    this.origin = `chrome-extension://${new URL(worker.url()).host}`;
    return this;
  }

  async open(path) {
    const page = await this.browser.newPage();
    await page.goto(`${this.origin}/${path}`);
    return page;
  }

  /** Presses the button in the toolbar while a page is in front, and returns the popup. */
  async openPopup(page) {
    const before = this.browser.targets();
    const [extension] = [...(await this.browser.extensions()).values()];
    await page.bringToFront();
    const opening = this.browser.waitForTarget(
      (target) => target.url().startsWith(this.origin) && target.type() === "page" && !before.includes(target),
    );
    await page.triggerExtensionAction(extension);
    return (await opening).asPage();
  }

  /** Stops the worker, if it runs. It may be awake again when this returns: then it is another. */
  async stopWorker(page) {
    const running = this.#worker();
    const session = await page.createCDPSession();
    await session.send("ServiceWorker.enable");
    await session.send("ServiceWorker.stopAllWorkers");
    await session.detach();
    await eventually("the worker's end", async () => this.#worker() !== running || running === undefined);
  }

  #worker() {
    return this.browser.targets().find((target) => target.type() === "service_worker");
  }

  /** Grants what the extension is about to ask for: no command presses Allow, but this page does the same. */
  async expectPermission(origin) {
    const page = await this.browser.newPage();
    await page.goto("chrome://extensions");
    await page.evaluate((id, origin) => chrome.developerPrivate.addHostPermission(id, origin), new URL(this.origin).host, origin);
    await page.close();
  }
}

/** Over WebDriver BiDi, whose commands Puppeteer does not all know. */
class InFirefox extends LoadedExtension {
  async load(folder, { scheme = "light", ...options } = {}) {
    this.browser = await launchFirefox({
      ...options,
      args: ["--remote-allow-system-access"], // to stop the event page
      extraPrefsFirefox: {
        "extensions.webextensions.uuids": JSON.stringify({ [geckoId]: geckoUuid }),
        "layout.css.prefers-color-scheme.content-override": scheme === "dark" ? 0 : 1,
        "extensions.webextOptionalPermissionPrompts": false, // nobody is there to press Allow
        "extensions.webextensions.keepStorageOnUninstall": true, // an extension that is loaded for a test goes with the browser
      },
    });
    await this.browser.installExtension(folder);
    this.origin = `moz-extension://${geckoUuid}`;
    return this;
  }

  /** page.goto waits for events that do not come for pages of extensions. */
  async open(path) {
    const page = await this.browser.newPage();
    const url = `${this.origin}/${path}`;
    await this.#send("browsingContext.navigate", { context: page.mainFrame()._id, url, wait: "none" });
    const [address] = url.split("?"); // callback.html takes its query away
    await eventually(url, () => page.evaluate(`location.href.startsWith("${address}") && document.readyState === "complete"`));
    return page;
  }

  /**
   * No command of WebDriver BiDi presses the button of an extension, and the popup that Firefox would show is in a panel of the
   * browser, where none reaches. So this does what Firefox does at that click, which is to give the permission activeTab for the
   * tab, and opens the popup as Firefox for Android does: in a tab.
   */
  async openPopup(page) {
    await page.bringToFront();
    const id = await this.#inBrowser(`(() => {
      const { gBrowser } = Services.wm.getMostRecentWindow("navigator:browser");
      extension.tabManager.addActiveTabPermission(gBrowser.selectedTab);
      return extension.tabManager.getWrapper(gBrowser.selectedTab).id;
    })()`);
    return this.open(`popup.html?tab=${id}`);
  }

  /** Also while it has something to do: Firefox itself would wait for that. */
  async stopWorker() {
    const isGone = await this.#inBrowser(`(async () => {
      const page = extension.backgroundContext;
      await extension.terminateBackground({ disableResetIdleForTest: true });
      return !page || page.unloaded;
    })()`);
    if (!isGone) throw new Error("the event page was not stopped");
  }

  async expectPermission() {} // granted without a prompt: see load

  async #inBrowser(expression) {
    const { contexts } = await this.#send("browsingContext.getTree", { "moz:scope": "chrome" });
    const { result } = await this.#send("script.evaluate", {
      expression: `(({ extension }) => ${expression})(WebExtensionPolicy.getByID("${geckoId}"))`,
      target: { context: contexts[0].context },
      awaitPromise: true,
    });
    return result.value;
  }

  async #send(method, params) {
    return (await this.browser.connection.send(method, params)).result;
  }
}

/** Loads the extension in each browser, or with BROWSER in that one. */
export const loadedExtensions = [
  { name: "Chromium", load: (folder, options) => new InChromium().load(folder, options) },
  { name: "Firefox", load: (folder, options) => new InFirefox().load(folder, options) },
].filter(({ name }) => browsers.some((browser) => browser.name === name));

/** The way to the sandbox, which can be closed before a request reaches it or before its response comes back. */
export async function startProxy(sandbox) {
  let held, unreadable, broken;
  const keySets = new Map(); // by path
  const requests = []; // "METHOD /path status" of what the sandbox answered
  const pass = async (req, res) => {
    const keys = keySets.get(req.url);
    if (keys)
      return res.writeHead(200, { "access-control-allow-origin": "*", "content-type": "application/json" }).end(JSON.stringify({ keys }));
    const holding = held?.pattern.test(`${req.method} ${req.url}`) ? held : undefined;
    if (holding) held = undefined;
    if (holding?.when === "before") return holding.reached();
    if (broken?.test(`${req.method} ${req.url}`)) return req.socket.destroy();
    const response = await forward(sandbox.sandbox, req);
    requests.push(`${req.method} ${req.url} ${response.statusCode}`);
    if (unreadable?.test(`${req.method} ${req.url}`)) delete response.headers["access-control-allow-origin"];
    if (holding) return holding.reached();
    res.writeHead(response.statusCode, response.headers);
    response.pipe(res);
  };
  const server = createServer((req, res) => pass(req, res).catch(() => req.socket.destroy())); // the sandbox may have stopped
  const origin = await listen(server);
  return {
    origin,
    clients: `${origin}/clients/`,
    wallets: Object.fromEntries(Object.entries(sandbox.wallets).map(([name, url]) => [name, url.replace(new URL(url).origin, origin)])),
    /** Adds keys to a wallet that has money, as its owner does. */
    publish: (name, ...keys) => void keySets.set(`/${name}/jwks.json`, keys),
    requests,
    /** Never answers the next request of that kind. Resolves when it is there: `before` or `after` the sandbox has processed it. */
    hold: (pattern, when = "before") => {
      let isThere = false;
      held = {
        pattern,
        when,
        reached: () => {
          isThere = true;
        },
      };
      return eventually(`a request ${pattern}`, async () => isThere);
    },
    /** Leaves CORS headers out of the responses to requests of that kind. */
    withoutCORS: (pattern) => {
      unreadable = pattern;
    },
    /** Breaks off the connection at requests of that kind. */
    breakOff: (pattern) => {
      broken = pattern;
    },
    close: () => close(server),
  };
}

/** Sends a request on as it came, Host included: the sandbox takes its addresses from that. */
async function forward(target, req) {
  const { hostname, port } = new URL(target);
  const onward = request({ hostname, port, method: req.method, path: req.url, headers: req.headers });
  req.pipe(onward);
  const [response] = await once(onward, "response");
  return response;
}
