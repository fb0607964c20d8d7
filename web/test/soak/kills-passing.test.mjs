// What grants and payments stand on gives way while they are under way, and comes back: the network, the clock, the storage. They
// stand at every request, or wait for the person. What a store does that fails by itself is in ../approvals.test.mjs and ../stores.test.mjs.

import assert from "node:assert/strict";
import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { describeInBrowsers } from "../harness/in-browsers.mjs";
import { Shop } from "../harness/grants.mjs";
import { Lab } from "../harness/lab.mjs";
import { Till } from "../harness/payments.mjs";
import { startSandbox } from "../harness/sandbox.mjs";
import { startSite } from "../harness/site.mjs";
import { inGroups, Journey, judge, kinds, lost, openTab, standing } from "./journeys.mjs";

const timeout = 600_000;
const hour = 3_600_000;
const own = false; // the store is that of those who give none

/** Lets pages have another clock than the others: globalThis.aheadMs says how much. Runs in the page, before all else. */
function haveAnotherClock() {
  globalThis.aheadMs = 0;
  const { Date } = globalThis;
  globalThis.Date = class extends Date {
    constructor(...args) {
      super(...(args.length === 0 ? [globalThis.Date.now()] : args));
    }
    static now = () => Date.now() + globalThis.aheadMs;
  };
}

const special = {
  "/lab.html": async (req, res, content) =>
    res
      .setHeader("content-type", "text/html")
      .end(`${await content()}`.replace("<script", `<script>(${haveAnotherClock})()</script>\n<script`)),
};

const aheadBy = (ms) => (page) => page.run((ms) => void (globalThis.aheadMs = ms), ms);

/** What is said of what nobody remembers. While other grants are pending, the callback is for none of them. */
const forgotten = { grant: /^(no_pending_grant|hash_mismatch) /, payment: /^no_pending_payment / };

/**
 * What happens to a page, or in another one, and what makes it good again. With storage the records go, of what waits for the person, and
 * of a payment the token that has just come and that only its own page has: `where` says so, and `reasons` what is said of it. A grant
 * that was begun by a clock two hours behind is old by another.
 */
const troubles = {
  "a network that is gone": { happen: ({ page }) => page.setOfflineMode(true), pass: ({ page }) => page.setOfflineMode(false) },
  "a clock two hours ahead": { happen: aheadBy(2 * hour), pass: aheadBy(0) },
  "a clock two hours behind": { happen: aheadBy(-2 * hour), pass: aheadBy(0), where: /^grant .* fetch .*auth.$/, reasons: forgotten },
  "storage that is cleared": {
    happen: (page, other) => other.run(clearStorage),
    where: /waits$|^payment .*\/continue\//,
    reasons: forgotten,
  },
  "storage that is damaged": { happen: (page, other) => damage(other), where: /waits$/, reasons: forgotten },
  "storage that is blocked": {
    happen: block,
    pass: (page) => page.run(() => lab.unblock()),
    where: /^payment .*\/continue\//,
    reasons: lost,
  },
  "storage that is full": {
    happen: (page, other) => leaveNoRoom(other),
    pass: (page, other) => setQuota(other),
    only: "Chromium",
    where: /^payment .*\/continue\//,
    reasons: lost,
  },
};

describeInBrowsers({ timeout: 6 * timeout }, ({ name, launch, start }) => {
  let browser, site, sandbox, till, tab;

  before(async () => {
    [browser, site, sandbox] = await start(launch(), startSite({ special }), startSandbox("-wait", "0s", "-lenient"));
    till = await Till.at(sandbox);
    tab = await openTab(till, browser, site);
    if (name === "Chromium") await setQuota(tab, 5_000_000);
  });

  for (const [what, { happen, pass = () => {}, only = name, where = /^$/, reasons }] of Object.entries(troubles)) {
    if (only !== name) continue;
    test(`${what}, at every request and while the person is asked`, { timeout }, async (t) => {
      const page = await openTab(till, browser, site);
      const between = [...kinds, ...kinds].map((kind) => new Journey(kind, till, { own }));
      await inGroups(between, (journey) => journey.goOneIn(page));
      const journeys = [...between, ...(await standing(page, { own }))];
      await happen(page, tab);
      await inGroups(journeys, (journey) => journey.release(page));
      await inGroups(between.slice(0, 2), (journey) => journey.goOneIn(page));
      assert.ok(
        journeys.some(({ outcome }) => outcome?.error),
        "nobody has felt it",
      );
      await pass(page, tab);
      await inGroups(journeys, (journey, i) => journey.goOnIn(i % 2 ? page : tab, { own }));
      for (const { kind, key, last = "waits", result } of journeys) assert.ok(result || where.test(`${kind} ${last}`), `${key}: ${last}`);
      t.diagnostic(await judge(till, journeys, reasons));
      await page.page.close();
    });
  }
});

/** Runs in the page. */
function clearStorage() {
  return new Promise((resolve, reject) => {
    const deleting = indexedDB.deleteDatabase("open-payments-wasm.journal");
    deleting.onsuccess = () => resolve();
    deleting.onerror = deleting.onblocked = () => reject(new Error("not deleted"));
  });
}

/** Lets no page open the storage any more, nor use what is open: so a page finds it that was told to have none. */
function block(page) {
  return page.run(() => {
    const [databases, factory] = [IDBDatabase.prototype, IDBFactory.prototype];
    const { transaction } = databases;
    const { open } = factory;
    const refuse = (name) => () => {
      throw new DOMException("blocked", name);
    };
    Object.assign(databases, { transaction: refuse("InvalidStateError") });
    Object.assign(factory, { open: refuse("SecurityError") });
    lab.unblock = () => void (Object.assign(databases, { transaction }), Object.assign(factory, { open }));
  });
}

/** Leaves half of every text in the journal, and nothing of what is no text. */
function damage(tab) {
  const half = (key, value) =>
    JSON.parse(JSON.stringify(value), (_, part) => (typeof part === "string" ? part.slice(0, part.length / 2) : part));
  return Shop.prototype.editEntries.call(tab, half);
}

/** Limits the storage of the origin, or no longer. It counts for as long as the session stays. */
async function setQuota(tab, quotaSize) {
  tab.session ??= await tab.page.createCDPSession();
  await tab.session.send("Storage.overrideQuotaForOrigin", { origin: new URL(tab.page.url()).origin, quotaSize });
}

/** Chromium looks again how much room there is when what it has found before is taken. */
async function leaveNoRoom(tab) {
  await tab.run(fill);
  await setQuota(tab, 1);
}

/** Takes all the room that there is, down to the last bytes. Runs in the page. */
async function fill() {
  const opening = indexedDB.open("filling", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("values", { autoIncrement: true });
  await new Promise((resolve) => (opening.onsuccess = resolve));
  const hasRoom = (size) =>
    new Promise((resolve) => {
      const transaction = opening.result.transaction("values", "readwrite");
      transaction.objectStore("values").put("x".repeat(size));
      transaction.oncomplete = () => resolve(true);
      transaction.onabort = () => resolve(false);
    });
  for (const size of [100_000, 10_000, 1000, 100, 1]) while (await hasRoom(size));
}
