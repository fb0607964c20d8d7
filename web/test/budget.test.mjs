// What the package may cost, in figures that do not depend on the clock.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import zlib from "node:zlib";
import { receiveAmount, respond } from "../bench/payment-server.mjs";
import { dist } from "./harness/packages.mjs";

const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_LGWIN, BROTLI_PARAM_SIZE_HINT } = zlib.constants;

/** What brotli -q 11 makes of a file. */
function compressed(name) {
  const content = readFileSync(join(dist(), name));
  return zlib.brotliCompressSync(content, {
    params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_LGWIN]: 24, [BROTLI_PARAM_SIZE_HINT]: content.length },
  }).length;
}

function assertWithin(budget, size, what, advice) {
  assert.ok(size <= budget, `${what}: ${size.toLocaleString("en")}, and ${budget.toLocaleString("en")} is the budget. ${advice}`);
  assert.ok(
    size > 0.8 * budget,
    `${what}: only ${size.toLocaleString("en")} of ${budget.toLocaleString("en")}: lower the budget, so that it keeps its meaning`,
  );
}

describe("the budget", { timeout: 240_000 }, () => {
  test("of the module", () => {
    const advice =
      "What grew: go list -deps ./wasm before and after, with GOOS=js GOARCH=wasm; a package that is new, or reflection that keeps methods alive.";
    assertWithin(640_000, compressed("open-payments.wasm"), "open-payments.wasm, brotli -q 11", advice);
    assertWithin(1_120_000, compressed("open-payments.deferred.wasm"), "open-payments.deferred.wasm, brotli -q 11", advice);
  });

  test("of the module without what is compiled later", () => {
    const bytes = readFileSync(join(dist(), "open-payments.wasm"));
    const [embedded] = WebAssembly.Module.customSections(new WebAssembly.Module(bytes), "embedded");
    assertWithin(2_100_000, bytes.length - embedded.byteLength, "open-payments.wasm without the embedded module", "Try make profile.");
  });

  test("of what pages wait for first: none of it is in the embedded module", { timeout: 30_000 }, async () => {
    const script = `
      const { callEarly } = await import("./early.mjs");
      const openPayments = await import(process.argv[1]);
      await openPayments.init();
      WebAssembly.compile = () => new Promise(() => {});
      await callEarly(openPayments);`;
    const args = ["--input-type=module", "--eval", script, String(pathToFileURL(join(dist(), "index.js")))];
    const { status, stderr } = spawnSync("node", args, { cwd: import.meta.dirname, encoding: "utf8", timeout: 25_000 });
    assert.equal(status, 0, `A call waits for the embedded module, which never comes: node profile.mjs --early. ${stderr}`);
  });

  test("of the script, which is one", () => {
    assert.deepEqual(
      readdirSync(dist()).filter((name) => name.endsWith(".js")),
      ["index.js"],
    );
    assertWithin(43_000, compressed("index.js"), "index.js, brotli -q 11", "What grew: wc -c wasm/sdk/*.js before and after.");
  });

  test("of crossings between Go and JavaScript for one continuation", async () => {
    const counts = countCrossings();
    const { continueGrant, generateKey } = await import(pathToFileURL(join(dist(), "index.js")));
    const key = await generateKey();
    const fetch = async () => new Response('{"access_token":{"value":"issued"}}', { headers: { "content-type": "application/json" } });
    const call = (i) =>
      continueGrant({ url: "https://server.example/continue/1", accessToken: "token", interactRef: `reference ${i}`, key, fetch });
    await call(0);
    const calls = 200;
    const crossings = await crossingsOf(counts, async () => {
      for (let i = 1; i <= calls; i++) await call(i);
    });
    assertWithin(49, Math.round(crossings.sum / calls), "crossings per continuation", `Of ${calls} they are ${crossings.list}.`);
  });

  test("of requests and crossings between Go and JavaScript for one payment", async () => {
    const counts = countCrossings();
    const { createAuthenticatedClient, generateKey, memoryStorage } = await import(`${pathToFileURL(join(dist(), "index.js"))}?payment`);
    const sent = [];
    const fetch = async (input, init) => {
      const request = new Request(input, init);
      const { host, pathname: url } = new URL(request.url);
      sent.push(`${request.method} ${url.split("/").slice(3, 4)}`);
      const { status, body } = respond({ method: request.method, url, headers: { host } }, await request.text());
      return new Response(body && JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
    };
    const { payment } = await createAuthenticatedClient({
      ...{ walletAddressUrl: "https://shop.example/client", key: await generateKey(), useHttp: true, fetch, store: memoryStorage() },
    });
    const pay = async (key, to) => {
      const [from, finishUri] = [`http://payer.example/pay/${key}/wallet/payer`, "https://shop.example/callback"];
      const { interact } = await payment.start({ key, from, to: `http://${to}/pay/${key}/wallet/till`, receiveAmount, finishUri });
      return payment.finish(new URL(interact.redirect).searchParams.get("callback"));
    };
    const oneServer = ["GET wallet", "GET wallet", "POST auth", "POST incoming-payments", "POST quotes", "POST auth"];
    const pays = ["POST continue", "POST outgoing-payments"];
    await pay("one", "payer.example");
    assert.deepEqual(sent.splice(0), [...oneServer, ...pays]);
    const crossings = await crossingsOf(counts, () => pay("two", "till.example"));
    assert.deepEqual(sent, ["GET wallet", "GET wallet", "POST auth", ...oneServer.slice(2), ...pays]);
    assertWithin(700, crossings.sum, "crossings per payment", `They are ${crossings.list}.`);
  });
});

/** What a task asks of JavaScript: { sum, list }. What comes when the garbage collector likes is not counted. */
async function crossingsOf(counts, task) {
  const before = { ...counts };
  await task();
  const isCounted = (name) => name.startsWith("syscall/js.") && name !== "syscall/js.finalizeRef";
  const crossings = Object.entries(counts)
    .filter(([name]) => isCounted(name))
    .map(([name, count]) => [name, count - before[name]]);
  return { sum: crossings.reduce((total, [, count]) => total + count, 0), list: JSON.stringify(Object.fromEntries(crossings)) };
}

/** Counts what instances of the module that start from now on ask of JavaScript. */
function countCrossings() {
  const counts = {};
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (module, imports) => {
    if (!imports.gojs) return instantiate.call(WebAssembly, module, imports); // of Node's own
    const counted = Object.entries(imports.gojs).map(([name, fn]) => {
      counts[name] = 0;
      return [
        name,
        (...args) => {
          counts[name] += 1;
          return fn(...args);
        },
      ];
    });
    return instantiate.call(WebAssembly, module, { gojs: Object.fromEntries(counted) });
  };
  return counts;
}
