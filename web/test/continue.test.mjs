// What goes over the wire, and what the sandbox and the verifier of the reference server say to it.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";
import { grantFor, startServer } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";
import { assertBound, isAccepted } from "./harness/verify.mjs";

const timeout = 60_000;

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, server, lab;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite(), startServer());
    lab = await Lab.open(browser, site);
  });

  test("the page's key cannot be exported", async () => {
    const [isExtractable, refused] = await lab.run(async () => {
      const { privateKey } = lab.pair;
      return [privateKey.extractable, await crypto.subtle.exportKey("pkcs8", privateKey).catch((error) => error.name)];
    });
    assert.deepEqual([isExtractable, refused], [false, "InvalidAccessError"]);
  });

  test("a continuation is on the wire as it must be", { timeout }, async () => {
    await setCookie();
    const options = server.continuation("continue");
    const { value } = await lab.continueGrant(options);
    const [request] = server.exchanges(options.url);
    assert.deepEqual(value, grantFor(request), "unknown members included");

    const body = JSON.stringify({ interact_ref: options.interactRef });
    assert.equal(request.method, "POST");
    assert.equal(request.body.toString(), body);
    assert.deepEqual(pick(request.headers, "accept", "authorization", "content-type", "content-length"), {
      accept: "application/json",
      authorization: `GNAP ${options.accessToken}`,
      "content-type": "application/json",
      "content-length": String(Buffer.byteLength(body)),
    });
    assert.match(request.headers["content-digest"], /^sha-512=:[A-Za-z0-9+/]{86}==:$/);
    assert.match(request.headers.signature, /^sig1=:[A-Za-z0-9+/]{86}==:$/);
    assertSignatureInput(request, '"@method" "@target-uri" "authorization" "content-digest" "content-length" "content-type"');
    assert.equal(request.headers.origin, site.origin);
    assertNothingElse(request);
  });

  test("a poll is on the wire as it must be", { timeout }, async () => {
    const { interactRef, ...options } = server.continuation("continue");
    const { value } = await lab.continueGrant(options);
    const [request] = server.exchanges(options.url);
    assert.deepEqual(value, grantFor(request));
    assert.equal(request.body.length, 0);
    assert.equal(request.headers["content-type"], undefined);
    assert.equal(request.headers["content-digest"], undefined);
    assertSignatureInput(request, '"@method" "@target-uri" "authorization"');
    await assertBound(request, lab.publicJwk);
  });

  test("every kind of call is accepted by the official verifier, and bound byte by byte", { timeout }, async () => {
    const { url, accessToken, interactRef } = server.continuation("continue");
    const calls = {
      "grant.request": [{ url: `${url}/request` }, grantRequest("https://wallet.example/alice")],
      "grant.continue": [{ url, accessToken }, { interact_ref: interactRef }],
      "token.rotate": [{ url: `${url}/rotate`, accessToken }],
      "grant.cancel": [{ url: `${url}/cancel`, accessToken }],
      "token.revoke": [{ url: `${url}/revoke`, accessToken }],
    };
    const methods = {};
    for (const [name, [target, args]] of Object.entries(calls)) {
      assert.equal((await lab.send(name, target, args)).error, undefined);
      const [request] = server.exchanges(target.url);
      methods[name] = request.method;
      await assertBound(request, lab.publicJwk);
      assertNothingElse(request);
    }
    assert.deepEqual(methods, {
      "grant.request": "POST",
      "grant.continue": "POST",
      "token.rotate": "POST",
      "grant.cancel": "DELETE",
      "token.revoke": "DELETE",
    });
    const [{ headers }] = server.exchanges(`${url}/request`);
    assert.equal(headers.authorization, undefined);
    assertSignatureInput({ headers }, '"@method" "@target-uri" "content-digest" "content-length" "content-type"');
  });

  test("what is signed is the URL as the browser spells it", { timeout }, async () => {
    const { url, ...options } = server.continuation("continue");
    const { port } = new URL(url);
    const given = [
      `${url}?a=%20b&c=ä%2F`,
      `${url}/x y/../z;'(){}|^"`,
      `HTTP://LOCALHOST:${port}/continue//double/`,
      `${url}/fragment#part`,
      `${url}/%7e%2E?`,
      `http://127.1:${port}/continue/short`,
      `${url}?a#b?c`,
      `http://user.localhost:${port}/continue/sub`,
    ];
    const spelled = await lab.run((given) => given.map((url) => new URL(url).href.replace(/#.*/, "")), given);
    for (const [i, url] of given.entries()) {
      const { error } = await lab.continueGrant({ url, ...options });
      assert.equal(error, undefined, url);
      const request = server.requests.at(-1);
      assert.equal(request.url, spelled[i]);
      assert.ok(await isAccepted(request, lab.publicJwk), url);
    }
  });

  test("references arrive byte for byte as JSON.stringify writes them", { timeout }, async () => {
    const references = [
      "&<>'\"\\/`",
      "\u2028\u2029\u0085",
      "a\ud83d\ude00\u{1f469}\u200d\u{1f4bb}",
      "\ud800",
      "x\udfff\ud800y",
      "\ufffd\ufeff\ufffe",
      String.fromCharCode(...Array(32).keys()),
      "\x7f\x80\x9f",
      "é\u0301",
      "\\u0026\\n\\",
      '{"a":1}',
      "%2B+ =",
      "r".repeat(5000),
    ];
    for (const interactRef of references) {
      const { url, accessToken } = server.continuation("continue");
      const { error } = await lab.continueGrant({ url, accessToken, interactRef });
      assert.equal(error, undefined, JSON.stringify(interactRef));
      const [request] = server.exchanges(url);
      assert.deepEqual(request.body, Buffer.from(JSON.stringify({ interact_ref: interactRef })));
      assert.equal(JSON.parse(request.body).interact_ref, interactRef);
      assert.ok(await isAccepted(request, lab.publicJwk), JSON.stringify(interactRef));
    }
  });

  test("no two signatures have the same nonce", { timeout }, () => {
    const signed = server.requests.filter(({ headers }) => headers.signature);
    const nonces = signed.map(({ headers }) => /nonce="([^"]+)"/.exec(headers["signature-input"])[1]);
    assert.ok(nonces.length > 20);
    assert.equal(new Set(nonces).size, nonces.length);
  });

  for (const flags of [[], ["-rotate-continuation"]]) {
    test(`the strict sandbox accepts every step ${flags}`, { timeout }, async (t) => {
      const sandbox = await startSandbox("-wait", "0s", ...flags);
      t.after(sandbox.stop);
      const client = await publishKey(sandbox, "page", lab.publicJwk);
      const { value: pending } = await lab.send(
        "grant.request",
        { url: sandbox.authServer },
        grantRequest(sandbox.walletAddress, site.origin),
        client,
      );
      const back = await decide(pending, "approve");
      const { value: grant, error } = await lab.continueGrant({
        url: pending.continue.uri,
        accessToken: pending.continue.access_token.value,
        interactRef: back.searchParams.get("interact_ref"),
      });
      assert.equal(error, undefined);
      assert.equal(grant.access_token.access[0].type, "outgoing-payment");
      assert.notEqual(grant.access_token.value, "");
      await rotateRevokeCancel(grant);
    });
  }

  test("the strict sandbox is polled until the person has decided", { timeout }, async (t) => {
    const sandbox = await startSandbox("-wait", "0s");
    t.after(sandbox.stop);
    const client = await publishKey(sandbox, "page", lab.publicJwk);
    const { value: pending } = await lab.send("grant.request", { url: sandbox.authServer }, grantRequest(sandbox.walletAddress), client);
    const options = { url: pending.continue.uri, accessToken: pending.continue.access_token.value };
    const early = await lab.continueGrant(options);
    assert.deepEqual(Object.keys(early.value), ["continue"]);
    await decide(pending, "approve");
    const { value: grant } = await lab.continueGrant(options);
    assert.notEqual(grant.access_token.value, "");
  });

  async function rotateRevokeCancel(grant) {
    const manage = ({ access_token }) => ({ url: access_token.manage, accessToken: access_token.value });
    const { value: rotated } = await lab.send("token.rotate", manage(grant));
    assert.notEqual(rotated.access_token.value, grant.access_token.value);
    assert.deepEqual(await lab.send("token.revoke", manage(rotated)), {});
    const continuation = { url: grant.continue.uri, accessToken: grant.continue.access_token.value };
    assert.deepEqual(await lab.send("grant.cancel", continuation), {});
  }

  /** Gives the browser a cookie for the server, and sees that it would send it where it is asked to. */
  async function setCookie() {
    const page = await browser.newPage();
    await page.goto(`${server.origin}/cookie/1`);
    await page.close();
    await lab.run((url) => fetch(url, { credentials: "include", mode: "no-cors" }).then(() => true), `${server.origin}/nothing/204`);
    const [{ headers }] = server.to("/nothing/204");
    assert.deepEqual([headers.cookie, headers.referer], ["session=1", `${site.origin}/`]);
  }

  function assertNothingElse({ headers, names }) {
    for (const absent of ["cookie", "referer", "transfer-encoding"]) assert.equal(headers[absent], undefined, absent);
    const lower = names.map((header) => header.toLowerCase());
    assert.equal(new Set(lower).size, lower.length, "a header is sent twice");
  }

  test("nothing that was said holds a secret", () => {
    lab.assertSilent([], server.requests);
  });
});

const pick = (object, ...names) => Object.fromEntries(names.map((name) => [name, object[name]]));

function assertSignatureInput({ headers }, components) {
  const [, covered, created, nonce, rest] =
    /^sig1=\(([^)]*)\);created=(\d+);nonce="([A-Za-z0-9_-]{22,})"(.*)$/.exec(headers["signature-input"]) ??
    assert.fail(headers["signature-input"]);
  assert.equal(covered, components);
  assert.equal(rest, ';tag="gnap";keyid="page-key"');
  assert.ok(Math.abs(Number(created) - Date.now() / 1000) < 120, "created is not now");
  assert.ok(nonce.length >= 22);
}

/** Asks for money; without `finish`, so that the grant can be polled. */
function grantRequest(identifier, finish) {
  const access = [{ type: "outgoing-payment", actions: ["create", "read"], identifier }];
  const interact = { start: ["redirect"] };
  if (finish) interact.finish = { method: "redirect", uri: `${finish}/back`, nonce: "client-nonce" };
  return { access_token: { access }, interact };
}
