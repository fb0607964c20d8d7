// The embedded module, which lies in a custom section of open-payments.wasm: compiled after the first call, or when a call needs one of
// its functions, while Go waits in the middle of what it does. It is needed here to read an error of the server.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { grantFor, startServer, until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const deferred = "open-payments.deferred.wasm";

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, server;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite({ withDeferred: true }), startServer());
  });

  /** Opens a page in which a function stands for WebAssembly.compile. It gets that, and what counts its calls. */
  async function open(t, replace) {
    site.requests.length = 0;
    const lab = await Lab.open(browser, site);
    t.after(() => lab.page.close());
    await lab.run(`(() => {
      const { compile } = WebAssembly;
      lab.compiled = 0;
      WebAssembly.compile = (bytes) => ((lab.compiled += 1), (${replace})(compile, bytes));
    })()`);
    return lab;
  }

  const asItIs = (compile, bytes) => compile.call(WebAssembly, bytes);
  const held = (compile, bytes) => new Promise((resolve) => (lab.release = () => resolve(compile.call(WebAssembly, bytes))));
  const failingOnce = (compile, bytes) =>
    lab.compiled > 1 ? compile.call(WebAssembly, bytes) : Promise.reject(new RangeError("no memory"));
  const forbidden = () => Promise.reject(new WebAssembly.CompileError("Wasm code generation disallowed by embedder: blocked by CSP"));

  const compilations = (lab) => lab.run(() => lab.compiled);

  async function assertWorks(lab) {
    const options = server.continuation("continue");
    assert.deepEqual((await lab.continueGrant(options)).value, grantFor(server.exchanges(options.url)[0]));
  }

  /** Makes a call that needs the embedded module. */
  const needEmbedded = async (lab) => (await lab.continueGrant(server.continuation("error/400/invalid_continuation"))).error;

  test("is compiled after the first call, which does not need it, once", { timeout }, async (t) => {
    const lab = await open(t, held);
    const options = server.continuation("held");
    const first = lab.continueGrant(options);
    await server.arrived(options.url);
    assert.equal(await compilations(lab), 0);
    server.held.pop()();
    assert.deepEqual((await first).value, grantFor(server.exchanges(options.url)[0]));
    await until(() => lab.run(() => lab.release !== undefined), "its compilation");
    const needing = needEmbedded(lab);
    await lab.run(() => lab.release());
    assert.equal((await needing).code, "invalid_continuation");
    await assertWorks(lab);
    assert.equal(await compilations(lab), 1);
    assert.equal(site.downloads(), 1);
    assert.equal(site.downloads(deferred), 0);
  });

  test("is compiled when the first call needs it", { timeout }, async (t) => {
    const lab = await open(t, asItIs);
    assert.equal((await needEmbedded(lab)).code, "invalid_continuation");
    assert.equal(await compilations(lab), 1);
    await assertWorks(lab);
  });

  test(
    "rule 6: while it is compiled, deadlines and aborts are kept, responses and new calls wait, and none is lost",
    { timeout },
    async (t) => {
      const lab = await open(t, held);
      const [answered, late, aborted, started] = ["held", "never", "never", "continue"].map((way) => server.continuation(way));
      const polls = [late, aborted].map(({ url, accessToken }) => ({ url, accessToken })); // a reference that has left is waited for
      const answer = lab.continueGrant(answered);
      const timedOut = lab.continueGrant({ ...polls[0], timeoutMs: 1000 });
      const abandoned = lab.outcome((options) => {
        const controller = new AbortController();
        lab.abort = () => controller.abort(new RangeError("enough"));
        return lab.continueGrant({ ...options, key: lab.key, signal: controller.signal });
      }, polls[1]);
      await Promise.all([answered, late, aborted].map(({ url }) => server.arrived(url)));
      const needing = needEmbedded(lab);
      await until(() => lab.run(() => lab.release !== undefined), "its compilation");
      server.held.pop()();
      const later = lab.continueGrant(started);
      await lab.run(() => lab.abort());
      assert.equal((await timedOut).error.code, "timeout");
      assert.equal((await abandoned).error.kind, "RangeError");
      assert.deepEqual(server.exchanges(started.url), [], "Go waits");
      await lab.run(() => lab.release());
      assert.equal((await needing).code, "invalid_continuation");
      assert.deepEqual((await answer).value, grantFor(server.exchanges(answered.url)[0]));
      assert.deepEqual((await later).value, grantFor(server.exchanges(started.url)[0]));
    },
  );

  test("where it could not be compiled, the deferred module is loaded in its place", { timeout }, async (t) => {
    const lab = await open(t, failingOnce);
    assert.equal((await needEmbedded(lab)).code, "invalid_continuation");
    await assertWorks(lab);
    assert.equal(site.downloads(deferred), 1);
  });

  /** Gives init modules that are compiled already. */
  const initWith = (lab, names) =>
    lab.outcome(async (names) => {
      const compiled = names.map(async ([option, file]) => [option, await WebAssembly.compileStreaming(fetch(`/dist/${file}`))]);
      await lab.init(Object.fromEntries(await Promise.all(compiled)));
    }, names);
  const primary = ["wasm", "open-payments.wasm"];

  test("rule 6: with a module that was compiled elsewhere no call begins before all is there", { timeout }, async (t) => {
    const allowed = await open(t, asItIs);
    assert.equal((await initWith(allowed, [primary])).error, undefined);
    assert.equal(await compilations(allowed), 1);
    const refused = await open(t, forbidden);
    assert.equal((await initWith(refused, [primary, ["deferred", deferred]])).error, undefined);
    assert.equal(site.downloads(deferred), 1, "that of the test itself");
    assert.equal((await needEmbedded(refused)).code, "invalid_continuation");
  });

  test("rule 4: where it may not be compiled, and nothing replaces it, nothing is sent", { timeout }, async (t) => {
    const lab = await open(t, forbidden);
    await lab.run(() => {
      const { fetch, setTimeout } = globalThis;
      globalThis.fetch = (url, ...rest) => (String(url).includes("deferred") ? Promise.reject(new TypeError("gone")) : fetch(url, ...rest));
      globalThis.setTimeout = (task, ms) => setTimeout(task, [500, 2000].includes(ms) ? 1 : ms); // between attempts to load it
    });
    const { error } = await initWith(lab, [primary]);
    assert.equal(error.code, "module_unavailable");
    const options = server.continuation("continue");
    assert.equal((await lab.continueGrant(options)).error.code, "module_unavailable");
    assert.deepEqual(server.exchanges(options.url), []);
  });
});
