// The demo page as a person meets it: every step by a click.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { browsers } from "./harness/browsers.mjs";
import { startSandbox } from "./harness/sandbox.mjs";

for (const { name, launch } of browsers) {
  describe(`the demo in ${name}`, () => {
    let browser, sandbox, page, said;

    before(async () => {
      [browser, sandbox] = await Promise.all([launch(), startSandbox("-wait", "1s")]);
    });
    after(() => Promise.all([browser?.close(), sandbox?.stop()]));

    const open = async () => {
      said = [];
      page = await browser.newPage();
      page.on("console", (message) => message.type() === "error" && said.push(message.text()));
      page.on("pageerror", (error) => said.push(error.message));
      await page.goto(sandbox.demo);
      await page.locator("#start:not([hidden])").click();
      await page.waitForSelector("#wallet:not([hidden])");
    };
    const leaveBy = (selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);
    const titles = () => page.$$eval("#steps h2", (all) => all.map(({ firstChild }) => firstChild.textContent));
    const part = (name) => page.$$eval("details", (all, name) => all.filter((one) => one.firstChild.textContent === name).map((one) => one.lastChild.textContent), name);

    it("leads from a key to an access token", async () => {
      await open();
      await leaveBy("#wallet");
      await leaveBy("#approve");
      const token = await page.waitForSelector("#token");
      assert.match(await token.evaluate((element) => element.textContent), /^\S{10,}$/);
      const shown = await titles();
      assert.equal(shown[0], "A key that no script can read");
      assert.equal(shown[1], "The grant request, signed");
      assert.equal(shown.at(-1), "The access token");
      const bases = await part("Signature base");
      assert.match(bases.at(-1), /^"@method": POST\n"@target-uri": .+\n"authorization": GNAP .+\n"content-digest": sha-512=.+\n"content-length": \d+\n/);
      const headers = await part("Signed headers");
      assert.match(headers.at(-1), /^signature: sig1=:.+:$/m);
      assert.equal(page.url(), sandbox.demo, "the reference stays out of the history");
      const errors = said.filter((text) => !text.includes("400")); // too_fast, which is waited out
      assert.deepEqual(errors, []);
      await page.close();
    });

    it("says so when the person declines, and sends nothing", async () => {
      await open();
      await leaveBy("#wallet");
      await leaveBy("#decline");
      await page.waitForFunction("document.getElementById('status').textContent.includes('declined')");
      assert.equal((await titles()).at(-1), "Declined");
      assert.equal(await page.$("#token"), null);
      assert.equal((await part("Signature base")).length, 1, "only the grant request was sent");
      assert.deepEqual(said, []);
      await page.close();
    });

    it("sends nothing when the hash is not right", async () => {
      await open();
      await leaveBy("#wallet");
      await page.goto(`${sandbox.demo}?hash=${"A".repeat(43)}&interact_ref=forged`);
      await page.waitForFunction("document.getElementById('status').dataset.state === 'bad'");
      assert.match(await page.$eval("#steps li:last-child p", (element) => element.textContent), /hash_mismatch/);
      assert.equal((await part("Signature base")).length, 1);
      await page.close();
    });

    it("fits a phone, and every control has a name", async () => {
      page = await browser.newPage();
      await page.setViewport({ width: 360, height: 700 });
      await page.goto(sandbox.demo);
      await page.waitForSelector("#start:not([hidden])");
      assert.ok(await page.evaluate("document.documentElement.scrollWidth <= 360"), "it scrolls sideways");
      const names = await page.$$eval("button, a", (all) => all.map(({ textContent }) => textContent.trim()));
      assert.ok(names.every((text) => text.length > 0));
      await page.close();
    });
  });
}
