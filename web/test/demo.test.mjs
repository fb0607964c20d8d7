// The demo page as a person meets it: every step by a click, or by a key.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { before, describe, it } from "node:test";
import { browsers } from "./harness/browsers.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { jwk as testKey, thumbprint } from "./harness/key-material.mjs";
import { publishKey, startSandbox } from "./harness/sandbox.mjs";

const timeout = 90_000;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Firefox takes these from its preferences, Chromium from each page.
const preferences = (scheme) => ({
  "ui.prefersReducedMotion": 1,
  "layout.css.prefers-color-scheme.content-override": scheme === "dark" ? 0 : 1,
});

const serve = (wait) => startSandbox("-wait", wait, "-fee", "200", "-payment-delay", "200ms", "-faults");

/** What a component of the signature lights up, each as the element that it is part of and its text. */
const litParts = (view) => [...view.querySelectorAll(".lit")].map((element) => element.textContent);

/** A page with the demo, and all that was said and requested while it was open. */
class Demo {
  log = [];
  requested = [];

  static async open(browser, sandbox, { scheme = "light", motion = "reduce", width = 1280, search = "" } = {}) {
    const demo = new Demo();
    demo.origins = [new URL(sandbox.demo).origin, sandbox.sandbox];
    const page = (demo.page = await browser.newPage());
    page.on("console", (message) => message.type() === "error" && demo.log.push(message.text()));
    page.on("pageerror", (error) => demo.log.push(error.message));
    page.on("request", (request) => demo.requested.push(request.url()));
    await page.evaluateOnNewDocument(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        console.error(`policy violated: ${violatedDirective} ${blockedURI}`),
      );
    });
    await page.setViewport({ width, height: 800 });
    if ((await browser.version()).startsWith("Chrome")) {
      await page.emulateMediaFeatures([
        { name: "prefers-color-scheme", value: scheme },
        { name: "prefers-reduced-motion", value: motion },
      ]);
    }
    demo.response = await page.goto(sandbox.demo + search);
    await demo.shows("#start");
    return demo;
  }

  shows(selector) {
    return this.page.waitForSelector(`${selector}:not([hidden])`);
  }

  /** Clicks, as a person does who scrolls to a thing first. */
  async click(selector) {
    await this.page.$eval(selector, (element) => element.scrollIntoView({ block: "center", behavior: "instant" }));
    await this.page.click(selector);
  }

  async shortcut(...keys) {
    await this.page.keyboard.down("Control");
    for (const key of keys) await this.page.keyboard.press(`Key${key}`);
    await this.page.keyboard.up("Control");
  }

  leaveBy(selector) {
    return Promise.all([this.page.waitForNavigation(), this.page.click(selector)]);
  }

  async breakBy(name) {
    await this.click("#break > summary");
    await this.click(`input[value=${name}]`);
    await this.click("#break-start");
  }

  async toWallet() {
    await this.shows("#wallet");
    await this.leaveBy("#wallet");
  }

  async isOver() {
    await this.page.waitForSelector("[data-phase=done]");
  }

  /** Approves, and goes on until the page knows what paying costs. */
  async toCost() {
    await this.toWallet();
    await this.leaveBy("#approve");
    await this.shows("#quote");
    await this.page.click("#quote");
    await this.shows("#pay");
  }

  /** Pays what costs were asked for, and waits for the end. */
  async pay() {
    await this.page.click("#pay");
    await this.shows("#start");
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.textContent);
  }

  titles() {
    return this.page.$$eval("#steps h3", (all) => all.map((title) => title.textContent));
  }

  /** The names of the steps. What is asked again and again, as often as it takes, is there once. */
  async names(filter = "") {
    const all = await this.page.$$eval(`#steps .step${filter}`, (steps) => steps.map((step) => step.dataset.step));
    return all.filter((name, i) => name !== all[i - 1]);
  }

  /** The requests that were signed, by the name of their step. */
  signed() {
    return this.names(":has(.base)");
  }

  /** What the failure says: { "Code": …, "What to do": … }. */
  failure() {
    return this.page.$eval(".failure", (list) =>
      Object.fromEntries([...list.querySelectorAll("dt")].map((term) => [term.textContent, term.nextSibling.textContent])),
    );
  }

  open(step) {
    return this.click(`[data-step=${step}] summary`);
  }

  openEverything() {
    return this.page.$$eval("details", (all) =>
      all.forEach((one) => {
        one.open = true;
      }),
    );
  }

  async assertAccessible(where) {
    const run = `axe.run(document, { preload: false, resultTypes: ["violations"] })`;
    const report = await this.page.evaluate(`${axe}; (async () => JSON.stringify((await ${run}).violations))()`);
    const grave = JSON.parse(report).filter(({ impact }) => impact === "serious" || impact === "critical");
    assert.deepEqual(
      grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`),
      [],
      where,
    );
  }

  async assertFits() {
    const { scroll, client } = await this.page.evaluate(() => ({
      scroll: document.documentElement.scrollWidth,
      client: document.documentElement.clientWidth,
    }));
    assert.ok(scroll <= client, `it scrolls sideways: ${scroll} > ${client}`);
  }

  /** Nothing failed but what the server refused or lost, nothing violated the policy, nobody else was asked. */
  async close({ refusals = 0 } = {}) {
    const refused = this.log.filter((text) => /status of 4\d\d|ERR_EMPTY_RESPONSE|CORS request did not succeed/.test(text));
    assert.deepEqual(
      this.log.filter((text) => !refused.includes(text)),
      [],
    );
    assert.ok(refused.length <= refusals, `${refused}`);
    const foreign = this.requested.filter((url) => !url.startsWith("data:") && !this.origins.includes(new URL(url).origin));
    assert.deepEqual(foreign, [], "somebody else was asked");
    await this.page.close();
  }
}

describe("the demo", { concurrency: browsers.length }, () => describeInBrowsers({ title: (name) => `in ${name}`, concurrency: 1 }, walk));

function walk({ name, launch, start }) {
  let browser, sandbox, slowSandbox;

  before(async () => {
    [browser, sandbox, slowSandbox] = await start(launch({ extraPrefsFirefox: preferences("light") }), serve("1s"), serve("10s"));
  });

  const open = (options) => Demo.open(browser, sandbox, options);

  /** Says what shall go wrong in the sandbox from now on. */
  async function plan(faults) {
    const headers = { authorization: `Bearer ${sandbox.faults.secret}`, "content-type": "application/json" };
    const response = await fetch(sandbox.faults.url, { method: "PUT", headers, body: JSON.stringify(faults) });
    assert.ok(response.ok, `${response.status}`);
  }

  it("leads from a key to an access token", { timeout }, async () => {
    const demo = await open({ motion: "no-preference" });
    const { page } = demo;
    const title = await page.title();
    assert.equal((await demo.text("h1")).replace(/\s+/g, " "), title);
    await page.click("#start");
    if (name === "Chromium") await page.waitForFunction("document.getAnimations().length > 0");
    await demo.toWallet();
    await demo.leaveBy("#approve");
    assert.match(await (await demo.shows("#token")).evaluate((element) => element.textContent), /^\S{10,}$/);
    await demo.isOver();

    const shown = await demo.titles();
    assert.match(shown[0], /^The page (makes a key|takes its key from IndexedDB)$/);
    assert.deepEqual(shown.slice(1, 7), [
      "The public half is published",
      "The wallet names its authorization server",
      "The page asks for a grant",
      "You go to the wallet",
      "The wallet sends you back",
      "The way back is genuine",
    ]);
    assert.deepEqual(shown.slice(-2), ["The page continues the grant", "The page has an access token"]);
    assert.deepEqual(await demo.signed(), ["request", "continue"]);
    assert.match(await demo.text("#status"), /has an access token/);
    assert.equal(page.url(), sandbox.demo, "the reference stays out of the history");
    const kept = await page.evaluate(() => JSON.stringify(sessionStorage));
    assert.ok(!kept.includes(await demo.text("#token")), "the token is kept nowhere");
    for (const took of await page.$$eval("#timings td:nth-child(2)", (all) => all.map((cell) => cell.textContent)))
      assert.match(took, /^[\d.]+ m?s$/);
    await demo.close();
  });

  it("pays with the token: says what it costs before, and what became of it after", { timeout }, async () => {
    const demo = await open();
    const { page } = demo;
    await page.click("#start");
    await demo.toCost();
    assert.match(await demo.text("#pay"), /^Pay 2\.50\sUSD: 2\.55\sUSD is debited, fee included$/);
    assert.match(await demo.text("#status"), /^It costs 2\.55\sUSD, fee included\. Nothing is paid yet\.$/);
    assert.equal(await page.evaluate(() => document.activeElement.id), "status", "a second press of the same key pays nothing");
    assert.equal(await page.$("[data-step=pay]"), null);
    await demo.pay();

    const names = await demo.names();
    const paying = names.slice(names.indexOf("token") + 1);
    assert.deepEqual(paying, ["shop", "billGrant", "bill", "quoteGrant", "quote", "pay", "look", "receipt", "paid"]);
    assert.deepEqual(await demo.signed(), ["request", "continue", "billGrant", "bill", "quoteGrant", "quote", "pay", "look"]);
    assert.match(await demo.text("#status"), /^Done\. The shop has its 2\.50\sUSD\.$/);
    const looks = await page.$$eval("[data-step=look] .sentence", (all) => all.map(({ textContent }) => textContent));
    assert.match(looks.pop(), /^2\.50\sUSD has been sent\./);
    for (const before of looks) assert.match(before, /^0\.00\sUSD has been sent\./, "until it has arrived");
    assert.match(
      await demo.text("[data-step=paid] .sentence"),
      /^2\.55\sUSD was debited: 2\.50\sUSD was sent, and 0\.05\sUSD is the wallet’s fee\.$/,
    );
    assert.deepEqual(await demo.names(":not(:has(.sentence a))"), ["paid"], "the others say where it is written");

    const bytes = await demo.text("[data-step=pay] .bytes");
    const token = await demo.text("#token");
    assert.ok(bytes.includes(`authorization: GNAP ${token}`));
    assert.match(bytes, /\{"walletAddress":"[^"]+\/alice","quoteId":"[^"]+"\}/);
    const stores = await page.evaluate(() => JSON.stringify([sessionStorage, localStorage]));
    assert.ok(!stores.includes(token), "the token is kept nowhere");
    const [, incomingPayment] = (await demo.text("[data-step=receipt] .line")).split(" ");
    const { receivedAmount } = await (await fetch(incomingPayment)).json();
    assert.equal(receivedAmount.value, "250", "the shop's wallet says so too");
    await demo.close();
  });

  it("says so when a payment fails", { timeout }, async () => {
    await plan({ payments: [{ wallet: "alice", times: 1, fail: true, sent: "100" }] });
    const demo = await open();
    await demo.page.click("#start");
    await demo.toCost();
    await demo.pay();
    assert.equal((await demo.titles()).at(-1), "The payment failed");
    assert.match(await demo.text("[data-step=failed] .sentence"), /^1\.00\sUSD of 2\.55\sUSD was sent, and the rest is yours again\.$/);
    assert.equal(await demo.text("#status"), "The payment failed.");
    await demo.close();
  });

  it("looks before it pays again, when the response to a payment is lost", { timeout }, async () => {
    await plan({ responses: [{ method: "POST", path: "/op/outgoing-payments", times: 2, lose: true }] });
    const demo = await open();
    await demo.page.click("#start");
    await demo.toCost();
    await demo.page.click("#pay");
    await demo.shows("#look");
    assert.match(await demo.text("#status"), /\. Whether it was paid is not known\.$/);
    await plan({});
    await demo.page.click("#look");
    await demo.shows("#start");
    const names = await demo.names();
    assert.deepEqual(names.slice(names.indexOf("failure") + 1), ["list", "look", "receipt", "paid"], "paid once");
    await demo.close({ refusals: 2 });
  });

  it("links what the signature covers to where it is", { timeout }, async () => {
    const demo = await open();
    const { page } = demo;
    await page.click("#start");
    await demo.toWallet();
    await demo.leaveBy("#approve");
    await demo.isOver();
    await demo.open("continue");
    const step = "[data-step=continue]";
    const lines = await page.$$eval(`${step} .base li`, (all) => all.map((line) => line.textContent));
    assert.match(lines.slice(0, 3).join("\n"), /^"@method": POST\n"@target-uri": .+\n"authorization": GNAP .+$/);
    assert.match(lines.slice(3, 6).join("\n"), /^"content-digest": sha-512=.+\n"content-length": \d+\n"content-type": application\/json$/);
    assert.match(lines.slice(6).join("\n"), /^"@signature-params": .+;tag="gnap"/);
    assert.match(await demo.text(step), /signature: sig1=:.+:/);

    const lit = () => page.$eval(step, litParts);
    const covered = (name) =>
      page.$eval(`${step} .base button[data-part="${name}"]`, (button) => button.textContent.slice(button.textContent.indexOf(": ") + 2));
    const digest = await covered("content-digest");
    const body = await page.$eval(`${step} .line[data-part~="content-digest"][data-part~="content-length"]`, (line) => line.textContent);
    assert.match(body, /^\{"interact_ref":"[^"]+"\}$/);
    const expected = [`content-digest: ${digest}`, '"content-digest"', body, `"content-digest": ${digest}`];

    await page.focus(`${step} .base button[data-part="content-digest"]`);
    assert.deepEqual(await lit(), expected, "on focus");
    assert.match(await demo.text(`${step} .meaning`), /digest of the body/);
    await page.focus(`${step} .base button[data-part="@method"]`);
    assert.deepEqual(await lit(), ["POST", '"@method"', '"@method": POST']);
    await page.evaluate(() => document.activeElement.blur());
    assert.deepEqual(await lit(), []);
    await page.hover(`${step} .line[data-part="content-digest"]`);
    assert.deepEqual(await lit(), expected, "on hover, of the header too");
    await demo.click(`${step} .base button[data-part="content-digest"]`);
    await page.mouse.move(1, 1);
    await page.evaluate(() => document.activeElement.blur());
    assert.deepEqual(await lit(), expected, "a click holds it");
    assert.equal(await page.$eval(`${step} .base button[data-part="content-digest"]`, (button) => button.ariaPressed), "true");
    assert.match(await demo.text(`${step} .verdict`), /is the one in content-digest/);
    await demo.close();
  });

  it("sends a strict Content-Security-Policy, shows the key, and that it cannot be taken", { timeout }, async () => {
    const demo = await open({ search: "?break=none" });
    const policy = demo.response.headers()["content-security-policy"];
    for (const directive of [
      "default-src 'none'",
      "script-src 'self' 'wasm-unsafe-eval'",
      "style-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]) {
      assert.ok(policy.split("; ").includes(directive), `${policy} lacks ${directive}`);
    }
    assert.match(policy, /connect-src 'self' .*https:(;|$)/, "a wallet of one's own can be asked");
    assert.doesNotMatch(policy, /unsafe-inline|'unsafe-eval'/);

    await demo.page.click("#start");
    await demo.shows("#wallet");
    const card = await demo.text("#key-card");
    assert.match(card, /Ed25519/);
    assert.match(card, /non-extractable/);
    assert.match(card, /IndexedDB: database open-payments-wasm, store keys, name demo/);
    assert.match(await demo.text("#refusal"), /exportKey\("pkcs8"\) was refused: InvalidAccessError/);
    const jwk = JSON.parse(await demo.text("#jwk"));
    assert.deepEqual(Object.keys(jwk).sort(), ["alg", "crv", "kid", "kty", "use", "x"], "the public half, and nothing of the private one");
    assert.equal(jwk.kid, await demo.text("#thumbprint"));
    await demo.click("#key-card button");
    await demo.page.waitForFunction("document.querySelector('#key-card .said').textContent === 'Copied.'");
    await demo.close();
  });

  const breaks = {
    tamper: { code: "invalid_client", title: "The server refuses", protects: /digest of the body/, sent: ["request"] },
    key: {
      code: "invalid_client",
      title: "The server refuses",
      button: "#approve",
      protects: /bound to the key/,
      sent: ["request", "continue"],
    },
    hash: {
      code: "hash_mismatch",
      title: "The page stops, and sends nothing",
      button: "#approve",
      protects: /checks the hash before/,
      sent: ["request"],
    },
    decline: {
      code: "interaction_rejected",
      title: "You declined",
      button: "#decline",
      protects: /Without your approval/,
      sent: ["request"],
    },
    limit: {
      code: "limit_exceeded",
      title: "The wallet refuses",
      pays: true,
      protects: /approved a limit/,
      sent: ["request", "continue", "billGrant", "bill", "quoteGrant", "quote", "pay"],
      outcome: "Nothing was paid.",
    },
    twice: {
      code: "invalid_quote",
      title: "The wallet refuses",
      pays: true,
      protects: /can be paid once/,
      sent: ["request", "continue", "billGrant", "bill", "quoteGrant", "quote", "pay", "look", "again"],
      outcome: "It was paid once.",
    },
  };
  for (const [what, { code, title, button, pays, protects, sent, outcome = "There is no token." }] of Object.entries(breaks)) {
    it(`breaks on purpose: ${what}`, { timeout }, async () => {
      const demo = await open({ search: `?break=${what}` });
      await demo.click("#break-start");
      if (button) {
        await demo.toWallet();
        await demo.leaveBy(button);
      }
      if (pays) {
        await demo.toCost();
        await demo.pay();
      }
      await demo.isOver();
      assert.equal((await demo.titles()).at(-1), title);
      const said = await demo.failure();
      assert.ok(said.Code.startsWith(code), said.Code);
      assert.match(said["What protected you"], protects);
      assert.ok(said.Description.length > 10 && said["What to do"].length > 10);
      assert.equal((await demo.page.$("#token")) !== null, Boolean(pays));
      assert.deepEqual(await demo.signed(), sent, "what was sent");
      assert.equal(await demo.text("#status"), `${title}. ${outcome}`);
      if (what === "tamper") {
        await demo.open("request");
        assert.deepEqual(await demo.page.$$eval("[data-step=request] :is(del, ins)", (all) => all.map((one) => one.textContent)), [
          "5",
          "9",
        ]);
        assert.match(await demo.text("[data-step=request] .verdict"), /changed after it was signed/);
      }
      await demo.close({ refusals: 1 });
    });
  }

  it("sends nothing when somebody else makes the way back", { timeout }, async () => {
    const demo = await open();
    await demo.page.click("#start");
    await demo.toWallet();
    await demo.page.goto(`${sandbox.demo}?hash=${"A".repeat(43)}&interact_ref=forged`);
    await demo.isOver();
    assert.equal(await demo.page.$eval("#status", (element) => element.dataset.state), "bad");
    assert.match((await demo.failure()).Code, /^hash_mismatch/);
    assert.deepEqual(await demo.signed(), ["request"]);
    assert.equal(demo.page.url(), sandbox.demo);
    await demo.close();
  });

  it("says so when nothing waits for the way back", { timeout }, async () => {
    const demo = await open();
    await demo.page.evaluate(
      () =>
        new Promise((resolve) => {
          // grants of other tests
          const deletion = indexedDB.deleteDatabase("open-payments-wasm.journal");
          deletion.onsuccess = deletion.onblocked = resolve;
        }),
    );
    await demo.page.goto(`${sandbox.demo}?hash=${"A".repeat(43)}&interact_ref=unknown`);
    await demo.isOver();
    assert.match((await demo.failure()).Code, /^no_pending_grant/);
    assert.deepEqual(await demo.signed(), []);
    assert.equal(demo.page.url(), sandbox.demo);
    await demo.close();
  });

  it("breaks on purpose: too soon; the grant goes on, also when the page is loaded again in the middle", { timeout }, async () => {
    const demo = await Demo.open(browser, slowSandbox);
    await demo.breakBy("fast");
    await demo.shows("#wallet");
    const said = await demo.failure();
    assert.ok(said.Code.startsWith("too_fast, with status 400"), said.Code);
    assert.match(said["What protected you"], /processed nothing/);
    const before = await demo.titles();
    await demo.page.reload();
    await demo.shows("#wallet");
    assert.deepEqual(await demo.titles(), before, "while a person decides");
    await demo.toWallet();
    await demo.leaveBy("#approve");
    await demo.page.waitForSelector("[data-step=wait]");
    await demo.page.reload();
    await demo.shows("#token");
    const titles = await demo.titles();
    assert.deepEqual(titles, [...new Set(titles)], "and while it waits");
    await demo.close({ refusals: 1 });
  });

  it("walks with a wallet of one's own, and a key made here", { timeout }, async () => {
    const demo = await open();
    const { page } = demo;
    const address = `${sandbox.clients}own-${crypto.randomUUID()}`;
    await demo.click("#own > summary");
    await page.type("#own-address", address);
    await demo.click("#own-check");
    await page.waitForSelector("#own-said[data-state=bad]");
    assert.equal(await demo.text("#own-said"), "Paste a private key, or make one.");
    await demo.click("#own-generate");
    await page.waitForSelector("#own-key[data-state=good]");
    await demo.click("#own-check");
    await page.waitForFunction("document.getElementById('own-said').textContent.startsWith('key_set_unreachable')");

    const jwk = JSON.parse(await demo.text("#jwk"));
    await publishKey(sandbox, new URL(address).pathname.split("/").at(-1), { ...jwk, kid: "another" });
    await demo.click("#own-check");
    await page.waitForFunction("document.getElementById('own-said').textContent.startsWith('key_not_published')");
    await publishKey(sandbox, new URL(address).pathname.split("/").at(-1), jwk);
    await demo.click("#own-check");
    await page.waitForFunction("document.getElementById('own-said').textContent.endsWith('publishes this key.')");

    await demo.click("#own-start");
    await demo.toWallet();
    assert.ok((await demo.text("main")).includes(`from ${address.split("/").at(-1)}`), "the wallet asks for money of that address");
    await demo.leaveBy("#approve");
    await demo.shows("#token");
    await demo.isOver();
    assert.ok((await demo.titles()).includes("The published key is checked"));
    assert.match(await demo.text("#status"), /It is not used: the shop of the sandbox cannot be paid from elsewhere/);
    await demo.shows("#start");
    assert.equal(await page.$("#quote:not([hidden])"), null);

    await page.reload();
    await page.waitForSelector("#own-key[data-state=good]");
    await demo.click("#own > summary");
    await demo.click("#own-show");
    await page.waitForFunction("document.getElementById('jwk')");
    assert.deepEqual(JSON.parse(await demo.text("#jwk")), jwk, "the key is kept");
    await demo.click("#own-forget");
    await page.waitForFunction("document.getElementById('own-key').textContent === 'Forgotten.'");
    await demo.click("#own-check");
    await page.waitForSelector("#own-said[data-state=bad]");
    await demo.close({ refusals: 1 });
  });

  it("imports a key that is pasted, and keeps nothing of it in the page", { timeout }, async () => {
    const demo = await open();
    const { page } = demo;
    const material = JSON.stringify(testKey);
    const address = await publishKey(sandbox, `pasted-${crypto.randomUUID()}`, {
      kty: "OKP",
      crv: "Ed25519",
      x: testKey.x,
      alg: "EdDSA",
      kid: "my key",
    });
    await demo.click("#own > summary");
    await page.type("#own-material", "not a key");
    await page.keyboard.press("Tab");
    await page.waitForSelector("#own-key[data-state=bad]");
    assert.equal(await page.$eval("#own-material", (field) => field.value), "");

    await page.type("#own-address", material);
    await demo.shortcut("A", "X");
    await page.focus("#own-material");
    await demo.shortcut("V");
    await page.waitForSelector("#own-key[data-state=good]");
    assert.ok((await demo.text("#own-key")).includes(thumbprint));
    const left = await page.evaluate(
      () => document.documentElement.outerHTML + [...document.querySelectorAll("input, textarea")].map(({ value }) => value).join(),
    );
    assert.ok(!left.includes(testKey.d), "the key is in the page");

    await page.type("#own-address", address);
    await page.type("#own-key-id", "my key");
    await demo.click("#own-check");
    await page.waitForFunction("document.getElementById('own-said').textContent.endsWith('publishes this key.')");
    assert.match(await demo.text("#own-key"), /my key/);
    await demo.click("#own-start");
    await demo.toWallet();
    await demo.leaveBy("#approve");
    await demo.shows("#token");
    await demo.close();
  });

  it("can be walked with the keyboard alone", { timeout }, async () => {
    const demo = await open();
    const { page } = demo;
    const tabTo = async (selector) => {
      for (let i = 0; i < 60; i += 1) {
        await page.keyboard.press("Tab");
        if (await page.evaluate((selector) => document.activeElement.matches(selector), selector)) return;
      }
      assert.fail(`the Tab key does not lead to ${selector}`);
    };
    await tabTo("#start");
    await page.keyboard.press("Enter");
    await page.waitForFunction("document.activeElement.id === 'wallet'");
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await tabTo("#approve");
    await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
    await demo.isOver();
    await tabTo("[data-step=continue] summary");
    await page.keyboard.press("Enter");
    await tabTo("[data-step=continue] .base button[data-part=content-digest]");
    assert.equal((await page.$eval("[data-step=continue]", litParts)).length, 4);
    const { top, bottom, barTop } = await page.evaluate(() => {
      const { top, bottom } = document.activeElement.getBoundingClientRect();
      return { top, bottom, barTop: document.getElementById("now").getBoundingClientRect().top };
    });
    assert.ok(top >= 0 && bottom <= barTop, "what has the focus is in sight");
    await tabTo("#quote");
    await page.keyboard.press("Enter");
    await demo.shows("#pay");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "pay");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-step=paid]");
    await demo.close();
  });

  it("fits a phone in every state, and every control has a name", { timeout }, async () => {
    const demo = await open({ width: 360 });
    const { page } = demo;
    const check = async () => {
      await demo.openEverything();
      await demo.assertFits();
      const names = await page.$$eval("button, a, summary", (all) => all.map(({ textContent }) => textContent.trim()));
      assert.ok(names.every((text) => text.length > 0));
    };
    await check();
    await demo.click("input[value=tamper]");
    await demo.click("#break-start");
    await demo.isOver();
    await check();
    await demo.click("input[value=none]");
    await page.click("#start");
    await demo.shows("#wallet");
    await check();
    await demo.toWallet();
    await check();
    await demo.leaveBy("#approve");
    await demo.isOver();
    await check();
    await page.click("#quote");
    await demo.shows("#pay");
    await check();
    await demo.pay();
    await check();
    await demo.close({ refusals: 1 });
  });

  for (const scheme of ["light", "dark"]) {
    it(`has nothing that axe finds serious, ${scheme}`, { timeout }, async (t) => {
      // Firefox has one scheme per process.
      const own = scheme === "dark" && name === "Firefox" ? await launch({ extraPrefsFirefox: preferences("dark") }) : browser;
      t.after(() => own !== browser && own.close());
      const demo = await Demo.open(own, sandbox, { scheme });
      const { page } = demo;
      const [red] = /\d+/.exec(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
      assert.equal(Number(red) < 128, scheme === "dark");
      await demo.openEverything();
      await demo.assertAccessible("before the start");
      await page.click("#break-start");
      await demo.shows("#wallet");
      assert.deepEqual(await page.evaluate(() => document.getAnimations().length), 0, "it moves, though a person asked for less of that");
      await demo.openEverything();
      await page.focus("[data-step=request] .base button[data-part=content-digest]");
      await demo.assertAccessible("while the wallet is open");
      await demo.toWallet();
      await demo.assertAccessible("at the wallet");
      await demo.leaveBy("#approve");
      await demo.shows("#quote");
      await page.click("#quote");
      await demo.shows("#pay");
      await demo.assertAccessible("with a token, before the payment");
      await demo.pay();
      await demo.openEverything();
      await demo.assertAccessible("after the payment");
      await demo.click("input[value=tamper]");
      await demo.click("#start");
      await page.waitForSelector(".failure");
      await demo.isOver();
      await demo.openEverything();
      await demo.assertAccessible("after a failure");
      await demo.close({ refusals: 1 });
    });
  }
}
