// What carries a grant or a payment goes: its worker, its page, its browser; or it stands still while others go on. And sixteen tabs
// want the same at once. Tabs that are closed or crash are in payments.test.mjs and ../with-grant.test.mjs, the workers of extensions
// in extension.test.mjs. SEED=N repeats a run, STRIDE=1 takes every step.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { describeInBrowsers } from "../harness/in-browsers.mjs";
import { PaymentTab, Till } from "../harness/payments.mjs";
import { decide, startSandbox } from "../harness/sandbox.mjs";
import { startSite } from "../harness/site.mjs";
import { cameFor, startTokens } from "../harness/tokens.mjs";
import { inGroups, Journey, judge, kinds, lost, openTab, prepareTab, seed, standing } from "./journeys.mjs";
import { Random } from "./random.mjs";

const timeout = 600_000;
const stride = Number(process.env.STRIDE ?? 3); // each needs a while, and other seeds take other steps

/** Lets the page be kept in the bfcache, which a page with no-store is not. */
const special = {
  "/lab.html": async (req, res, content) =>
    res
      .setHeader("cache-control", "no-cache")
      .setHeader("content-type", "text/html")
      .end(await content()),
};

describeInBrowsers({ timeout: 6 * timeout }, ({ name, launch, start }) => {
  let browser, site, sandbox, tokens, till, tab;

  before(async () => {
    [browser, site, sandbox, tokens] = await start(
      launch(),
      startSite({ special }),
      startSandbox("-wait", "0s", "-lenient"),
      startTokens(),
    );
    till = await Till.at(sandbox);
    tab = await openTab(till, browser, site);
  });

  const open = () => openTab(till, browser, site);

  /** Goes on with journeys whose page is gone, and judges them: only a response that was not written down yet may be lost. */
  async function goOnWith(journeys, t, { own = true, goesOn = tab } = {}) {
    await inGroups(journeys, (journey) => journey.goOnIn(goesOn, { own }));
    for (const { result, key, last } of journeys)
      assert.ok(result || /^(after fetch .*\/continue\/|before set )/.test(last), `${key}: ${last}`);
    t.diagnostic(await judge(till, journeys, lost));
  }

  const deaths = {
    "a navigation": { open, kill: (doomed) => doomed.page.goto(`${site.origin}/blank.html`) },
    "the end of a worker": { open: () => openWorker(), kill: (doomed) => doomed.page.evaluate("lab.worker.terminate()") },
  };
  for (const [what, { open, kill }] of Object.entries(deaths)) {
    test(`${what}, at one step in ${stride}`, { timeout }, async (t) => {
      const doomed = await open();
      const journeys = await standing(doomed, { stride });
      await kill(doomed);
      await goOnWith(journeys, t);
      await doomed.page.close();
    });
  }

  /** A worker of a page, in which journeys go. */
  async function openWorker() {
    const worker = Object.assign(Object.create(WorkerTab.prototype), await open());
    await worker.page.evaluate(`lab.worker = new Worker("/lab-worker.js?folder=/dist", { type: "module" })`);
    return prepareTab(await till.prepare(worker));
  }

  test(`a browser that is killed, at one step in ${stride}`, { timeout }, async (t) => {
    const userDataDir = mkdtempSync(join(tmpdir(), "killed-"));
    t.after(() => rmSync(userDataDir, { recursive: true, force: true, maxRetries: 5 }));
    const doomed = await launch({ userDataDir });
    const journeys = await standing(await openTab(till, doomed, site), { stride });
    const ended = once(doomed.process(), "exit");
    doomed.process().kill("SIGKILL");
    await ended;
    const next = await launch({ userDataDir });
    t.after(() => next.close());
    await goOnWith(journeys, t, { goesOn: await openTab(till, next, site) });
  });

  // Firefox has no command for this over WebDriver BiDi, and freezes no tab by itself.
  if (name === "Chromium")
    test(`a tab that is frozen, at one step in ${stride}, and thaws when others have gone on`, { timeout }, async (t) => {
      const frozen = await open();
      const journeys = await standing(frozen, { stride });
      const session = await frozen.page.createCDPSession();
      await session.send("Page.setWebLifecycleState", { state: "frozen" });
      // It holds the claims of what it works on: others wait for that no longer than they want to.
      await inGroups(journeys, (journey) => journey.goOnIn(tab, { timeoutMs: 3000, attempts: 1 }), journeys.length);
      for (const { result, outcome, key, last } of journeys) {
        const { code } = outcome.error ?? {};
        assert.ok(result || code === "timeout" || lost.grant.test(`${code} ${outcome.error.message}`), `${key}: ${last}: ${code}`);
      }
      await session.send("Page.setWebLifecycleState", { state: "active" });
      await inGroups(journeys, (journey) => journey.release(frozen));
      await inGroups(journeys, (journey) => journey.goOnIn(tab));
      t.diagnostic(await judge(till, journeys, lost));
      await frozen.page.close();
    });

  test("a page that comes back out of the bfcache goes on, and takes what others have done meanwhile", { timeout }, async (t) => {
    let why = "";
    for (let attempt = 1; attempt <= 3; attempt++) {
      const page = await open();
      const journeys = kinds.flatMap((kind) => [1, 2, 3, 4].map(() => new Journey(kind, till)));
      await inGroups(journeys, (journey) => journey.goOneIn(page));
      await page.run(() => addEventListener("pageshow", ({ persisted }) => (lab.isBack = persisted)));
      await pause(1000); // what a page still reads and writes after its calls can keep it out of the bfcache
      await page.page.goto(`${site.origin}/blank.html`);
      const [others, own] = [journeys.slice(0, 2), journeys.slice(2)];
      await inGroups(others, (journey) => journey.goOnIn(tab));
      await goBack(page);
      const isBack = await page.run(() => lab.isBack);
      if (!isBack) why = await page.run(() => JSON.stringify(performance.getEntriesByType("navigation")[0].notRestoredReasons ?? null));
      await inGroups(own, (journey) => journey.goOnIn(isBack ? page : tab));
      t.diagnostic(await judge(till, journeys));
      await page.page.close();
      if (isBack) return;
    }
    assert.fail(why); // a browser may do without the bfcache, but not always
  });

  async function goBack({ page }) {
    await page.evaluate("void setTimeout(() => history.back(), 50)"); // page.goBack waits for events that do not come out of the bfcache
    await page.waitForFunction("globalThis.lab !== undefined", { polling: 50 });
  }

  test("pages that are left in the middle of calls, and come back by the button", { timeout }, async (t) => {
    const random = new Random(seed, 10);
    const journeys = [];
    let restored = 0;
    for (let i = 0; i < 6; i++) {
      const page = await open();
      const left = kinds.flatMap((kind) => [new Journey(kind, till), new Journey(kind, till)]);
      await inGroups(left.slice(0, 2), (journey) => journey.goOneIn(page)); // so that it is left while it is finished
      await page.run(() => (lab.isTheSame = true));
      for (const journey of left) await journey.beginIn(page);
      await pause(random.int(0, 100));
      await page.page.goto(`${site.origin}/blank.html`);
      await goBack(page);
      if (await page.run(() => lab.isTheSame ?? false)) restored += 1;
      else await prepareTab(await till.prepare(page));
      const goesOn = random.pick([page, tab]);
      await inGroups(left, (journey) => journey.goOnIn(goesOn));
      journeys.push(...left);
      await page.page.close();
    }
    t.diagnostic(`${restored} came out of the bfcache`);
    const handedOver = {
      grant: new RegExp(`${lost.grant.source}|^(finished_elsewhere|no_pending_grant|hash_mismatch) `),
      payment: lost.payment,
    };
    t.diagnostic(await judge(till, journeys, handedOver));
  });

  test("sixteen tabs that want the same: one payment, one grant, one rotation", { timeout }, async () => {
    const tabs = await inGroups(Array(16).fill(), open, 1); // one by one: a page that is hidden while it opens may wait for a frame
    const all = (task) => Promise.all(tabs.map(task));

    const order = till.order("of sixteen");
    const idOf = (outcomes) => {
      assert.equal(new Set(outcomes.map(({ value, error }) => value?.id ?? error.message)).size, 1);
      return outcomes[0].value.id;
    };
    const started = await all((tab) => tab.start(order));
    idOf(started);
    const { href } = await decide(started[0].value, "approve");
    await till.assertPaidOnce(order, { id: idOf(await all((tab) => tab.finish(href))) });

    const { callback } = await new Journey("grant", till, { own: false }).goOneIn(tabs[0]);
    const finished = await all((tab) => tab.outcome((callback) => lab.client.grant.finish(callback), callback));
    assert.equal(finished.filter(({ value }) => value).length, 1);
    for (const { error } of finished) if (error) assert.match(error.code, /^(finished_elsewhere|no_pending_grant)$/, error.message);

    const account = tokens.issue();
    const uses = await all((tab) =>
      tab.outcome(
        async (grant, url) => {
          const kept = await lab.client.withGrant(grant, { name: "of sixteen" });
          return kept.outgoingPayment.getGrantSpentAmounts({ url });
        },
        account.grant,
        account.url,
      ),
    );
    for (const { error } of uses) assert.equal(error, undefined, error?.message);
    assert.deepEqual(
      cameFor(account).filter((request) => request.startsWith("rotate")),
      ["rotate 0"],
    );
    await all((tab) => tab.page.close());
  });
});

/** A worker of a page, told what to do over the page. */
class WorkerTab extends PaymentTab {
  async run(fn, ...args) {
    const call = typeof fn === "string" ? fn : `(${fn})(...${JSON.stringify(args)})`;
    const evaluated = `(async () => JSON.stringify(await ${call}))()`;
    const { value, error } = await this.page.evaluate((evaluated) => {
      const { port1, port2 } = new MessageChannel();
      lab.worker.postMessage(evaluated, [port2]);
      return new Promise((resolve) => (port1.onmessage = ({ data }) => resolve(data)));
    }, evaluated);
    if (error) throw new Error(error);
    return value === undefined ? undefined : JSON.parse(value);
  }
}
