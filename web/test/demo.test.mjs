// The demo page as a person meets it: every step by a click, or by a key.

import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { violationsIn } from "./harness/axe.mjs";
import { browsers } from "./harness/browsers.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { jwk as testKey, thumbprint } from "./harness/key-material.mjs";
import { publishKey, startSandbox } from "./harness/sandbox.mjs";

const timeout = 120_000;

// Firefox takes these from its preferences, Chromium from each page.
const extraPrefsFirefox = { "ui.prefersReducedMotion": 1, "layout.css.prefers-color-scheme.content-override": 1 };

const serve = (wait) => startSandbox("-wait", wait, "-fee", "200", "-payment-delay", "200ms", "-faults");

const afterwards = ["complete", "giveBack"]; // what the page does when the payment is over
const prepared = ["grants", "bill", "quote", "request"];

/** What a component of the signature lights up, each as the element that it is part of and its text. */
const litParts = (view) => [...view.querySelectorAll(".lit")].map((element) => element.textContent);

/** A page with the demo, and all that was said and requested while it was open. */
class Demo {
  log = [];
  requested = [];

  static async open(browser, sandbox, { scheme = "light", motion = "reduce", width = 1280, search = "" } = {}) {
    const demo = new Demo();
    demo.origins = [new URL(sandbox.demo).origin, sandbox.sandbox];
    demo.context = await browser.createBrowserContext(); // a journal and a key of its own
    const page = (demo.page = await demo.context.newPage());
    page.on("console", (message) => {
      if (message.type() === "error") demo.log.push(message.text());
    });
    page.on("pageerror", (error) => demo.log.push(error.message));
    page.on("request", (request) => demo.requested.push(request.url()));
    await page.evaluateOnNewDocument(() => {
      addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) =>
        console.error(`policy violated: ${violatedDirective} ${blockedURI}`),
      );
    });
    page.setDefaultTimeout(timeout); // a machine may be busy
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

  /** Approves, and waits for the end. */
  async approve() {
    await this.toWallet();
    await this.leaveBy("#approve");
    await this.isOver();
  }

  text(selector) {
    return this.page.$eval(selector, (element) => element.textContent);
  }

  titles() {
    return this.page.$$eval("#steps h3", (all) => all.map((title) => title.textContent));
  }

  /**
   * The names of the steps until the end, but for waits. What is asked again and again is there once. The shop's wallet and one's own
   * are asked at the same time: the receipt is first here, whichever answered first.
   */
  async names(filter = "") {
    const all = await this.page.$$eval(`#steps .step${filter}`, (steps) => steps.map((step) => step.dataset.step));
    const names = [...new Set(all)].filter((name) => name !== "wait" && !afterwards.includes(name));
    const at = names.indexOf("look");
    return names[at + 1] === "receipt" ? names.toSpliced(at, 2, "receipt", "look") : names;
  }

  count(step) {
    return this.page.$$eval(`[data-step=${step}]`, (all) => all.length);
  }

  /** What the shop has received, as its wallet says. */
  async received() {
    const [, incomingPayment] = (await this.text("[data-step=receipt] .line")).split(" ");
    return (await (await fetch(incomingPayment)).json()).receivedAmount.value;
  }

  /** The requests that were signed, by the name of their step. */
  signed() {
    return this.names(":has(.base)");
  }

  /** What a failure says: { "Code": …, "What to do": … }; what protected the person is said at a good end too. */
  outcome() {
    return this.page.$eval(".outcome", (list) =>
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
    assert.deepEqual(await violationsIn(this.page), [], where);
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
    await this.context.close();
  }
}

describe("the demo", { concurrency: browsers.length }, () => describeInBrowsers({ title: (name) => `in ${name}`, concurrency: 1 }, walk));

function walk({ name, launch, start }) {
  let browser, sandbox, slowSandbox;

  before(async () => {
    [browser, sandbox, slowSandbox] = await start(launch({ extraPrefsFirefox }), serve("1s"), serve("20s"));
  });

  const open = (options) => Demo.open(browser, sandbox, options);
  const itOnce = name === "Chromium" ? it : () => {}; // what does not depend on the browser

  /** Says what shall go wrong in the sandbox from now on. */
  async function plan(faults) {
    const headers = { authorization: `Bearer ${sandbox.faults.secret}`, "content-type": "application/json" };
    const response = await fetch(sandbox.faults.url, { method: "PUT", headers, body: JSON.stringify(faults) });
    assert.ok(response.ok, `${response.status}`);
  }

  it("pays 5.00: says what it costs before, and what became of it after", { timeout }, async () => {
    const demo = await open({ motion: "no-preference" });
    const { page } = demo;
    const title = await page.title();
    assert.equal((await demo.text("h1")).replace(/\s+/g, " "), title);
    assert.equal(await demo.text("#start"), "Pay 5.00");
    await page.click("#start");
    if (name === "Chromium") await page.waitForFunction("document.getAnimations().length > 0");
    await demo.shows("#wallet");
    assert.match(await demo.text("#status"), /^It costs 5\.10\sUSD, fee included\. Your turn: go to the wallet/);
    assert.equal(await demo.count("pay"), 0);
    const [bytes, kept] = await page.evaluate(() => [
      document.getElementById("steps").textContent,
      JSON.stringify([sessionStorage, localStorage]),
    ]);
    const tokens = [...bytes.matchAll(/authorization: GNAP (\w+)|"access_token": \{\s*"value": "(\w+)"/g)].map(
      ([, sent, came]) => sent ?? came,
    );
    assert.ok(tokens.length > 2 && kept.includes("access_token"));
    for (const token of tokens) assert.ok(!kept.includes(token), "a token is kept");

    await demo.approve();
    assert.match(await demo.text("#status"), /^Done\. The shop has its 5\.00\sUSD\.$/);
    const before = ["newKey", "publish", "discover", "shop", ...prepared, "go", "back", "hash"];
    assert.deepEqual(await demo.names(), [...before, "continue", "pay", "receipt", "look", "paid"]);
    assert.deepEqual(await demo.signed(), [...prepared, "continue", "pay", "receipt", "look"]);
    assert.deepEqual(await demo.names(":not(:has(.sentence a))"), ["paid"], "the others say where it is written");
    assert.match(
      await demo.text("[data-step=paid] .sentence"),
      /^5\.10\sUSD was debited: 5\.00\sUSD has arrived, and 0\.10\sUSD is the wallet’s fee\.$/,
    );
    const arrived = await page.$$eval("[data-step=receipt] .sentence", (all) => all.map(({ textContent }) => textContent));
    assert.match(arrived.pop(), /^5\.00\sUSD has arrived\./);
    for (const early of arrived) assert.match(early, /^0\.00\sUSD has arrived\./);
    assert.match(await demo.text("[data-step=pay] .bytes"), /\{"walletAddress":"[^"]+\/alice","quoteId":"[^"]+","metadata":\{[^}]+\}\}/);
    assert.equal(await demo.received(), "500", "the shop's wallet says so too");
    await page.waitForSelector("[data-step=giveBack]");

    assert.equal(page.url(), sandbox.demo, "the reference stays out of the history");
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    for (const took of await page.$$eval("#timings td:nth-child(2)", (all) => all.map((cell) => cell.textContent)))
      assert.match(took, /^[\d.]+ m?s$/);
    await demo.close();
  });

  itOnce("says so when a payment fails", { timeout }, async () => {
    await plan({ payments: [{ wallet: "alice", times: 1, fail: true, sent: "100" }] });
    const demo = await open();
    await demo.page.click("#start");
    await demo.approve();
    const { Code, Description } = await demo.outcome();
    assert.equal(Code, "payment_failed");
    assert.match(Description, /has sent 1\.00 USD/);
    assert.equal(await demo.text("#status"), "The payment failed. Nothing more is sent.");
    await demo.close();
  });

  it("does not know what became of a payment whose look is lost too, and goes on later", { timeout }, async () => {
    const lost = { path: "/op/outgoing-payments", times: 2, lose: true };
    const demo = await open();
    await demo.page.click("#start");
    await demo.shows("#wallet");
    await plan({ responses: ["POST", "GET"].map((method) => ({ method, ...lost })) });
    await demo.approve();
    assert.match((await demo.outcome()).Code, /^outcome_unknown/);
    assert.match(await demo.text("#status"), /\. Whether it was paid is not known\.$/);
    await plan({});
    await demo.page.reload();
    await demo.shows("#go-on");
    assert.match(await demo.text("#status"), /It may have been paid\.$/);
    await demo.click("#go-on");
    await demo.shows("#start");
    assert.deepEqual((await demo.names()).slice(-5), ["failure", "again", "receipt", "look", "paid"]);
    assert.equal(await demo.count("pay"), 1);
    assert.equal(await demo.received(), "500");
    await demo.close({ refusals: 4 });
  });

  it("survives a reload on the way, and that its tab is closed", { timeout }, async () => {
    const demo = await open();
    const { page } = demo;
    await page.click("#start");
    await page.waitForSelector("[data-step=quote]"); // the bill is written down: what is not, is asked for again
    await page.reload();
    await page.waitForSelector(":is(#go-on, #wallet):not([hidden])");
    const names = await demo.names();
    assert.deepEqual(names, [...new Set(names)]);
    if (await page.$("#go-on:not([hidden])")) {
      assert.equal(await demo.text("#status"), "A payment was interrupted here. You were not asked yet.");
      await page.click("#go-on");
    }
    await demo.shows("#wallet");
    assert.equal(await demo.count("bill"), 1);

    const other = await demo.context.newPage(); // it has nothing of this one's but the journal
    await other.goto(sandbox.demo);
    await other.waitForSelector("#wallet:not([hidden])");
    assert.match(await other.$eval("#status", (element) => element.textContent), /^It costs 5\.10\sUSD/);
    await page.close();
    demo.page = other;
    await demo.approve();
    assert.deepEqual((await demo.names()).slice(-5), ["continue", "pay", "receipt", "look", "paid"]);
    await demo.close();
  });

  it("pays once, though two tabs come back from the wallet", { timeout }, async () => {
    const demo = await open();
    const { page } = demo;
    await page.click("#start");
    await demo.toWallet();
    const came = page.waitForRequest((request) => request.url().includes("interact_ref="));
    await demo.leaveBy("#approve");
    const other = await demo.context.newPage();
    await other.goto((await came).url());
    await demo.isOver();
    await other.waitForSelector("[data-phase=done]");
    assert.equal((await demo.count("pay")) + (await other.$$("[data-step=pay]")).length, 1);
    for (const tab of [page, other]) assert.match(await tab.$eval("#status", (element) => element.textContent), /^Done\./);
    await demo.close();
  });

  it("gives up a payment that is started over", { timeout }, async () => {
    const demo = await open();
    await demo.page.click("#start");
    await demo.shows("#restart");
    const canceled = demo.page.waitForResponse((response) => response.request().method() === "DELETE" && response.status() === 204);
    await demo.page.click("#restart");
    await canceled;
    await demo.page.reload();
    await demo.shows("#start");
    assert.deepEqual(await demo.names(), []);
    await demo.close();
  });

  itOnce("links what the signature covers to where it is", { timeout }, async () => {
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

  const paid = [...prepared, "continue", "pay", "receipt", "look"];
  const breaks = {
    lost: { protects: /looks before anything else/, sent: paid.toSpliced(-2, 0, "list") },
    closed: { protects: /written down before/, sent: paid.toSpliced(-2, 0, "list"), isInterrupted: true },
    twice: { protects: /One key, one payment/, sent: paid },
    expired: { protects: /costs no more and delivers no less/, sent: paid.toSpliced(-3, 0, "requote"), changed: "quote" },
    limit: {
      code: "limit_exceeded",
      title: "The wallet refuses",
      protects: /approved 1\.10/,
      sent: [...prepared, "continue", "pay", "list"],
      changed: "quote",
    },
    tamper: { code: "invalid_client", title: "The server refuses", protects: /digest of the body/, sent: prepared, changed: "request" },
    key: { code: "invalid_client", title: "The server refuses", protects: /bound to the key/, sent: [...prepared, "continue"] },
    hash: { code: "hash_mismatch", title: "The page stops, and sends nothing", protects: /checks the hash before/, sent: prepared },
    decline: { code: "interaction_rejected", title: "You declined", button: "#decline", protects: /Without your approval/, sent: prepared },
  };
  // In Firefox those in which a page or a response is gone, in Chromium the others: what the page makes of them does not depend on
  // the browser, and payment.test.mjs has pages and responses that are gone in both.
  const inBrowser = Object.entries(breaks).filter(([what]) => (name === "Firefox") === ["lost", "closed"].includes(what));
  for (const [what, { code, title, button = "#approve", protects, sent, changed, isInterrupted }] of inBrowser) {
    it(`breaks on purpose: ${what}`, { timeout }, async () => {
      const demo = await open({ search: `?break=${what}` });
      await demo.click("#break-start");
      if (what !== "tamper") {
        await demo.toWallet();
        await demo.leaveBy(button);
      }
      if (isInterrupted) {
        await demo.shows("#go-on");
        assert.equal(await demo.text("#status"), "A payment was interrupted here. It may have been paid.");
        await demo.page.click("#go-on");
      }
      await demo.isOver();
      const said = await demo.outcome();
      assert.match(said["What protected you"], protects);
      assert.deepEqual(await demo.signed(), sent, "what was sent");
      if (code) {
        assert.equal(await demo.text("[data-step=failure] h3"), title);
        assert.ok(said.Code.startsWith(code), said.Code);
        assert.ok(said.Description.length > 10 && said["What to do"].length > 10);
        assert.equal(await demo.text("#status"), `${title}. Nothing was paid.`);
        assert.equal(await demo.count("paid"), 0);
      } else {
        assert.match(await demo.text("#status"), /^Done\. The shop has its 5\.00\sUSD\.$/);
        assert.equal(await demo.count("pay"), 1);
        assert.equal(await demo.received(), "500");
      }
      if (changed) assert.equal((await demo.page.$$(`[data-step=${changed}] :is(del, ins)`)).length, 2, "what was changed is shown");
      if (what === "tamper") assert.match(await demo.text("[data-step=request] .verdict"), /changed after it was signed/);
      await demo.close({ refusals: 1 });
    });
  }

  itOnce("sends nothing when somebody else makes the way back", { timeout }, async () => {
    const demo = await open();
    await demo.page.click("#start");
    await demo.toWallet();
    await demo.page.goto(`${sandbox.demo}?hash=${"A".repeat(43)}&interact_ref=forged`);
    await demo.isOver();
    assert.equal(await demo.page.$eval("#status", (element) => element.dataset.state), "bad");
    assert.match((await demo.outcome()).Code, /^hash_mismatch/);
    assert.deepEqual(await demo.signed(), prepared);
    assert.equal(demo.page.url(), sandbox.demo);
    await demo.page.reload();
    await demo.approve();
    assert.match(await demo.text("#status"), /^Done\./, "it changes nothing");
    await demo.close();
  });

  it("says so when nothing waits for the way back", { timeout }, async () => {
    const demo = await open();
    await demo.page.goto(`${sandbox.demo}?hash=${"A".repeat(43)}&interact_ref=unknown`);
    await demo.isOver();
    assert.match((await demo.outcome()).Code, /^no_pending_payment/);
    assert.deepEqual(await demo.signed(), []);
    assert.equal(demo.page.url(), sandbox.demo);
    await demo.close();
  });

  itOnce("breaks on purpose: too soon; the payment goes on, also when the page is loaded again in the middle", { timeout }, async () => {
    const demo = await Demo.open(browser, slowSandbox);
    await demo.breakBy("fast");
    await demo.shows("#wallet");
    const said = await demo.outcome();
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
    await demo.page.waitForSelector("[data-step=paid]");
    for (const step of ["back", "hash", "wait", "continue", "pay"]) assert.equal(await demo.count(step), 1, `${step}, and while it waits`);
    await demo.close({ refusals: 1 });
  });

  itOnce("walks with a wallet of one's own, and a key made here", { timeout }, async () => {
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
    assert.equal(await demo.count("pay"), 0);
    assert.equal(await page.evaluate(() => sessionStorage.length), 0, "the token is kept nowhere");

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
    await tabTo("#start");
    await page.keyboard.press("Enter");
    await page.waitForFunction("document.activeElement.id === 'wallet'");
    await demo.close();
  });

  itOnce("fits a phone in every state, and every control has a name", { timeout }, async () => {
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
    await demo.close({ refusals: 1 });
  });

  // What axe finds does not depend on the browser.
  for (const scheme of name === "Chromium" ? ["light", "dark"] : []) {
    it(`has nothing that axe finds serious, ${scheme}`, { timeout: 2 * timeout }, async () => {
      const demo = await Demo.open(browser, sandbox, { scheme });
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
      await demo.isOver();
      await demo.openEverything();
      await demo.assertAccessible("after the payment");
      await demo.click("input[value=tamper]");
      await demo.click("#start");
      await page.waitForSelector(".outcome");
      await demo.isOver();
      await demo.openEverything();
      await demo.assertAccessible("after a failure");
      await demo.close({ refusals: 1 });
    });
  }
}
