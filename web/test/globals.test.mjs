// Where the platform lacks something, or a page has changed it: an import works all the same, and the first call
// says what is missing. Pages may have setters on Object.prototype: they swallow nothing.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { dist } from "./harness/packages.mjs";

const timeout = 60_000;

/** Runs a module with the package imported as `op`, after `before`, in a process of its own. Returns what it reports. */
async function run(folder, before, task) {
  const source = `
    import { report } from "data:text/javascript,export const report = (value) => process.stdout.write(JSON.stringify(value))";
    const { getBuiltinModule } = process;
    ${before}
    const op = await import(${JSON.stringify(pathToFileURL(join(folder, "index.js")).href)});
    const outcome = async (task) => {
      try {
        return { value: await task() };
      } catch (error) {
        const { name, code, status, description, retryable } = error;
        return { error: { name, code, status, description, retryable } };
      }
    };
    report(await (${task})());`;
  const node = spawn(process.execPath, ["--input-type=module", "--eval", source], { stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "",
    stderr = "";
  node.stdout.on("data", (data) => {
    stdout += data;
  });
  node.stderr.on("data", (data) => {
    stderr += data;
  });
  const status = await new Promise((resolve) => node.on("close", resolve));
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

const options = `{
  url: "https://server.example/continue/1", accessToken: "token", interactRef: "reference",
  key: { keyId: "key", sign: () => new Uint8Array(64) },
}`;

/** The first calls that a page may make, each of which needs the module. */
const calls = {
  continueGrant: `op.continueGrant(${options})`,
  pollGrant: `op.pollGrant(${options})`,
  init: "op.init()",
  importKey: 'op.importKey("text", { keyId: "key" })',
  verifyInteractionHash: `op.verifyInteractionHash({
    clientNonce: "a", serverNonce: "b", interactRef: "c", grantEndpoint: "https://a.example/", hash: "d",
  })`,
};

describe("globals", { timeout: 10 * timeout }, () => {
  for (const name of ["AbortController", "TextDecoder", "TextEncoder", "URL", "WebAssembly", "crypto", "performance"]) {
    test(`without ${name}, import works and calls say so`, { timeout }, async () => {
      const task = `async () => [${Object.values(calls).map((call) => `await outcome(() => ${call})`)}]`;
      const outcomes = await run(dist(), `delete globalThis.${name};`, task);
      for (const [i, call] of Object.keys(calls).entries()) {
        const { error } = outcomes[i];
        assert.deepEqual([error?.name, error?.code, error?.retryable], ["OpenPaymentsClientError", "module_unavailable", false], call);
        assert.match(error.description, new RegExp(`^${name} is missing, or replaced\\. \\w+ .*\\.$`), call);
      }
    });
  }

  const others = [
    "AbortSignal",
    "Blob",
    "DOMException",
    "Event",
    "EventTarget",
    "FormData",
    "Headers",
    "MessageChannel",
    "Request",
    "Response",
    "URLSearchParams",
    "atob",
    "btoa",
    "clearTimeout",
    "fetch",
    "navigator",
    "queueMicrotask",
    "setTimeout",
    "structuredClone",
  ];
  for (const name of others) {
    test(`without ${name}, import works`, { timeout }, async () => {
      assert.equal(await run(dist(), `delete globalThis.${name};`, "async () => typeof op.continueGrant"), "function");
    });
  }

  test("several that are missing are named together", { timeout }, async () => {
    const { error } = await run(
      dist(),
      "delete globalThis.TextEncoder; delete globalThis.WebAssembly;",
      `() => outcome(() => ${calls.init})`,
    );
    assert.match(error.description, /^TextEncoder, WebAssembly are missing, or replaced\. /);
  });

  describe("without import.meta.url", () => {
    let folder;

    before(() => {
      folder = mkdtempSync(join(tmpdir(), "no-url-"));
      for (const name of readdirSync(dist())) if (name !== "index.js") symlinkSync(join(dist(), name), join(folder, name));
      writeFileSync(
        join(folder, "index.js"),
        readFileSync(join(dist(), "index.js"), "utf8").replaceAll(", import.meta.url)", ", undefined)"),
      );
    });

    after(() => rmSync(folder, { recursive: true }));

    test("calls say so, and init may tell where the module is", { timeout }, async () => {
      const wasm = JSON.stringify(pathToFileURL(join(dist(), "open-payments.wasm")).href);
      const task = `async () => [await outcome(() => ${calls.continueGrant}), await outcome(() => op.init({ wasm: ${wasm} }))]`;
      const [first, second] = await run(folder, "", task);
      assert.deepEqual(
        [first.error.name, first.error.code, first.error.retryable],
        ["OpenPaymentsClientError", "module_unavailable", false],
      );
      assert.match(first.error.description, /^import\.meta\.url is missing, .* init\(\{ wasm \}\)/);
      assert.deepEqual(second, {});
    });

    test("a call that needs the deferred module says so", { timeout }, async () => {
      const wasm = JSON.stringify(pathToFileURL(join(dist(), "open-payments.wasm")).href);
      const { error } = await run(
        folder,
        "crypto.subtle.generateKey = () => Promise.reject(new Error());",
        `async () => (await op.init({ wasm: ${wasm} }), outcome(() => op.generateKey()))`,
      );
      assert.equal(error?.code, "module_unavailable");
      assert.match(error.description, /import\.meta\.url is missing, .* init\(\{ deferred \}\)/);
    });
  });
});

/** What a script may put in place of something that the calls use, by what it does then. */
const replacements = {
  "fetch that throws": 'globalThis.fetch = () => { throw new Error("of the page"); };',
  "fetch that returns nothing": "globalThis.fetch = () => undefined;",
  "fetch that is none": "globalThis.fetch = 5;",
  "fetch that never settles": "globalThis.fetch = () => new Promise(() => {});",
  "JSON.parse that throws": 'JSON.parse = () => { throw new Error("of the page"); };',
  "JSON.parse that returns nothing": "JSON.parse = () => undefined;",
  "JSON.parse that returns something else": "JSON.parse = () => ({});",
  "JSON.stringify that throws": 'JSON.stringify = () => { throw new Error("of the page"); };',
  "JSON.stringify that returns nothing": "JSON.stringify = () => undefined;",
  "JSON.stringify that returns something else": 'JSON.stringify = () => "else";',
  "performance.now that stands still": "performance.now = () => 5;",
  "performance.now that goes back": "let now = 1e6; performance.now = () => now--;",
  "performance.now that returns no number": "performance.now = () => NaN;",
  "performance.now that throws": 'performance.now = () => { throw new Error("of the page"); };',
};

describe("what a page has replaced", { timeout: 10 * timeout, concurrency: 2 }, () => {
  for (const [what, code] of Object.entries(replacements)) {
    for (const isRunning of [false, true]) {
      test(`${what}, ${isRunning ? "after" : "before"} the module has started: every call ends with an error`, { timeout }, async () => {
        const isThrowing = /^(JSON|perf).* throws$/.test(what); // else those of a client may succeed, or wait longer
        // Servers that never have enough: what would go on for ever ends by a timer of the platform.
        const never = "() => new Promise(() => {})";
        const tooFast = `async () => new Response('{"error":{"code":"too_fast"}}', { status: 400 })`;
        const pending = `async () => new Response('{"continue":{"uri":"https://a.example/c","access_token":{"value":"c"},"wait":1}}')`;
        const access_token = '{ value: "token", manage: "https://server.example/token", access: [] }';
        const interact = '{ start: ["redirect"], finish: { method: "redirect", uri: "https://shop.example/" } }';
        const ofClient = [
          `grant.start({ url: "https://server.example/" }, { access_token: { access: [] }, interact: ${interact} })`,
          'grant.finish("https://shop.example/?hash=a&interact_ref=b")',
          'grant.cancel({ url: "https://server.example/c", accessToken: "token" })',
          `withGrant({ access_token: ${access_token} })`,
          `payment.start({ key: "a", from: "https://a.example/", to: "https://b.example/", finishUri: "https://shop.example/",
            receiveAmount: { value: "1", assetCode: "USD", assetScale: 2 } })`,
        ].map((call) => `outcome(() => client.${call})`);
        const common = 'url: "https://server.example/c", accessToken: "token", timeoutMs: 1_500, key';
        const task = `async () => {
          const { parse, stringify } = JSON;
          const key = await op.generateKey();
          const store = op.memoryStorage();
          const client = await op.createAuthenticatedClient({ walletAddressUrl: "https://shop.example/", key, store, fetch: ${never} });
          ${isRunning ? "await op.init();" : ""}
          ${code}
          const grant = (fetch) => outcome(() => op.continueGrant({ ${common}, fetch, interactRef: "reference" }));
          const poll = (fetch) => outcome(() => op.pollGrant({ ${common}, fetch }));
          const calls = ${what.startsWith("fetch")}
            ? [grant(), poll()]
            : [grant(${never}), grant(${tooFast}), poll(${never}), poll(${tooFast}), poll(${pending})];
          if (${isThrowing}) calls.push(${ofClient});
          const outcomes = await Promise.all(calls);
          Object.assign(JSON, { parse, stringify });
          return outcomes;
        }`;
        for (const { error } of await run(dist(), "", task)) {
          assert.ok(error, "a call was fulfilled");
          assert.ok(error.code || error.name === "TypeError", JSON.stringify(error));
        }
      });
    }
  }
});

/** What a page may have defined: names of headers, and members of what the package makes. */
const names = [
  "accept",
  "authorization",
  "content-type",
  "content-digest",
  "signature",
  "signature-input",
  "Accept",
  "Authorization",
  "Content-Type",
  "Content-Digest",
  "Signature",
  "Signature-Input",
  "method",
  "url",
  "headers",
  "body",
  "status",
  "signal",
  "abort",
  "receiving",
  "result",
  "send",
  "poll",
  "ready",
  "settle",
  "setTimeout",
  "cancel",
  "parseKey",
  "code",
  "description",
  "details",
  "validationErrors",
  "retryable",
  "operation",
  "argument",
  "problem",
  "responseText",
  "wait",
  "keyId",
  "publicKey",
  "pkcs8",
  "accessToken",
  "left",
  "access_token",
  "continue",
  "uri",
  "env",
  "argv",
  "exit",
  "mem",
  "importObject",
];

describe("setters on Object.prototype", { timeout: 2 * timeout }, () => {
  const define = `for (const name of ${JSON.stringify(names)}) {
    Object.defineProperty(Object.prototype, name, { set() {}, get() {}, configurable: true });
  }`;
  const respond = (status, body) => `async (url, init) => {
    sent.push([url, init.method, JSON.stringify(Object.keys(init.headers).sort()), init.body]);
    // Node's own Response does not bear such setters.
    return { status: ${status}, headers: [["content-type", "application/json"]], text: () => ${JSON.stringify(body)} };
  }`;
  const headers = '["Accept","Authorization","Content-Digest","Content-Type","Signature","Signature-Input"]';
  const work = (status, body) => `async () => {
    const sent = [];
    const { value, error } = await outcome(() => op.continueGrant({ ...${options}, fetch: ${respond(status, body)} }));
    return [[sent], [value && Object.entries(value)], [error && Object.entries(error).map(([name, value]) => [name, value])]];
  }`;

  test("swallow no header and no result", { timeout }, async () => {
    const [[sent], [value]] = await run(dist(), define, work(200, '{"access_token":{"value":"issued"},"more":1}'));
    assert.deepEqual(sent, [["https://server.example/continue/1", "POST", headers, '{"interact_ref":"reference"}']]);
    assert.deepEqual(value, [
      ["access_token", { value: "issued" }],
      ["more", 1],
    ]);
  });

  test("swallow nothing of an error", { timeout }, async () => {
    const [, , [error]] = await run(dist(), define, work(400, '{"error":{"code":"user_denied","description":"no"}}'));
    const { name, code, status, description, retryable } = Object.fromEntries(error);
    assert.deepEqual([name, code, status, description, retryable], ["OpenPaymentsClientError", "user_denied", 400, "no", false]);
  });
});
