// What the benchmark is made of. It runs in its smallest form in soak/.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { createServer } from "node:http";
import { test } from "node:test";
import { bars } from "../bench/bars.mjs";
import { slowLink } from "../bench/link.mjs";
import { median, quantile, ratio, summary } from "../bench/statistics.mjs";
import { parseOptions } from "../bench/options.mjs";
import { verifyContinuation, verifyOfPayment } from "../bench/verify.mjs";

test("a peer whose request is not signed as it must be is not measured", () => {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const jwk = publicKey.export({ format: "jwk" });
  const names = '"@method" "@target-uri" "authorization" "content-digest" "content-length" "content-type"';
  const request = (covered = names) => {
    const headers = {
      authorization: "GNAP token",
      "content-length": "2",
      "content-type": "application/json",
      "content-digest": `sha-512=:${createHash("sha512").update("{}").digest("base64")}:`,
    };
    const values = { "@method": "POST", "@target-uri": "http://server.example/1", ...headers };
    const lines = covered.split(" ").map((name) => `${name}: ${values[name.slice(1, -1)]}`);
    const base = [...lines, `"@signature-params": (${covered});created=1`].join("\n");
    const signature = sign(null, Buffer.from(base), privateKey).toString("base64");
    return {
      method: "POST",
      url: "http://server.example/1",
      body: "{}",
      headers: { ...headers, "signature-input": `sig1=(${covered});created=1`, signature: `sig1=:${signature}:` },
    };
  };
  verifyContinuation(request(), jwk);
  assert.throws(() => verifyContinuation({ ...request(), body: "[]" }, jwk), /the digest is wrong/);
  assert.throws(() => verifyContinuation({ ...request(), url: "http://server.example/2" }, jwk), /the signature is wrong/);
  assert.throws(() => verifyContinuation({ ...request(), headers: {} }, jwk), /there is no signature/);
  assert.throws(() => verifyContinuation(request('"@method" "@target-uri"'), jwk), /not covered: authorization, content-digest/);
});

test("of a payment, all but reading a wallet address must be signed", () => {
  const [unsigned, url] = [{ method: "GET", headers: {}, body: "" }, "http://server.example/pay/1"];
  verifyOfPayment({ ...unsigned, url: `${url}/wallet/till` });
  assert.throws(() => verifyOfPayment({ ...unsigned, url: `${url}/incoming-payments/1` }), /there is no signature/);
  assert.throws(() => verifyOfPayment({ ...unsigned, method: "POST", url: `${url}/wallet/till` }), /there is no signature/);
});

test("bars are judged for each browser, and those that a few calls cannot tell in full runs alone", () => {
  const judge = (browser, quick, toSDK, row) => {
    const peers = [{ id: "webcrypto" }, { id: "ours" }];
    const of = (figure, metric, found) => ({ [figure]: { peers: { ours: { [metric]: found }, webcrypto: { [metric]: found } } } });
    const figures = {
      ...of("warm", "together", { toSDK }),
      ...of("preflights", "row", { median: row }),
      ...of("memory", "wasmGrown", { median: 1 }),
    };
    return bars({ browser: "Name/1.2", figures, peers, options: { browser, quick } }).map(
      ({ metric, isMissed }) => `${metric} ${isMissed}`,
    );
  };
  assert.deepEqual(judge("chromium", true, 0.7, 1), ["together true", "row false"]);
  assert.deepEqual(judge("firefox", true, 0.7, 2), ["together false", "row true"]);
  assert.deepEqual(judge("chromium", false, 0.65, 1), ["together false", "wasmGrown true", "row false"]);
});

test("both browsers, or those that are named", () => {
  const browsers = (...args) => parseOptions(args).browsers;
  assert.deepEqual(browsers(), ["chromium", "firefox"]);
  assert.deepEqual(browsers("--firefox"), ["firefox"]);
  assert.deepEqual(browsers("--chromium", "--firefox"), ["chromium", "firefox"]);
});

test("statistics", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(quantile([1, 2, 3, 4, 5], 0.95), 4.8);
  assert.deepEqual(
    summary([
      [1, 2],
      [3, 4, 5],
    ]),
    { median: 3, p95: 4.8, spread: 2 / 3, samples: 5 },
  );
  assert.equal(summary([[], []]), undefined);
  // The machine is twice as slow in the second round, and the ratio does not notice.
  assert.equal(ratio([[3], [6]], [[2], [4]]), 1.5);
  assert.equal(ratio([[]], [[1]]), undefined);
});

test("the slow link takes its time, shares its bandwidth and changes nothing", { timeout: 60_000 }, async (t) => {
  const content = Buffer.alloc(250_000, "0123456789");
  const open = async (server) => {
    await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
    t.after(() => server.close());
    return `127.0.0.1:${server.address().port}`;
  };
  const origin = await open(createServer((req, res) => res.writeHead(200, { connection: "close" }).end(content)));
  const slow = await open(slowLink({ mbitPerSecond: 10, roundTripMs: 200 })(origin));
  const fetched = async () => Buffer.from(await (await fetch(`http://${slow}/`)).arrayBuffer());
  const begin = performance.now();
  const both = await Promise.all([fetched(), fetched()]);
  const took = performance.now() - begin;
  for (const one of both) assert.ok(one.equals(content));
  // Two round trips, one of them for the connection, and 200 ms for each; timers may be a little early.
  assert.ok(took >= 775, `it took ${took} ms`);
});
