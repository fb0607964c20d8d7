// The client with the names of the Node package: the documentation's snippet, the options, what
// becomes of tokens and grants, and polling.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterEach, before, describe, test } from "node:test";
import { during, startProxy } from "./harness/proxy.mjs";
import { continuation, management, outgoing, Shop } from "./harness/grants.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";
import { denied, issued, startScripted, tooFast } from "./harness/scripted.mjs";
import { startServer, until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;

/** From the Open Payments documentation, without its import line. */
const snippet = `
const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });
const grant = await client.grant.continue({ accessToken: CONTINUE_ACCESS_TOKEN, url: CONTINUE_URI }, { interact_ref: interactRef });
if (!isFinalizedGrant(grant)) throw new Error("Expected finalized grant. Received non-finalized grant.");
console.log(grant.access_token.value, grant.access_token.manage);
`;

test("the page of the snippet has the documentation's text, an import line and constants", async () => {
  const [importLine, names, values, ...rest] = (await readFile(new URL("pages/grants/snippet.js", import.meta.url), "utf8")).split("\n");
  assert.equal(importLine, 'import { createAuthenticatedClient, isFinalizedGrant } from "/dist/index.js";');
  assert.match(`${names} ${values.trim()}`, /^const \{ [\w, ]+ \} = Object\.fromEntries\(new URLSearchParams\(location\.search\)\);$/);
  assert.equal(rest.join("\n"), snippet);
});

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, sandbox, proxy, server, scripted, shop;

  before(async () => {
    [browser, site, sandbox, server, scripted] = await start(
      launch(),
      startSite(),
      startSandbox("-wait", "0s"),
      startServer(),
      startScripted(),
    );
    [proxy] = await start(startProxy(sandbox));
    shop = await Shop.at(proxy, browser, site);
  });

  afterEach(() => {
    proxy.requestHandler = undefined;
  });

  const withFinish = () => outgoing(proxy, { method: "redirect", uri: shop.finishUri, nonce: "nonce" });

  /** Makes a call of the page's client, made with `options`. */
  const make = (name, args, options) =>
    shop.outcome(
      async (name, args, options) => {
        const client = options ? await lab.clientWith(options) : lab.client;
        const [group, method] = name.split(".");
        return client[group][method](...args);
      },
      name,
      args,
      options,
    );

  const valueOf = ({ value, error }) => {
    assert.equal(error, undefined, error?.message);
    return value;
  };

  /** Requests a grant, approves it and continues it. */
  async function issue() {
    const pending = valueOf(await make("grant.request", [{ url: proxy.authServer }, withFinish()]));
    const interact_ref = (await decide(pending, "approve")).searchParams.get("interact_ref");
    return valueOf(await make("grant.continue", [continuation(pending), { interact_ref }]));
  }

  test("the documentation's snippet logs the token and its manage URL", { timeout }, async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const keyId = "documentation";
    const jwk = { kid: keyId, alg: "EdDSA", ...publicKey.export({ format: "jwk" }) };
    const pem = privateKey.export({ format: "pem", type: "pkcs8" });
    const walletAddressUrl = await publishKey(proxy, "documentation", jwk);
    const client = { walletAddressUrl, privateKey: pem, keyId };
    const pending = valueOf(
      await shop.outcome(
        async (client, url, request) => (await lab.createAuthenticatedClient(client)).grant.request({ url }, request),
        client,
        proxy.authServer,
        withFinish(),
      ),
    );
    const interactRef = (await decide(pending, "approve")).searchParams.get("interact_ref");

    const page = await browser.newPage();
    t.after(() => page.close());
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    const { url: CONTINUE_URI, accessToken: CONTINUE_ACCESS_TOKEN } = continuation(pending);
    await page.goto(
      `${site.origin}/grants/snippet.html?${new URLSearchParams({ ...client, CONTINUE_URI, CONTINUE_ACCESS_TOKEN, interactRef })}`,
    );
    await until(() => said.length > 0, "the token");
    const { access_token } = JSON.parse(proxy.continuations(CONTINUE_URI)[0].responseBody);
    assert.deepEqual(said, [`${access_token.value} ${access_token.manage}`]);
  });

  test("the predicates tell the kinds of responses apart", { timeout }, async () => {
    const kinds = await shop.run(
      (grants) =>
        grants.map((grant) =>
          ["isPendingGrant", "isFinalizedGrant", "isFinalizedGrantWithAccessToken", "isFinalizedGrantWithSubject"].map((name) =>
            lab[name](grant),
          ),
        ),
      [{ interact: {}, continue: {} }, { continue: {} }, { access_token: {}, continue: {} }, { subject: {}, continue: {} }],
    );
    assert.deepEqual(kinds, [
      [true, false, false, false],
      [false, false, false, false],
      [false, true, true, false],
      [false, false, false, true],
    ]);
  });

  test("a directed identity goes over the wire as it is given", { timeout }, async () => {
    const { kid, kty, crv, x } = shop.publicJwk;
    const clientOverride = { jwk: { x, crv, kty, kid, alg: "EdDSA" } };
    const args = { access_token: { access: [{ type: "incoming-payment", actions: ["create"] }] } };
    const grant = valueOf(await make("grant.request", [{ url: proxy.authServer }, args, clientOverride]));
    const [sent] = proxy.to(proxy.authServer).slice(-1);
    assert.equal(sent.body.toString(), JSON.stringify({ ...args, client: clientOverride }));
    assert.ok(valueOf(await make("token.rotate", [management(grant)])).access_token.value);
  });

  test("what the Node package checks before a grant request is checked", { timeout }, async () => {
    const both = withFinish();
    both.access_token.access[0].limits.receiveAmount = both.access_token.access[0].limits.debitAmount;
    const wrong = {
      'Grant request must include at least one of "access_token" or "subject".': { interact: withFinish().interact },
      'Only one of "debitAmount" or "receiveAmount" may be specified.': both,
    };
    for (const [description, args] of Object.entries(wrong)) {
      for (const call of ["grant.request", "grant.start"]) {
        const [{ error }, sent] = await during(proxy, () => make(call, [{ url: proxy.authServer }, args]));
        assert.deepEqual([error.kind, error.message, error.description], ["OpenPaymentsClientError", "Invalid Grant Request", description]);
        assert.deepEqual(sent, []);
      }
    }
  });

  test("options that are none are refused when the client is made, and nothing is sent", { timeout }, async () => {
    for (const [name, value] of [
      ["validateResponses", null],
      ["validateResponses", 1],
      ["useHttp", "true"],
      ["requestTimeoutMs", -1],
      ["fetch", "fetch"],
    ]) {
      const { error } = await make("grant.cancel", [{ url: proxy.authServer, accessToken: "token" }], { [name]: value });
      assert.equal(error.kind, "TypeError", `${name}: ${value}`);
      assert.ok(error.message.startsWith(`"${name}" must be `), error.message);
    }
  });

  test("two equal grant requests at once are two grants", { timeout }, async () => {
    const grants = await shop.run(
      (url, request) => Promise.all([1, 2].map(() => lab.client.grant.request({ url }, request))),
      proxy.authServer,
      withFinish(),
    );
    assert.notEqual(grants[0].continue.uri, grants[1].continue.uri);
  });

  test("rotate twice at once is one request, and the new manage URL is what counts", { timeout }, async () => {
    const grant = await issue();
    const target = management(grant);
    const [first, second] = await shop.run((target) => Promise.all([1, 2].map(() => lab.client.token.rotate(target))), target);
    assert.deepEqual(first, second);
    assert.notEqual(first.access_token.value, target.accessToken);
    assert.notEqual(first.access_token.manage, target.url);
    assert.equal(proxy.to(target.url).length, 1);
    const { error } = await make("token.rotate", [target]);
    assert.deepEqual([error.status, error.code], [401, "invalid_client"]);
    assert.ok(valueOf(await make("token.rotate", [management(first)])).access_token.value);
  });

  test("cancel of a grant that is gone rejects, unless it is asked to resolve", { timeout }, async () => {
    const target = continuation(await issue());
    assert.equal(valueOf(await make("grant.cancel", [target])), undefined);
    const { error } = await make("grant.cancel", [target]);
    assert.deepEqual([error.status, error.code], [401, "invalid_continuation"]);
    assert.equal(valueOf(await make("grant.cancel", [target, { ignoreGone: true }])), undefined);
    assert.deepEqual(
      proxy
        .to(target.url)
        .slice(-3)
        .map(({ method, status }) => [method, status]),
      [
        ["DELETE", 204],
        ["DELETE", 401],
        ["DELETE", 401],
      ],
    );
    for (const options of [{}, { ignoreGone: true }]) {
      const failed = await make("grant.cancel", [{ url: `${server.origin}/error/401/invalid_client/1`, accessToken: "token" }, options]);
      assert.equal(failed.error.code, "invalid_client");
    }
  });

  test("revoke ends a token", { timeout }, async () => {
    const target = management(await issue());
    assert.equal(valueOf(await make("token.revoke", [target])), undefined);
    assert.equal((await make("token.revoke", [target])).error.code, "invalid_client");
  });

  test("validateResponses: false takes any JSON", { timeout }, async () => {
    const odd = { access_token: { value: 7 }, odd: true };
    const target = { url: `${server.origin}/body/${encodeURIComponent(JSON.stringify(odd))}`, accessToken: "token" };
    assert.equal((await make("grant.continue", [target])).error.code, "invalid_response");
    assert.deepEqual(valueOf(await make("grant.continue", [target], { validateResponses: false })), odd);
    const html = { url: `${server.origin}/html/200`, accessToken: "token" };
    assert.equal((await make("grant.continue", [html], { validateResponses: false })).error.code, "not_json");
  });

  test("requestTimeoutMs ends a call that is not answered", { timeout }, async () => {
    const target = server.continuation("never");
    const { error } = await make("grant.continue", [target, { interact_ref: "reference" }], { requestTimeoutMs: 2000 });
    assert.deepEqual([error.code, error.retryable], ["timeout", true]);
    const wrong = await make("grant.continue", [target], { requestTimeoutMs: -1 });
    assert.equal(wrong.error.kind, "TypeError");
  });

  test("useHttp sends to http: where a URL says https:, to any host", { timeout }, async () => {
    const secure = { url: proxy.authServer.replace("http:", "https:") };
    const pending = valueOf(await make("grant.request", [secure, withFinish()], { useHttp: true }));
    const { url, accessToken } = continuation(pending);
    const target = { url: url.replace("http:", "https:"), accessToken };
    assert.equal(valueOf(await make("grant.cancel", [target], { useHttp: true })), undefined);
    assert.deepEqual(
      proxy.to(url).map(({ method, status }) => [method, status]),
      [["DELETE", 204]],
    );

    const elsewhere = { url: "http://wallet.example/", accessToken: "token" };
    const refused = await make("grant.continue", [elsewhere]);
    assert.match(refused.error.message, /^"url" must be an https: URL/);
    const called = await shop.run(
      async (target, grant) => {
        const urls = [];
        const fetch = async (url) => {
          urls.push(String(url.url ?? url));
          return new Response(JSON.stringify(grant));
        };
        await (await lab.clientWith({ useHttp: true, fetch })).grant.continue(target);
        return urls;
      },
      elsewhere,
      issued,
    );
    assert.deepEqual(called, [elsewhere.url]);
  });

  // Polls wait for seconds, so they wait at the same time.
  describe("pollGrant", { concurrency: true, timeout: 2 * timeout }, () => {
    /** Polls a grant of the scripted server, and tells what came of it and what was reported meanwhile. */
    async function poll(grant, options = {}) {
      const [{ uri: url, access_token, wait }] = grant.continuations;
      const before = performance.now();
      const outcome = await shop.run(
        async (options) => {
          const reported = [];
          const onProgress = (next) => {
            reported.push(next);
            throw new Error("of no concern to the poll");
          };
          return { ...(await lab.outcome(() => lab.pollGrant({ key: lab.key, onProgress, ...options }))), reported };
        },
        { url, accessToken: access_token.value, wait, ...options },
      );
      const times = [before, ...grant.requests.map(({ at }) => at)];
      return { ...outcome, gaps: times.slice(1).map((at, i) => at - times[i]) };
    }

    test("follows the token and the URI of every response, and reports them", { timeout }, async () => {
      const grant = scripted.grant({ wait: 0, waits: [0, 0, 0] });
      const { value, reported } = await poll(grant);
      assert.deepEqual(value, issued);
      assert.deepEqual(
        grant.requests.map(({ url, token }) => [url, token]),
        grant.continuations.map(({ uri, access_token }) => [uri, `GNAP ${access_token.value}`]),
      );
      assert.deepEqual(
        reported,
        grant.continuations.slice(1).map((next) => ({ continue: next })),
      );
    });

    test("never asks sooner than the server allows", { timeout }, async () => {
      const { value, gaps } = await poll(scripted.grant({ wait: 1, waits: [2] }));
      assert.deepEqual(value, issued);
      assert.ok(gaps[0] >= 1000 && gaps[1] >= 2000, String(gaps));
    });

    test("waits five seconds where the server does not say", { timeout }, async () => {
      const { value, gaps } = await poll(scripted.grant({ waits: [undefined] }));
      assert.deepEqual(value, issued);
      assert.ok(gaps.length === 2 && gaps.every((gap) => gap >= 5000), String(gaps));
    });

    test("slows down on too_fast, for good", { timeout }, async () => {
      const grant = scripted.grant({ wait: 0 });
      grant.responses = [tooFast, { continue: { ...grant.continuations[0], wait: 0 } }, denied];
      const { error, gaps } = await poll(grant);
      assert.equal(error.code, "user_denied");
      assert.ok(gaps[1] >= 5000 && gaps[2] >= 5000, String(gaps));
    });

    test("ends with a denial, and asks no more", { timeout }, async () => {
      const grant = scripted.grant({ wait: 0, waits: [0], end: [denied] });
      const { error } = await poll(grant);
      assert.deepEqual([error.kind, error.code, error.description], ["OpenPaymentsClientError", "user_denied", "no"]);
      assert.equal(grant.requests.length, 2);
    });

    test("ends at once where the server wants a longer wait than the call may take", { timeout }, async () => {
      const grant = scripted.grant({ wait: 60 });
      const { error } = await poll(grant, { timeoutMs: 500 });
      assert.deepEqual([error.code, error.retryable], ["too_fast", true]);
      assert.deepEqual(grant.requests, []);
    });

    test("ends with the timeout, and says that the grant is pending", { timeout }, async () => {
      const grant = scripted.grant({ wait: 0, waits: [1, 1, 1, 1] });
      const { error } = await poll(grant, { timeoutMs: 2500 });
      assert.deepEqual([error.code, error.retryable], ["timeout", true]);
      assert.match(error.message, /still pending/);
      assert.doesNotMatch(error.message, /did not answer/);
    });

    test("ends with the signal's own reason", { timeout }, async () => {
      const grant = scripted.grant({ wait: 0, waits: [60] });
      const isReason = await shop.run(async ({ uri: url, access_token, wait }) => {
        const aborter = new AbortController();
        const reason = new Error("changed my mind");
        const options = { url, accessToken: access_token.value, wait, key: lab.key, signal: aborter.signal };
        return lab.pollGrant({ ...options, onProgress: () => setTimeout(() => aborter.abort(reason)) }).catch((error) => error === reason);
      }, grant.continuations[0]);
      assert.equal(isReason, true);
      assert.equal(grant.requests.length, 1);
    });

    test("names the argument that is wrong", { timeout }, async () => {
      const grant = scripted.grant({ wait: 0 });
      for (const [argument, value] of [
        ["wait", -1],
        ["wait", "5"],
        ["onProgress", true],
        ["accessToken", ""],
        ["timeoutMs", 0],
      ]) {
        const { error } = await poll(grant, { [argument]: value });
        assert.equal(error.kind, "TypeError");
        assert.ok(error.message.startsWith(`"${argument}" `), error.message);
      }
      assert.deepEqual(grant.requests, []);
    });

    test("gets the token of a sandbox that rotates, once the person approves", { timeout }, async (t) => {
      const rotating = await startSandbox("-wait", "1s", "-rotate-continuation");
      t.after(() => rotating.stop());
      const front = await startProxy(rotating);
      t.after(() => front.close());
      const walletAddressUrl = await publishKey(front, "shop", shop.publicJwk);
      const pending = await shop.run(
        async (walletAddressUrl, url, request) => {
          const client = await lab.clientWith({ walletAddressUrl });
          return client.grant.request({ url }, request);
        },
        walletAddressUrl,
        front.authServer,
        outgoing(front),
      );
      const { uri: url, access_token, wait } = pending.continue;
      const polling = shop.outcome((options) => lab.pollGrant({ key: lab.key, ...options }), {
        url,
        accessToken: access_token.value,
        wait,
      });
      await until(() => front.continuations().length > 0, "the first poll");
      await decide(pending, "approve");
      assert.ok(valueOf(await polling).access_token.value);
      const polls = front.continuations();
      assert.deepEqual(new Set(polls.map(({ status }) => status)), new Set([200]), "it was never too fast");
      assert.equal(new Set(polls.map(({ url }) => url)).size, polls.length, "every poll went to a URI of its own");
    });
  });
});
