// The instance of the module dies, many times in each way, while twenty calls are in flight: a grant and a payment that begin, a grant
// and a payment that end, one of them at any of its steps, and sixteen others, most with bodies that never end. And bodies that never
// end take the place of as many responses of the wallet. SEED=N repeats a run, KILLS=N is how often each happens.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { describeInBrowsers } from "../harness/in-browsers.mjs";
import { Till } from "../harness/payments.mjs";
import { startSandbox } from "../harness/sandbox.mjs";
import { startServer, until } from "../harness/server.mjs";
import { startSite } from "../harness/site.mjs";
import { Journey, judge, kinds, lost, openTab, seed } from "./journeys.mjs";
import { Random } from "./random.mjs";

const timeout = 900_000;
const mostSteps = { grant: 8, payment: 26 }; // of a call, by and large: what it has not reached happens at its end

describeInBrowsers({ timeout: 6 * timeout }, ({ name, launch, start }) => {
  const times = Number(process.env.KILLS ?? (name === "Chromium" ? 100 : 20)); // what the module does is the same in both
  let browser, site, sandbox, till, servers;

  before(async () => {
    [browser, site, sandbox, ...servers] = await start(
      launch(),
      startSite({ faults: true, withDeferred: true }),
      startSandbox("-wait", "0s", "-lenient"),
      ...[1, 2, 3].map(startServer), // because a browser has six connections to each at most
    );
    till = await Till.at(sandbox);
  });

  /** Opens a page. A browser context has a storage of its own. */
  async function open(profile) {
    const tab = await openTab(till, profile, site, { folder: "/dist-faults" });
    await tab.run(addRounds);
    return tab;
  }

  for (const [index, fault] of ["panic", "exit", "crash"].entries()) {
    test(`${fault}, ${times} times: every call ends, and no token is lost`, { timeout }, async (t) => {
      const random = new Random(seed, index);
      const profile = await browser.createBrowserContext();
      const tab = await open(profile);
      const journeys = [];
      let begun = [];
      for (let round = 0; round <= times; round++) {
        const beginning = round < times ? kinds.map((kind) => new Journey(kind, till)) : [];
        const calls = [...begun, ...beginning];
        const kept = [1, 2, 3, 4].map(() => servers[0].continuation("held"));
        const endless = servers
          .slice(1)
          .flatMap((server) => ["stalled", "dripping", "dripping", "never"].map((how) => server.continuation(how)));
        await tab.run((...args) => lab.beginRound(...args), fault, kept, endless);
        for (const { url } of kept) await servers[0].arrived(url);
        const victim = random.pick(calls);
        const at = random.int(1, mostSteps[victim.kind]);
        await Promise.all(calls.map((journey) => journey.goOneIn(tab, journey === victim ? { at, how: "strikes" } : {})));
        const context = `seed ${seed}, round ${round}, ${victim.key} at "${victim.last}"`;
        const isSameInstance = await tab.run(() => lab.strike());
        servers[0].held.splice(0).forEach((release) => release());
        assertOthers(await tab.run(() => lab.endRound()), fault, context);
        assert.equal(isSameInstance, fault === "panic", context);
        for (const journey of calls) {
          const { error } = journey.outcome;
          if (!error) continue;
          assert.notEqual(fault, "panic", `${context}: ${error.message}`);
          assert.equal(error.code, "internal_error", `${context}: ${error.message}`);
          journey.last ??= victim.last;
          await journey.goOnIn(tab);
        }
        begun = beginning.filter(({ result }) => !result);
        journeys.push(...beginning);
      }
      t.diagnostic(await judge(till, journeys));
      await profile.close();
      await connectionsEnded();
    });
  }

  /** With a panic no other call ends. What dies with the instance says so, and continuations carry their responses. */
  function assertOthers({ kept, endless }, fault, context) {
    const isPanic = fault === "panic";
    assert.deepEqual(kept, Array(4).fill(`${isPanic ? "done" : "internal_error"} issued`), context);
    assert.deepEqual(endless, Array(12).fill(isPanic ? "enough" : "internal_error"), context);
  }

  /** Waits until no browser reads what never ends. */
  async function connectionsEnded() {
    const endless = servers.flatMap((server) => server.requests.splice(0)).filter(({ url }) => !url.includes("/held/"));
    await until(() => endless.every(({ hungUp }) => hungUp), "the end of every connection");
  }

  test(`bodies that never end, in the place of ${times} responses`, { timeout }, async (t) => {
    const random = new Random(seed, 3);
    const journeys = [];
    const atOnce = 10;
    const profile = await browser.createBrowserContext();
    while (journeys.length < times) {
      const doomed = await open(profile);
      const group = Array.from({ length: atOnce }, (_, i) => new Journey(kinds[i % 2], till));
      const bodies = servers.flatMap((server) => ["dripping", "stalled", "large/1e12"].map((how) => server.continuation(how).url));
      await doomed.run((urls) => lab.endWith(urls), bodies);
      await Promise.all(
        group.map((journey) =>
          journey.goIn(doomed, { at: random.int(1, 1.3 * mostSteps[journey.kind]), how: "endless", timeoutMs: 1500, own: false }),
        ),
      );
      await Promise.all(group.filter(({ result }, i) => !result && i < atOnce / 2).map((journey) => journey.goOneIn(doomed)));
      await doomed.page.close();
      const tab = await open(profile);
      await Promise.all(group.map((journey) => journey.goOnIn(tab, { own: false })));
      await tab.page.close();
      journeys.push(...group);
    }
    t.diagnostic(await judge(till, journeys, lost));
    await profile.close();
    await connectionsEnded();
  });
});

/** Adds lab.beginRound, lab.strike and lab.endRound, and what happens at a step. Runs in the page. */
function addRounds() {
  let fault, enough, instance, struck, kept, endless;
  const ended = (calling, tokenOf) =>
    calling.then(
      (value) => `done ${tokenOf(value)}`,
      (error) =>
        [error.code ?? error.message, ...(tokenOf && error.responseText ? [tokenOf(JSON.parse(error.responseText))] : [])].join(" "),
    );

  /** Begins sixteen calls: continuations that wait, and what never ends. Resolves when they are under way. */
  lab.beginRound = async (named, waiting, never) => {
    fault = named;
    struck = undefined;
    enough = new AbortController();
    instance = await lab.start();
    const { signal } = enough;
    const came = [];
    const clientFor = ({ url }) => {
      let hasCome;
      came.push(new Promise((resolve) => (hasCome = resolve)));
      const fetching = (...request) => {
        const response = fetch(...request);
        if (url.includes("/stalled/") || url.includes("/dripping/")) response.then(hasCome, hasCome);
        else hasCome();
        return response;
      };
      return lab.clientWith({ fetch: fetching });
    };
    const proceed = async (target) => (await clientFor(target)).grant.continue(target, { interact_ref: target.interactRef });
    const cancel = async (target) => (await clientFor(target)).grant.cancel({ ...target, signal });
    kept = waiting.map((target) => ended(proceed(target), ({ access_token }) => access_token.value));
    endless = [...never.map(cancel), ...[1, 2, 3, 4].map(() => lab.call("hang", [], { signal }))].map((calling) => ended(calling));
    await Promise.all(came);
  };

  /** Lets it happen, unless it has. Returns whether the instance still runs, and waits for what ends with it. */
  lab.strike = async () => {
    struck ??= ended(lab.call(fault), () => "");
    await struck;
    const isSame = (await lab.start()) === instance;
    if (!isSame) await Promise.all(endless);
    return isSame;
  };
  lab.happenings.strikes = () => void lab.strike();

  lab.endRound = async () => {
    enough.abort(new Error("enough"));
    return { kept: await Promise.all(kept), endless: await Promise.all(endless) };
  };

  /** Lets the response at a step be one whose body never ends. */
  lab.endWith = (urls) => {
    let next = 0;
    lab.happenings.endless = (what, type) => (type === "fetch" ? () => fetch(urls[next++ % urls.length]) : undefined);
  };
}
