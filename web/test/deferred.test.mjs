// The deferred module, open-payments.deferred.wasm: loaded when a call needs one of its functions,
// while Go waits in the middle of what it does. Uses the build of the package with the functions of
// wasm/faults_js.go, none of which is in the primary module.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { distWithFaults } from "./harness/packages.mjs";
import { grantFor, startServer, until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const file = "open-payments.deferred.wasm";
const path = `/dist-faults/${file}`;

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, server;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite({ faults: true, special: delivered, withDeferred: true }), startServer());
  });

  /**
   * Opens a page of its own, in which nothing is loaded yet. The site delivers the deferred module in these ways, one after
   * the other, and then whole.
   */
  async function open(t, ...ways) {
    site.requests.length = 0;
    deliveries = ways;
    const lab = await Lab.open(browser, site, { folder: "/dist-faults" });
    t.after(() => lab.page.close());
    return lab;
  }

  /** Makes a call that needs the deferred module. */
  const needDeferred = (lab) => lab.outcome(() => lab.call("random"));

  async function assertWorks(lab) {
    const options = server.continuation("continue");
    assert.deepEqual((await lab.continueGrant(options)).value, grantFor(server.exchanges(options.url)[0]));
  }

  test("is loaded once, when a call needs it", { timeout }, async (t) => {
    const lab = await open(t);
    await assertWorks(lab);
    assert.equal(site.downloads(file), 0);
    for (const { value } of await Promise.all([needDeferred(lab), needDeferred(lab), needDeferred(lab)]))
      assert.match(value, /^[0-9a-f]+$/);
    await lab.outcome(() => lab.call("exit"));
    assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/, "in another instance");
    assert.equal(site.downloads(file), 1);
    assert.equal(site.downloads(), 1);
    await assertWorks(lab);
  });

  test("rule 6: while it loads, deadlines and aborts are kept, responses and new calls wait, and none is lost", { timeout }, async (t) => {
    const lab = await open(t, "held");
    const [held, started, ...others] = ["held", "continue", "never", "never"].map((way) => server.continuation(way));
    const [late, aborted] = others.map(({ url, accessToken }) => ({ url, accessToken })); // polls: a reference that has left is waited for
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

    const needing = needDeferred(lab);
    const release = await deferredRequested();
    server.held.pop()();
    const later = lab.continueGrant(started);
    await lab.run(() => lab.abort());
    assert.equal((await timedOut).error.code, "timeout");
    assert.deepEqual([(await abandoned).error.kind, (await abandoned).error.message], ["RangeError", "enough"]);
    for (const { url } of [late, aborted]) await until(() => server.exchanges(url)[0].hungUp, "the end of the connection");
    assert.deepEqual(server.exchanges(started.url), [], "Go waits");
    release();
    assert.match((await needing).value, /^[0-9a-f]+$/);
    assert.deepEqual((await answered).value, grantFor(server.exchanges(held.url)[0]));
    assert.deepEqual((await later).value, grantFor(server.exchanges(started.url)[0]));
    assert.deepEqual(
      lab.log.filter((text) => text.includes("missed timeout")),
      [],
    );
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
    assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/);
    assert.equal(site.downloads(file), 3);
  });

  for (const way of ["404", "altered"]) {
    test(`${way}: calls in flight are rejected and say so, later ones work`, { timeout }, async (t) => {
      const lab = await open(t, way, way, way);
      const options = server.continuation("never");
      const inFlight = lab.send("grant.cancel", options);
      await server.arrived(options.url);
      const errors = (await Promise.all([needDeferred(lab), inFlight])).map(({ error }) => error);
      for (const [i, error] of errors.entries()) {
        assert.deepEqual([error.kind, error.code, error.retryable], ["OpenPaymentsClientError", "module_unavailable", false]);
        const sent = ["Nothing was sent", "The server may have processed it"][i];
        assert.ok(
          error.description.startsWith(`open-payments.deferred.wasm could not be loaded, which this call needed. ${sent}. Check`),
          error.description,
        );
        assert.match(error.description, /reload the page, and keep old files for a while/);
      }
      await assertWorks(lab);
      assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/);
    });
  }

  const sources = {
    "a string": `"${path}"`,
    "a Response": `fetch("${path}")`,
    "an ArrayBuffer": `fetch("${path}").then((response) => response.arrayBuffer())`,
    "a Module": `WebAssembly.compileStreaming(fetch("${path}"))`,
  };
  const init = (lab, expression) =>
    lab.outcome(async (expression) => lab.init({ deferred: await new Function(`return (async () => (${expression}))()`)() }), expression);

  for (const [what, expression] of Object.entries(sources)) {
    test(`init with ${what}`, { timeout }, async (t) => {
      const lab = await open(t);
      assert.equal((await init(lab, expression)).error, undefined);
      assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/);
      assert.equal(site.downloads(file), 1);
    });
  }

  test("init with what is none of them, or too late", { timeout }, async (t) => {
    const lab = await open(t);
    assert.equal((await init(lab, "5")).error.message, '"deferred" must be a URL, a Response, a BufferSource or a WebAssembly.Module');
    await assertWorks(lab);
    assert.equal((await init(lab, `"${path}?other"`)).error, undefined, "it is not loaded yet");
    assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/);
    assert.equal((await init(lab, `"${path}"`)).error.message, '"deferred" must be given before it is needed: it is loaded already');
  });

  test("after one that is not there, init may say where it is", { timeout }, async (t) => {
    const lab = await open(t);
    assert.equal((await init(lab, 'new Response("gone", { status: 404 })')).error, undefined);
    assert.equal((await needDeferred(lab)).error.code, "module_unavailable");
    assert.equal((await init(lab, `"${path}"`)).error, undefined);
    assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/);
  });

  test("one that never comes ends the calls that wait for it", { timeout }, async (t) => {
    const lab = await open(t, "held");
    await lab.run(() => {
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (task, ms) => setTimeout(task, ms === 10_000 ? 500 : ms);
    });
    const [needing, inFlight] = [needDeferred(lab), lab.send("grant.cancel", server.continuation("never"))];
    const release = await deferredRequested();
    deliveries = ["held", "held"];
    for (const { error } of await Promise.all([needing, inFlight]))
      assert.deepEqual([error.code, error.retryable], ["module_unavailable", false]);
    [release, await deferredRequested(), await deferredRequested()].forEach((letGo) => letGo());
  });

  test("that of another build is refused", { timeout }, async (t) => {
    const lab = await open(t);
    assert.equal((await init(lab, `fetch("/dist/${file}").then((response) => response.arrayBuffer())`)).error, undefined);
    const { error } = await needDeferred(lab);
    assert.equal(error.code, "module_unavailable");
    assert.match(error.description, /open-payments\.deferred\.wasm is not of the build that index\.js is of\. Reload the page/);
    await assertWorks(lab);
  });

  test("one that comes slowly may take its time", { timeout }, async (t) => {
    const lab = await open(t, "slow");
    await lab.run(() => {
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (task, ms) => setTimeout(task, ms === 10_000 ? 1000 : ms);
    });
    assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/);
    assert.equal(site.downloads(file), 1);
  });

  test("rule 5: a response that comes while Go waits is in the error of the deadline", { timeout }, async (t) => {
    const lab = await open(t, "held");
    const options = server.continuation("held");
    const call = lab.run(
      async (options) => {
        const { code, status, description, responseText } = await lab.continueGrant({ key: lab.key, ...options }).catch((error) => error);
        return { code, status, description, responseText };
      },
      { ...options, timeoutMs: 3000 },
    );
    await server.arrived(options.url);
    const needing = needDeferred(lab);
    const release = await deferredRequested();
    server.held.pop()();
    const error = await call;
    assert.deepEqual([error.code, error.status], ["timeout", 200]);
    assert.match(error.description, /has answered/);
    assert.deepEqual(JSON.parse(error.responseText), grantFor(server.exchanges(options.url)[0]));
    release();
    assert.equal((await needing).error, undefined);
  });

  test("rule 5: a response that came, and one that comes, is in the error when the deferred module never does", { timeout }, async (t) => {
    const lab = await open(t, "held");
    const [came, comes] = ["held", "held"].map((way) => server.continuation(way));
    const responses = [came, comes].map((options) =>
      lab.run(async (options) => {
        const { code, status, responseText } = await lab.continueGrant({ key: lab.key, ...options }).catch((error) => error);
        return { code, status, responseText };
      }, options),
    );
    await Promise.all([came, comes].map(({ url }) => server.arrived(url)));
    const needing = needDeferred(lab);
    const release = await deferredRequested();
    const [first, second] = server.held.splice(0);
    first();
    await new Promise((resolve) => setTimeout(resolve, 200)); // lets it arrive
    deliveries = ["404", "404"];
    release("404");
    assert.equal((await needing).error.code, "module_unavailable");
    second();
    for (const [i, options] of [came, comes].entries()) {
      const { code, status, responseText } = await responses[i];
      assert.deepEqual([code, status], ["module_unavailable", 200]);
      assert.deepEqual(JSON.parse(responseText), grantFor(server.exchanges(options.url)[0]));
    }
  });

  /** Makes a key where WebCrypto has no Ed25519. */
  const keyInGo = (lab) =>
    lab.outcome(async () => {
      const { generateKey } = SubtleCrypto.prototype;
      SubtleCrypto.prototype.generateKey = async () => {
        throw new DOMException("Unrecognized name.", "NotSupportedError");
      };
      try {
        return (await lab.generateKey()).backing;
      } finally {
        SubtleCrypto.prototype.generateKey = generateKey;
      }
    });

  test("rule 6: a key that only Go holds is not made before the deferred module is there", { timeout }, async (t) => {
    const lab = await open(t, "404", "404", "404");
    await assertWorks(lab);
    const { error } = await keyInGo(lab);
    assert.equal(error.code, "module_unavailable");
    assert.match(error.description, /Nothing was sent/);
    assert.equal((await keyInGo(lab)).value, "wasm");
    assert.equal(site.downloads(file), 4);
    assert.match((await needDeferred(lab)).value, /^[0-9a-f]+$/);
    assert.equal(site.downloads(file), 4);
  });
});

/** How the site delivers the deferred module next, and after that whole. */
let deliveries = [];
const held = [];
const waiting = [];

/** Waits for a request of the deferred module that is held, and returns the function that lets it go. */
const deferredRequested = () => held.pop() ?? new Promise((resolve) => waiting.push(resolve));

const delivered = {
  async [path](req, res, read) {
    const whole = await read();
    const type = { "content-type": "application/wasm" };
    const responses = {
      whole: () => res.writeHead(200, type).end(whole),
      altered: () => res.writeHead(200, type).end(Buffer.concat([whole, Buffer.of(0, 2, 1, 0x78)])), // with a custom section more
      404: () => res.writeHead(404).end("not found"),
      reset: () => res.socket.resetAndDestroy(),
      slow: async () => {
        res.writeHead(200, type);
        for (let i = 0; i < 10; i++) {
          res.write(whole.subarray((i * whole.length) / 10, ((i + 1) * whole.length) / 10));
          await new Promise((resolve) => setTimeout(resolve, 250));
        }
        res.end();
      },
      held: () => (waiting.pop() ?? ((release) => held.push(release)))((way = "whole") => responses[way]()),
    };
    responses[deliveries.shift() ?? "whole"]();
  },
};

test("in Node it is read from the package", async (t) => {
  const { call } = await import(join(distWithFaults(), "index.js"));
  t.mock.method(globalThis, "fetch", () => assert.fail("something was fetched"));
  assert.match(await call("random"), /^[0-9a-f]+$/);
});
