// The rest of the module, open-payments-rest.wasm: loaded when a call needs one of its functions,
// while Go waits in the middle of what it does. Uses the build of the package with the functions of
// wasm/faults_js.go, none of which is in the first module.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { browsers } from "./harness/browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { distWithFaults } from "./harness/packages.mjs";
import { grantFor, startServer } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const file = "open-payments-rest.wasm";
const path = `/dist-faults/${file}`;

for (const { name, launch } of browsers) {
  describe(name, { timeout: 5 * timeout }, () => {
    let browser, site, server;

    before(async () => {
      [browser, server] = await Promise.all([launch(), startServer()]);
      site = await startSite({ faults: true, special: delivered });
    });

    after(() => Promise.all([browser?.close(), site?.close(), server?.close()]));

    /** Opens a page of its own, in which nothing is loaded yet. The site delivers the rest in these ways, one after the other, and then whole. */
    async function open(t, ...ways) {
      site.requests.length = 0;
      deliveries = ways;
      const lab = await Lab.open(browser, site, { folder: "/dist-faults" });
      t.after(() => lab.page.close());
      return lab;
    }

    /** Makes a call that needs the rest. */
    const needRest = (lab) => lab.outcome(() => lab.call("random"));

    async function assertWorks(lab) {
      const options = server.continuation("continue");
      assert.deepEqual((await lab.continueGrant(options)).value, grantFor(server.exchanges(options.url)[0]));
    }

    test("is loaded once, when a call needs it", { timeout }, async (t) => {
      const lab = await open(t);
      await assertWorks(lab);
      assert.equal(site.downloads(file), 0);
      for (const { value } of await Promise.all([needRest(lab), needRest(lab), needRest(lab)])) assert.match(value, /^[0-9a-f]+$/);
      await lab.outcome(() => lab.call("exit"));
      assert.match((await needRest(lab)).value, /^[0-9a-f]+$/, "in another instance");
      assert.equal(site.downloads(file), 1);
      assert.equal(site.downloads(), 1);
      await assertWorks(lab);
    });

    test("while it loads, answers, new calls, timeouts and aborts wait, and none is lost", { timeout }, async (t) => {
      const lab = await open(t, "held");
      const [held, started, late, aborted] = ["held", "continue", "never", "never"].map((way) => server.continuation(way));
      const answered = lab.continueGrant(held);
      await server.arrived(held.url);
      const timedOut = lab.continueGrant({ ...late, timeoutMs: 1000 });
      await server.arrived(late.url);
      const abandoned = lab.outcome((options) => {
        const controller = new AbortController();
        lab.abort = () => controller.abort(new RangeError("enough"));
        return lab.continueGrant({ ...options, key: lab.key, signal: controller.signal });
      }, aborted);
      await server.arrived(aborted.url);

      const needing = needRest(lab);
      const release = await restRequested();
      server.held.pop()();
      const later = lab.continueGrant(started);
      await lab.run(() => lab.abort());
      await new Promise((resolve) => setTimeout(resolve, 1200));
      assert.deepEqual(server.exchanges(started.url), [], "Go waits");
      release();
      assert.match((await needing).value, /^[0-9a-f]+$/);
      assert.deepEqual((await answered).value, grantFor(server.exchanges(held.url)[0]));
      assert.deepEqual((await later).value, grantFor(server.exchanges(started.url)[0]));
      assert.equal((await timedOut).error.code, "timeout");
      assert.deepEqual([(await abandoned).error.kind, (await abandoned).error.message], ["RangeError", "enough"]);
      assert.deepEqual(lab.said.filter((text) => text.includes("missed timeout")), []);
    });

    test("calls from within a function that Go calls have their turn afterwards", { timeout }, async (t) => {
      const lab = await open(t);
      const options = server.continuation("continue");
      const { value, error } = await lab.outcome(async (options) => {
        const inner = [];
        const sign = async (data) => {
          inner.push(lab.call("random"), lab.continueGrant({ ...options, url: `${options.url}/inner`, key: lab.key }));
          return new Uint8Array(await crypto.subtle.sign("Ed25519", lab.pair.privateKey, data));
        };
        const outer = await lab.continueGrant({ ...options, key: { keyId: "page-key", sign } });
        return { outer, inner: await Promise.all(inner) };
      }, options);
      assert.equal(error, undefined);
      assert.deepEqual(value.outer, grantFor(server.exchanges(options.url)[0]));
      assert.match(value.inner[0], /^[0-9a-f]+$/);
      assert.deepEqual(value.inner[1], grantFor(server.exchanges(`${options.url}/inner`)[0]));
    });

    test("a failure on the way is tried again", { timeout }, async (t) => {
      const lab = await open(t, "reset", "404");
      assert.match((await needRest(lab)).value, /^[0-9a-f]+$/);
      assert.equal(site.downloads(file), 3);
    });

    for (const way of ["404", "altered"]) {
      test(`${way}: calls in flight are rejected and say so, later ones work`, { timeout }, async (t) => {
        const lab = await open(t, way, way, way);
        const options = server.continuation("never");
        const inFlight = lab.continueGrant(options);
        await server.arrived(options.url);
        for (const { error } of await Promise.all([needRest(lab), inFlight])) {
          assert.deepEqual([error.kind, error.code, error.retryable], ["OpenPaymentsClientError", "module_unavailable", false]);
          assert.match(error.description, /^open-payments-rest\.wasm could not be loaded, which this call needed; the server may have processed it\. Check/);
        }
        await assertWorks(lab);
        assert.match((await needRest(lab)).value, /^[0-9a-f]+$/);
      });
    }

    const sources = {
      "a string": `"${path}"`,
      "a Response": `fetch("${path}")`,
      "an ArrayBuffer": `fetch("${path}").then((response) => response.arrayBuffer())`,
      "a Module": `WebAssembly.compileStreaming(fetch("${path}"))`,
    };
    const init = (lab, expression) => lab.outcome(async (expression) => lab.init({ rest: await new Function(`return (async () => (${expression}))()`)() }), expression);

    for (const [what, expression] of Object.entries(sources)) {
      test(`init with ${what}`, { timeout }, async (t) => {
        const lab = await open(t);
        assert.equal((await init(lab, expression)).error, undefined);
        assert.match((await needRest(lab)).value, /^[0-9a-f]+$/);
        assert.equal(site.downloads(file), 1);
      });
    }

    test("init with what is none of them, or too late", { timeout }, async (t) => {
      const lab = await open(t);
      assert.equal((await init(lab, "5")).error.message, '"rest" must be a URL, a Response, a BufferSource or a WebAssembly.Module');
      await assertWorks(lab);
      assert.equal((await init(lab, `"${path}?other"`)).error, undefined, "it is not loaded yet");
      assert.match((await needRest(lab)).value, /^[0-9a-f]+$/);
      assert.equal((await init(lab, `"${path}"`)).error.message, '"rest" must be given before it is needed: it is loaded already');
    });

    test("after one that is not there, init may say where it is", { timeout }, async (t) => {
      const lab = await open(t);
      assert.equal((await init(lab, 'new Response("gone", { status: 404 })')).error, undefined);
      assert.equal((await needRest(lab)).error.code, "module_unavailable");
      assert.equal((await init(lab, `"${path}"`)).error, undefined);
      assert.match((await needRest(lab)).value, /^[0-9a-f]+$/);
    });

    test("one that never comes ends the calls that wait for it", { timeout }, async (t) => {
      const lab = await open(t, "held");
      await lab.run(() => {
        const { timeout } = AbortSignal;
        AbortSignal.timeout = () => timeout.call(AbortSignal, 50); // for 10 s
      });
      const [needing, inFlight] = [needRest(lab), lab.continueGrant({ ...server.continuation("never"), timeoutMs: 30_000 })];
      const release = await restRequested();
      deliveries = ["held", "held"];
      for (const { error } of await Promise.all([needing, inFlight])) assert.deepEqual([error.code, error.retryable], ["module_unavailable", false]);
      [release, await restRequested(), await restRequested()].forEach((letGo) => letGo());
    });

    test("that of another build is refused", { timeout }, async (t) => {
      const lab = await open(t);
      assert.equal((await init(lab, `fetch("/dist/${file}").then((response) => response.arrayBuffer())`)).error, undefined);
      const { error } = await needRest(lab);
      assert.deepEqual([error.code, error.cause.name], ["module_unavailable", "LinkError"]);
    });
  });
}

/** How the site delivers the rest next, and after that whole. */
let deliveries = [];
const held = [];
const waiting = [];

/** Waits for a request of the rest that is held, and returns the function that lets it go. */
const restRequested = () => held.pop() ?? new Promise((resolve) => waiting.push(resolve));

const delivered = {
  async [path](req, res, read) {
    const whole = await read();
    const type = { "content-type": "application/wasm" };
    const answers = {
      whole: () => res.writeHead(200, type).end(whole),
      altered: () => res.writeHead(200, type).end(Buffer.concat([whole, Buffer.of(0, 2, 1, 0x78)])), // with a custom section more
      404: () => res.writeHead(404).end("not found"),
      reset: () => res.socket.resetAndDestroy(),
      held: () => (waiting.pop() ?? ((release) => held.push(release)))(answers.whole),
    };
    answers[deliveries.shift() ?? "whole"]();
  },
};

test("in Node it is read from the package", async (t) => {
  const { call } = await import(join(distWithFaults(), "index.js"));
  t.mock.method(globalThis, "fetch", () => assert.fail("something was fetched"));
  assert.match(await call("random"), /^[0-9a-f]+$/);
});
