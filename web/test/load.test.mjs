// How the module comes to run: lazily, from where init() says, in pages with a policy, in workers,
// and not at all on a server.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { dist } from "./harness/packages.mjs";
import { grantFor, startServer } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";
import { isAccepted } from "./harness/verify.mjs";

const timeout = 60_000;
const wasm = "/dist/open-payments.wasm";

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, server;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite({ special: delivered }), startServer());
  });

  /** Opens a page of its own, in which nothing is loaded yet. */
  async function open(t, parameters) {
    site.requests.length = 0;
    const lab = await Lab.open(browser, site, parameters);
    t.after(() => lab.page.close());
    return lab;
  }

  /** Runs init in the page with what an expression makes there. */
  const init = (lab, expression) =>
    lab.outcome(async (expression) => lab.init({ wasm: await new Function(`return (async () => (${expression}))()`)() }), expression);

  async function assertWorks(lab) {
    const options = server.continuation("continue");
    const { value, error } = await lab.continueGrant(options);
    assert.equal(error, undefined);
    assert.deepEqual(value, grantFor(server.exchanges(options.url)[0]));
  }

  async function assertUnavailable(lab, description, retryable) {
    const { error } = await lab.continueGrant(server.continuation("continue"));
    assert.deepEqual(
      [error.kind, error.code, error.status, error.retryable],
      ["OpenPaymentsClientError", "module_unavailable", undefined, retryable],
    );
    assert.match(error.description, description);
    return error;
  }

  test("nothing is loaded before the first call, and once is enough", { timeout }, async (t) => {
    const lab = await open(t);
    assert.equal(site.downloads(), 0);
    await Promise.all([assertWorks(lab), assertWorks(lab), lab.outcome(() => lab.init())]);
    await assertWorks(lab);
    assert.equal(site.downloads(), 1);
  });

  test("neither import nor calls touch a global of the page", { timeout }, async (t) => {
    site.requests.length = 0;
    const page = await browser.newPage();
    t.after(() => page.close());
    await page.goto(`${site.origin}/globals.html`);
    await page.waitForFunction("globalThis.report !== undefined");
    const report = JSON.parse(await page.evaluate("report.then(JSON.stringify)"));
    const untouched = { added: [], removed: [], replaced: 0 };
    assert.deepEqual(report, { afterImport: untouched, afterCalls: untouched, statuses: ["rejected", "rejected", "rejected"] });
    assert.equal(site.downloads(), 1);
  });

  const sources = {
    "a string": `"${wasm}"`,
    "a URL": `new URL("${wasm}", location)`,
    "a Response": `fetch("${wasm}")`,
    "an ArrayBuffer": `fetch("${wasm}").then((response) => response.arrayBuffer())`,
    "a Uint8Array": `fetch("${wasm}").then(async (response) => new Uint8Array(await response.arrayBuffer()))`,
    "a Module": `WebAssembly.compileStreaming(fetch("${wasm}"))`,
    nothing: "undefined",
  };
  for (const [what, expression] of Object.entries(sources)) {
    test(`init with ${what}`, { timeout }, async (t) => {
      const lab = await open(t);
      assert.equal((await init(lab, expression)).error, undefined);
      assert.equal(site.downloads(), 1, "init loads the module");
      await assertWorks(lab);
      assert.equal(site.downloads(), 1, "the call does not load it again");
    });
  }

  test("init with what is none of them, or too late", { timeout }, async (t) => {
    const lab = await open(t);
    for (const expression of ["null", "5", "{}", "true", "[]", "() => {}"]) {
      const { error } = await init(lab, expression);
      assert.deepEqual(
        [error.kind, error.message],
        ["TypeError", '"wasm" must be a URL, a Response, a BufferSource or a WebAssembly.Module'],
      );
    }
    assert.equal(site.downloads(), 0);
    await assertWorks(lab);
    const { error } = await init(lab, '"/elsewhere.wasm"');
    assert.deepEqual([error.kind, error.message], ["TypeError", '"wasm" must be given before it is needed: it is loaded already']);
    await assertWorks(lab);
  });

  test("init with the same address again is no other source", { timeout }, async (t) => {
    const lab = await open(t);
    for (let i = 0; i < 2; i++) assert.equal((await init(lab, sources["a URL"])).error, undefined);
    assert.equal(site.downloads(), 1);
  });

  test("after a module of somebody else, the right one works", { timeout }, async (t) => {
    const lab = await open(t);
    const { error } = await init(lab, "Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)");
    assert.equal(error.code, "module_unavailable");
    assert.equal((await init(lab, `"${wasm}"`)).error, undefined);
    await assertWorks(lab);
  });

  test("a module of another build is refused at once, and the error says so", { timeout }, async (t) => {
    const lab = await open(t);
    const { error } = await init(
      lab,
      `fetch("${wasm}").then(async (response) => {
        const bytes = new Uint8Array(await response.arrayBuffer());
        const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
        bytes[text.indexOf("build" + lab.buildInfo.tag) + "build".length] ^= 1;
        return bytes;
      })`,
    );
    assert.deepEqual([error.kind, error.code, error.retryable], ["OpenPaymentsClientError", "module_unavailable", false]);
    assert.match(error.description, /open-payments\.wasm is not of the build that index\.js is of\. Reload the page/);
    assert.equal((await init(lab, `"${wasm}"`)).error, undefined);
    await assertWorks(lab);
  });

  const foreign = {
    "a URL": `new realm.URL("${wasm}", location)`,
    "a Response": `realm.fetch("${wasm}")`,
    "an ArrayBuffer": `realm.fetch("${wasm}").then((response) => response.arrayBuffer())`,
    "a Module": `realm.WebAssembly.compileStreaming(realm.fetch("${wasm}"))`,
    "a response that is none of the platform's": `fetch("${wasm}").then((response) => ({
        status: 200, ok: true, headers: new Map([["content-type", "application/wasm"]]), arrayBuffer: () => response.arrayBuffer(),
      }))`,
  };
  for (const [what, expression] of Object.entries(foreign)) {
    test(`rule 10: init with ${what} of another realm`, { timeout }, async (t) => {
      const lab = await open(t);
      await lab.run(() => {
        const frame = document.body.appendChild(document.createElement("iframe"));
        globalThis.realm = frame.contentWindow;
      });
      assert.equal((await init(lab, expression)).error, undefined);
      await assertWorks(lab);
    });
  }

  test("finish waits for the module no longer than its signal, or the client's timeout, lets it", { timeout }, async (t) => {
    const lab = await open(t);
    const finish = (options, requestTimeoutMs) =>
      lab.outcome(
        async (never, requestTimeoutMs, ms) => {
          lab.init({ wasm: never }).catch(() => {});
          const client = await lab.createAuthenticatedClient({
            walletAddressUrl: "https://wallet.example/client",
            key: lab.key,
            requestTimeoutMs: requestTimeoutMs ?? undefined,
          });
          return client.grant.finish("https://shop.example/callback?interact_ref=r&hash=h", {
            signal: ms ? AbortSignal.timeout(ms) : undefined,
          });
        },
        `${server.origin}/never/1`,
        requestTimeoutMs,
        options.ms,
      );
    assert.equal((await finish({ ms: 100 })).error.name, "TimeoutError");
    assert.equal((await finish({}, 100)).error.code, "timeout");
  });

  test("after a module that is not there, init may say where it is", { timeout }, async (t) => {
    const lab = await open(t);
    const { error } = await init(lab, '"/missing.wasm"');
    assert.equal(error.code, "module_unavailable");
    assert.equal((await init(lab, `"${wasm}"`)).error, undefined);
    await assertWorks(lab);
  });

  const damaged = {
    "that is not there": ["404", /open-payments\.wasm answered with status 404/],
    "that is cut off": ["truncated", /open-payments\.wasm is damaged, cut off or empty/],
    "that is a page": ["html", /open-payments\.wasm is HTML, and no WebAssembly/],
    "that is empty": ["empty", /open-payments\.wasm is damaged, cut off or empty/],
    "whose connection is reset": ["reset", /open-payments\.wasm could not be fetched: .*connect-src/],
  };
  for (const [what, [how, words]] of Object.entries(damaged)) {
    test(`a module ${what}: the call fails, and a later one works`, { timeout }, async (t) => {
      const lab = await open(t);
      t.after(() => {
        delivery = "whole";
      });
      delivery = how;
      const { description } = await assertUnavailable(lab, /could not be loaded\. .*Check that it is served there.*init\(/, true);
      assert.match(description, words);
      delivery = "whole";
      await assertWorks(lab);
    });
  }

  test("a module of the wrong MIME type works", { timeout }, async (t) => {
    const lab = await open(t);
    t.after(() => {
      delivery = "whole";
    });
    for (const how of ["untyped", "text", "parameter"]) {
      delivery = how;
      await assertWorks(await open(t));
    }
    delivery = "whole";
    await assertWorks(lab);
  });

  test("a Content-Security-Policy without 'wasm-unsafe-eval' is named as the cause", { timeout }, async (t) => {
    const lab = await open(t, { policy: "default-src 'self'; script-src 'self'; connect-src *; img-src data:" });
    const error = await assertUnavailable(lab, /'wasm-unsafe-eval'/, false);
    assert.equal(error.cause.name, "CompileError");
    assert.equal(
      error.description,
      "This page's Content-Security-Policy does not let WebAssembly compile: add 'wasm-unsafe-eval' to its script-src directive.",
    );
  });

  for (const source of ["a Response", "an ArrayBuffer"]) {
    test(`so it is with ${source}`, { timeout }, async (t) => {
      const lab = await open(t, { policy: "script-src 'self'; connect-src *" });
      const { error } = await lab.outcome(
        async (wasm, buffered) => {
          const response = await fetch(wasm);
          return lab.init({ wasm: buffered ? await response.arrayBuffer() : response });
        },
        wasm,
        source === "an ArrayBuffer",
      );
      assert.equal(error.code, "module_unavailable");
      assert.match(error.description, /'wasm-unsafe-eval'/);
    });
  }

  test("a strict policy with 'wasm-unsafe-eval' is enough", { timeout }, async (t) => {
    const allowed = `script-src 'self' 'wasm-unsafe-eval'; connect-src 'self' ${server.origin}; img-src data:`;
    const policy = `default-src 'none'; ${allowed}; require-trusted-types-for 'script'`;
    await assertWorks(await open(t, { policy }));
  });

  test("a policy that forbids the connection: the call fails, and nothing is sent", { timeout }, async (t) => {
    const lab = await open(t, { policy: "script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'" });
    const options = server.continuation("continue");
    const { error } = await lab.continueGrant(options);
    assert.equal(error.code, "network_error");
    assert.deepEqual(server.exchanges(options.url), []);
  });

  /** Sends a message to a worker in the page and returns what it answers. */
  const ask = `(worker, options) => new Promise((resolve, reject) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(options, [port2]);
    })`;

  const workers = {
    "a module worker": 'new Worker("/worker.js", { type: "module" })',
    "a module worker made of a blob":
      'new Worker(URL.createObjectURL(new Blob([`import "${location.origin}/worker.js"`], { type: "text/javascript" })), { type: "module" })',
    "a module service worker": `navigator.serviceWorker.register("/worker.js", { type: "module" }).then(async (registration) => {
        const worker = registration.installing ?? registration.waiting ?? registration.active;
        const isActive = () => worker.state === "activated";
        if (!isActive()) await new Promise((resolve) => worker.addEventListener("statechange", () => isActive() && resolve()));
        return worker;
      })`,
  };
  for (const [what, expression] of Object.entries(workers)) {
    test(`${what} continues a grant`, { timeout }, async (t) => {
      const page = await browser.newPage();
      t.after(() => page.close());
      await page.goto(`${site.origin}/blank.html`);
      const options = server.continuation("continue");
      const call = `(async () => JSON.stringify(await (${ask})(await ${expression}, ${JSON.stringify(options)})))()`;
      const { grant, jwk, error } = JSON.parse(await page.evaluate(call));
      assert.equal(error, undefined);
      const [request] = server.exchanges(options.url);
      assert.deepEqual(grant, grantFor(request));
      assert.ok(await isAccepted(request, jwk));
    });
  }
});

/** How the site delivers the module. */
let delivery = "whole";
const delivered = {
  async [wasm](req, res, file) {
    const whole = await file();
    const type = { "content-type": "application/wasm" };
    const responses = {
      whole: () => res.writeHead(200, type).end(whole),
      404: () => res.writeHead(404).end("not found"),
      truncated: () => res.writeHead(200, type).end(whole.subarray(0, 100_000)),
      html: () => res.writeHead(200, { "content-type": "text/html" }).end("<!doctype html>"),
      empty: () => res.writeHead(200, type).end(),
      reset: () => res.socket.resetAndDestroy(),
      untyped: () => res.writeHead(200).end(whole),
      text: () => res.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(whole),
      parameter: () => res.writeHead(200, { "content-type": "application/wasm; charset=utf-8" }).end(whole),
    };
    responses[delivery]();
  },
};

test("init takes paths and file URLs where files can be read, and names what it cannot read", () => {
  const run = (source) => {
    const script = `
      const { init, verifyInteractionHash } = await import(${JSON.stringify(pathToFileURL(`${dist()}/index.js`))});
      await init({ wasm: ${source} }).then(() => console.log("loaded"), ({ code, message }) => console.log(code, message));`;
    return execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", cwd: dist() }).trim();
  };
  const path = join(dist(), "open-payments.wasm");
  for (const source of [path, "open-payments.wasm", "./open-payments.wasm", String(pathToFileURL(path))]) {
    assert.equal(run(JSON.stringify(source)), "loaded", source);
  }
  assert.equal(run(`new URL(${JSON.stringify(pathToFileURL(path))})`), "loaded");
  assert.match(run('"missing.wasm"'), /^module_unavailable .*missing\.wasm could not be read/);
  assert.match(run('"index.js"'), /^module_unavailable .*index\.js is no WebAssembly/);
});

test("importing the package on a server touches no global, loads nothing and lets the process end", () => {
  const script = `
    const before = Reflect.ownKeys(globalThis);
    globalThis.fetch = WebAssembly.compile = WebAssembly.instantiate = () => { throw new Error("started something"); };
    const names = Object.keys(await import(${JSON.stringify(pathToFileURL(`${dist()}/index.js`))}));
    const added = Reflect.ownKeys(globalThis).filter((name) => !before.includes(name));
    console.log(JSON.stringify({ added, names }));`;
  const { added, names } = JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", script], { timeout }));
  assert.deepEqual(added, []);
  assert.ok(names.includes("continueGrant") && names.includes("OpenPaymentsClientError"));
});
