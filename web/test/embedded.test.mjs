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
    [browser, site, server] = await start(launch(), startSite({ faults: true, withDeferred: true }), startServer());
  });

  /** Opens a page in which a function stands for WebAssembly.compile. It gets that, and what counts its calls. */
  async function open(t, replace, folder = "/dist") {
    site.requests.length = 0;
    const lab = await Lab.open(browser, site, { folder });
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
  const failing = (compile, bytes) => (lab.failures-- > 0 ? Promise.reject(new RangeError("no memory")) : compile.call(WebAssembly, bytes));
  const forbidden = () => Promise.reject(new WebAssembly.CompileError("Wasm code generation disallowed by embedder: blocked by CSP"));

  const compilations = (lab) => lab.run(() => lab.compiled);

  async function assertWorks(lab) {
    const options = server.continuation("continue");
    const { value, error } = await lab.continueGrant(options);
    assert.equal(error, undefined);
    assert.deepEqual(value, grantFor(server.exchanges(options.url)[0]));
  }

  const refused = "error/400/invalid_continuation";

  /** Makes a call that needs the embedded module. */
  const needEmbedded = async (lab) => (await lab.continueGrant(server.continuation(refused))).error;

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

  test("rule 6: a call that ends before its request, while Go waits, needs no deferred module", { timeout }, async (t) => {
    const lab = await open(t, held);
    const options = server.continuation("continue");
    const aborted = lab.outcome((options) => {
      const controller = new AbortController();
      const signing = new Promise((resolve) => (lab.sign = () => resolve(new Uint8Array(64))));
      lab.abort = () => controller.abort(new RangeError("enough"));
      const sign = () => ((lab.isSigning = true), signing);
      return lab.continueGrant({ ...options, key: { keyId: "key", sign }, signal: controller.signal });
    }, options);
    await until(() => lab.run(() => lab.isSigning), "its signature");
    const needing = needEmbedded(lab);
    await until(() => lab.run(() => lab.release !== undefined), "its compilation");
    await lab.run(async () => {
      lab.sign();
      await new Promise((resolve) => setTimeout(resolve)); // Go gets the signature first, and then hears that the call is over
      lab.abort();
      lab.release();
    });
    assert.equal((await aborted).error.kind, "RangeError");
    assert.equal((await needing).code, "invalid_continuation");
    assert.deepEqual(server.exchanges(options.url), []);
    await assertWorks(lab);
    assert.equal(site.downloads(deferred), 0);
  });

  /** Lets no time pass between attempts. */
  const hurry = (lab) =>
    lab.run(() => {
      const { setTimeout } = globalThis;
      globalThis.setTimeout = (task, ms) => setTimeout(task, [500, 2000].includes(ms) ? 1 : ms);
    });

  test("what fails is tried again, while calls wait", { timeout }, async (t) => {
    const lab = await open(t, failing);
    await hurry(lab);
    await lab.run(() => (lab.failures = 2));
    assert.equal((await needEmbedded(lab)).code, "invalid_continuation");
    assert.equal(await compilations(lab), 3);
  });

  test(
    "rules 4 and 5: where it cannot be compiled, the response is in the error, and the next call is not sent",
    { timeout },
    async (t) => {
      const lab = await open(t, failing);
      await hurry(lab);
      await lab.run(() => (lab.failures = 6));
      const lost = await lab.run(async (options) => {
        const { code, status, description, responseText } = await lab.continueGrant({ key: lab.key, ...options }).catch((error) => error);
        return { code, status, description, responseText };
      }, server.continuation(refused));
      assert.deepEqual([lost.code, lost.status], ["module_unavailable", 400]);
      assert.match(lost.description, /^A part of open-payments\.wasm could not be compiled, .* The server has answered/);
      assert.match(lost.responseText, /invalid_continuation/);
      const options = server.continuation("continue");
      const { error } = await lab.continueGrant(options);
      assert.equal(error.code, "module_unavailable");
      assert.match(error.description, /Nothing was sent/);
      assert.deepEqual(server.exchanges(options.url), []);
      assert.equal((await needEmbedded(lab)).code, "invalid_continuation");
      assert.equal(site.downloads(deferred), 0);
    },
  );

  test("is compiled once for all instances", { timeout }, async (t) => {
    const lab = await open(t, asItIs, "/dist-faults");
    assert.equal((await lab.continueGrant(server.continuation("continue"))).error, undefined);
    await lab.outcome(() => lab.call("exit")); // which needs the deferred module too
    assert.equal(await lab.run(() => lab.instances()), 1);
    assert.equal((await needEmbedded(lab)).code, "invalid_continuation");
    assert.equal(await lab.run(() => lab.instances()), 2);
    assert.equal(await compilations(lab), 2, "of the embedded and of the deferred module");
  });

  /** Gives init modules that are compiled already. */
  const initWith = (lab, names) =>
    lab.outcome(async (names) => {
      const compiled = names.map(async ([option, file]) => [option, await WebAssembly.compileStreaming(fetch(`/dist/${file}`))]);
      await lab.init(Object.fromEntries(await Promise.all(compiled)));
    }, names);
  const primary = ["wasm", "open-payments.wasm"];

  test("with a module that was compiled elsewhere, as with any other", { timeout }, async (t) => {
    const lab = await open(t, asItIs);
    assert.equal((await initWith(lab, [primary])).error, undefined);
    assert.equal(await compilations(lab), 1, "whether anything may be compiled");
    assert.equal((await needEmbedded(lab)).code, "invalid_continuation");
    assert.equal(await compilations(lab), 2);
  });

  test("rule 6: where nothing may be compiled, the deferred module is in its place before any call", { timeout }, async (t) => {
    const lab = await open(t, forbidden);
    assert.equal((await initWith(lab, [primary, ["deferred", deferred]])).error, undefined);
    assert.equal((await needEmbedded(lab)).code, "invalid_continuation");
    const { value: backing } = await lab.outcome(async () => {
      SubtleCrypto.prototype.generateKey = async () => {
        throw new DOMException("Unrecognized name.", "NotSupportedError");
      };
      return (await lab.generateKey()).backing;
    });
    assert.equal(backing, "wasm", "with functions that are in the deferred module alone");
    assert.equal(await compilations(lab), 1);
  });

  test("rule 4: where nothing may be compiled, and only the primary module is given, nothing is sent", { timeout }, async (t) => {
    const lab = await open(t, forbidden);
    const { error } = await initWith(lab, [primary]);
    assert.equal(error.code, "module_unavailable");
    assert.match(error.description, /give init both modules compiled, as \{ wasm, deferred \}/);
    const options = server.continuation("continue");
    assert.equal((await lab.continueGrant(options)).error.code, "module_unavailable");
    assert.deepEqual(server.exchanges(options.url), []);
    assert.equal((await initWith(lab, [primary, ["deferred", deferred]])).error, undefined);
    await assertWorks(lab);
  });
});
