// Starting a grant, being away, and finishing it: once, and for no callback but the server's own.

import assert from "node:assert/strict";
import { join } from "node:path";
import { afterEach, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { during, startProxy } from "./harness/proxy.mjs";
import { continuation, interactionHash, outgoing, Shop, withParameters } from "./harness/grants.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { dist } from "./harness/packages.mjs";
import { decide, startSandbox } from "./harness/sandbox.mjs";
import { until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const clientNonce = "a nonce of the test";

/** lab.html, without Web Locks where the page's address says so. */
async function labPage(req, res, file) {
  const withoutLocks = '<script>Object.defineProperty(navigator, "locks", { value: undefined })</script>';
  const content = await file();
  res.setHeader("content-type", "text/html; charset=utf-8");
  res.end(req.url.includes("locks=no") ? `${withoutLocks}${content}` : content);
}

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, sandbox, slowSandbox, proxy, slowProxy, shop;

  before(async () => {
    [browser, site, sandbox, slowSandbox] = await start(
      launch(),
      startSite({ special: { "/lab.html": labPage } }),
      startSandbox("-wait", "0s"),
      startSandbox("-wait", "1s"),
    );
    [proxy, slowProxy] = await start(startProxy(sandbox), startProxy(slowSandbox));
    shop = await Shop.at(proxy, browser, site);
  });

  afterEach(async () => {
    proxy.requestHandler = proxy.responseHandler = undefined;
    await shop.forgetAll();
  });

  /** Asserts that a callback is refused, that nothing is sent for it, and how many grants are pending then. */
  async function assertRefused(callback, code, left) {
    const [{ error, value }, sent] = await during(proxy, () => shop.finish(callback));
    assert.equal(value, undefined);
    assert.equal(error.code, code, error.message);
    assert.deepEqual(sent, []);
    assert.equal((await shop.pending()).length, left);
    return error;
  }

  /** Holds back the first continuation of a grant. Returns what lets it go. */
  function holdFirst({ continue: { uri } }) {
    let release;
    const released = new Promise((resolve) => {
      release = resolve;
    });
    proxy.requestHandler = () => (proxy.continuations(uri).length === 1 ? released : undefined);
    return release;
  }

  const assertIssued = ({ value, error }) => {
    assert.equal(error, undefined, error?.message);
    assert.match(value.access_token.value, /^\S{10,}$/);
  };

  test("a grant is started, and finished with one request", { timeout }, async () => {
    const { pending, callback } = await shop.approved();
    const [{ id, startedAt, ...rest }] = await shop.pending();
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.ok(Math.abs(Date.now() - new Date(startedAt)) < timeout);
    assert.deepEqual(rest, { url: proxy.authServer, keyId: shop.publicJwk.kid, finishUri: shop.finishUri });

    assertIssued(await shop.finish(callback));
    const [sent, ...others] = proxy.continuations(pending.continue.uri);
    assert.deepEqual(others, []);
    assert.deepEqual(JSON.parse(sent.body), { interact_ref: new URL(callback).searchParams.get("interact_ref") });
    await assertRefused(callback, "no_pending_grant", 0);
  });

  test("start makes a nonce for each grant, and takes one that is given", { timeout }, async () => {
    const nonces = [];
    for (const finish of [{}, {}, { nonce: clientNonce }]) {
      await shop.start({ finish });
      nonces.push(JSON.parse(proxy.to(proxy.authServer).at(-1).body).interact.finish.nonce);
    }
    const undefinedNonce = await shop.outcome(
      async (url, request) => {
        request.interact.finish.nonce = undefined;
        return lab.client.grant.start({ url }, request);
      },
      proxy.authServer,
      outgoing(proxy, { method: "redirect", uri: shop.finishUri }),
    );
    assert.equal(undefinedNonce.error, undefined);
    assert.equal(nonces.pop(), clientNonce);
    assert.equal(new Set(nonces).size, nonces.length);
    for (const nonce of nonces) assert.match(nonce, /^[A-Za-z0-9_-]{22,}$/);
  });

  test("start refuses what it could not finish, and sends nothing", { timeout }, async () => {
    const uris = [
      "/callback",
      "javascript:alert(1)",
      "data:text/html,a",
      "https://user:password@shop.example/callback",
      "http://shop.example/callback",
    ];
    const wrong = [
      ["body.interact.finish", undefined],
      ...uris.map((uri) => ["body.interact.finish.uri", { method: "redirect", uri }]),
      ["body.interact.finish.nonce", { method: "redirect", uri: shop.finishUri, nonce: "" }],
    ];
    for (const [argument, finish] of wrong) {
      const [{ error }, sent] = await during(proxy, () => shop.send("grant.start", { url: proxy.authServer }, outgoing(proxy, finish)));
      assert.equal(error.kind, "TypeError");
      assert.ok(error.message.startsWith(`"${argument}" `), error.message);
      assert.deepEqual(sent, []);
    }
  });

  test("what needs nobody, or fails, is not remembered", { timeout }, async () => {
    const start = (type) =>
      shop.outcome(
        async (url, request, type) => {
          request.access_token.access = [{ type, actions: ["read"] }];
          return lab.client.grant.start({ url }, request);
        },
        proxy.authServer,
        outgoing(proxy, { method: "redirect", uri: shop.finishUri }),
        type,
      );
    assertIssued(await start("quote"));
    assert.equal((await start("gold")).error.status, 400);
    assert.deepEqual(await shop.pending(), []);
  });

  test("what fails before the server has answered keeps the grant", { timeout }, async () => {
    const { callback } = await shop.approved();
    const locked = await shop.outcome(async (callback) => {
      const sign = () => {
        throw new Error("locked");
      };
      return (await lab.clientWith({ key: { keyId: lab.key.keyId, sign } })).grant.finish(callback);
    }, callback);
    assert.equal(locked.error.code, "invalid_key");
    assert.equal((await shop.pending()).length, 1);
    assertIssued(await shop.finish(callback));
  });

  test("a wait that is longer than the client's patience is an error, and keeps the grant", { timeout }, async () => {
    const { callback } = await shop.approved();
    await shop.editRecords((record) => ({ ...record, continue: { ...record.continue, wait: 3600 } }));
    const error = await assertRefused(callback, "too_fast", 1);
    assert.equal(error.retryable, true);
  });

  test("a response whose callback could not be checked is refused", { timeout }, async () => {
    const response = {
      interact: { redirect: "https://wallet.example/" },
      continue: { uri: "https://wallet.example/c", access_token: { value: "t" } },
    };
    const { error } = await shop.outcome(
      async (response, request) => {
        const fetch = async () => Response.json(response);
        return (await lab.clientWith({ fetch })).grant.start({ url: "https://wallet.example/auth" }, request);
      },
      response,
      outgoing(proxy, { method: "redirect", uri: shop.finishUri }),
    );
    assert.equal(error.code, "invalid_response");
    assert.deepEqual(await shop.pending(), []);
  });

  test("what is remembered holds no key", { timeout }, async () => {
    await shop.start({ store: "session" });
    const [record] = await shop.run(() => Object.values(sessionStorage).map((text) => JSON.parse(text)));
    assert.deepEqual(Object.keys(record).sort(), ["began", "clientNonce", "continue", "finishUri", "id", "keyId", "serverNonce", "url"]);
  });

  test("callbacks that the server did not make are refused, and nothing is sent", { timeout }, async () => {
    const first = await shop.approved({ finish: { nonce: clientNonce } });
    const second = await shop.approved();
    const of = (callback, name) => new URL(callback).searchParams.get(name);
    const hash = of(first.callback, "hash");
    const forged = {
      "a tampered hash": { hash: (hash[0] === "A" ? "B" : "A") + hash.slice(1) },
      "a shorter hash": { hash: hash.slice(0, -4) },
      "no hash": { hash: undefined },
      "an empty hash": { hash: "" },
      "what is no hash": { hash: "%" },
      "a hash over another reference": { interact_ref: crypto.randomUUID() },
      "an empty reference": { interact_ref: "" },
      "another grant's reference": { interact_ref: of(second.callback, "interact_ref") },
      "a hash over another endpoint": {
        hash: interactionHash({
          clientNonce,
          serverNonce: first.pending.interact.finish,
          reference: of(first.callback, "interact_ref"),
          endpoint: `${proxy.origin}/auth/other`,
        }),
      },
      "a hash without the server's nonce": {
        hash: interactionHash({ clientNonce, serverNonce: "", reference: of(first.callback, "interact_ref"), endpoint: proxy.authServer }),
      },
    };
    for (const [what, changes] of Object.entries(forged)) {
      const error = await assertRefused(withParameters(first.callback, changes), "hash_mismatch", 2);
      assert.match(error.description, /Nothing was sent/, what);
    }
    for (const { callback } of [first, second]) assertIssued(await shop.finish(callback));
  });

  test("a callback that nobody asked for", { timeout }, async () => {
    const { callback } = await shop.approved();
    const id = (await shop.pending())[0].id;
    await shop.run((id) => lab.client.grant.forget(id), id);
    await assertRefused(callback, "no_pending_grant", 0);
    await assertRefused(
      withParameters(callback, { hash: undefined, interact_ref: undefined, result: "grant_rejected" }),
      "no_pending_grant",
      0,
    );
    for (const address of [shop.finishUri, "/relative", ""]) {
      const [{ error }, sent] = await during(proxy, () => shop.finish(address));
      assert.equal(error.kind, "TypeError");
      assert.match(error.message, /^"callbackUrl" must be /);
      assert.deepEqual(sent, []);
    }
  });

  test("another key does not finish the grant", { timeout }, async () => {
    const { callback } = await shop.approved();
    const [{ error }, sent] = await during(proxy, () =>
      shop.outcome(async (callback) => {
        const other = await lab.clientWith({ key: await lab.generateKey() });
        return other.grant.finish(callback);
      }, callback),
    );
    assert.equal(error.kind, "TypeError");
    assert.match(error.message, /^"key" must be the one that requested the grant, with the key id /);
    assert.deepEqual(sent, []);
    assertIssued(await shop.finish(callback));
  });

  for (const encoding of ["base64", "base64url"]) {
    for (const slash of ["/", ""]) {
      for (const hashed of ["/", ""]) {
        test(`the hash in ${encoding} over the endpoint "/auth${hashed}", called as "/auth${slash}"`, { timeout }, async () => {
          const url = proxy.authServer.replace(/\/$/, slash);
          const { pending, callback } = await shop.approved({ finish: { nonce: clientNonce }, url });
          const hash = interactionHash({
            clientNonce,
            encoding,
            serverNonce: pending.interact.finish,
            reference: new URL(callback).searchParams.get("interact_ref"),
            endpoint: proxy.authServer.replace(/\/$/, hashed),
          });
          assertIssued(await shop.finish(withParameters(callback, { hash })));
        });
      }
    }
  }

  test("the hash method that was asked for is the one that counts", { timeout }, async () => {
    const finish = { nonce: clientNonce, hash_method: "sha-512" };
    const { pending, callback } = await shop.approved({ finish });
    const parts = {
      clientNonce,
      serverNonce: pending.interact.finish,
      reference: new URL(callback).searchParams.get("interact_ref"),
      endpoint: proxy.authServer,
    };
    assert.equal(new URL(callback).searchParams.get("hash"), interactionHash({ ...parts, method: "sha512" }));
    await assertRefused(withParameters(callback, { hash: interactionHash(parts) }), "hash_mismatch", 1);
    assertIssued(await shop.finish(callback));
    await assert.rejects(
      shop.start({ finish: { hash_method: "md5" } }),
      /"body.interact.finish.hash_method" must be "sha-256" or "sha-512"/,
    );
  });

  test("the finish URI's own query and fragment are kept, and told apart", { timeout }, async () => {
    const uri = `${shop.finishUri}?order=7&x=%2F#part`;
    const { callback } = await shop.approved({ finish: { uri } });
    assert.ok(callback.startsWith(`${shop.finishUri}?order=7&x=%2F&`) && callback.endsWith("#part"), callback);
    const rejection = withParameters(callback, { hash: undefined, interact_ref: undefined, result: "grant_rejected" });
    await assertRefused(rejection.replace("order=7", "order=8"), "no_pending_grant", 1);
    await assertRefused(rejection, "interaction_rejected", 1);
    assertIssued(await shop.finish(callback));
    assert.equal(await shop.run((callback) => lab.cleanCallbackUrl(callback), callback), uri);
  });

  test("with useHttp the hash is over the address that was called", { timeout }, async () => {
    const url = proxy.authServer.replace("http:", "https:");
    const request = outgoing(proxy, { method: "redirect", uri: shop.finishUri });
    const { value: pending, error } = await shop.outcome(
      async (url, request) => {
        lab.plain = await lab.clientWith({ useHttp: true });
        return lab.plain.grant.start({ url }, request);
      },
      url,
      request,
    );
    assert.equal(error, undefined);
    const callback = (await decide(pending, "approve")).href;
    assertIssued(await shop.outcome((callback) => lab.plain.grant.finish(callback), callback));
  });

  test("several grants are pending at once, and finished in another order", { timeout }, async () => {
    const grants = [];
    for (let i = 0; i < 4; i++) grants.push(await shop.approved());
    assert.equal((await shop.pending()).length, 4);
    for (const i of [2, 0, 3, 1]) {
      assertIssued(await shop.finish(grants[i].callback));
      assert.deepEqual(
        proxy.continuations(grants[i].pending.continue.uri).map(({ status }) => status),
        [200],
      );
    }
    assert.deepEqual(await shop.pending(), []);
  });

  test("grants that are finished at once do not wait for each other", { timeout }, async () => {
    const [first, second] = [await shop.approved(), await shop.approved()];
    const both = await shop.run(
      (callbacks) => Promise.all(callbacks.map((url) => lab.client.grant.finish(url))),
      [first.callback, second.callback],
    );
    for (const value of both) assertIssued({ value });
    assert.deepEqual(await shop.pending(), []);
  });

  for (const parameters of [undefined, { locks: "no" }]) {
    test(
      `rule 3: two calls at once send one request, and both get its result ${parameters ? "without Web Locks" : ""}`,
      { timeout },
      async (t) => {
        const page = parameters ? await Shop.at(proxy, browser, site, parameters) : shop;
        t.after(() => parameters && page.page.close());
        assert.equal(await page.run(() => Boolean(navigator.locks)), !parameters);
        const { pending, callback } = await page.approved();
        const outcomes = await page.run((url) => Promise.all([1, 2].map(() => lab.outcome(() => lab.client.grant.finish(url)))), callback);
        for (const outcome of outcomes) assertIssued(outcome);
        assert.deepEqual(outcomes[0], outcomes[1]);
        assert.equal(proxy.continuations(pending.continue.uri).length, 1);
      },
    );
  }

  test("of two tabs one finishes the grant, and the other is told", { timeout }, async (t) => {
    const other = await Shop.at(proxy, browser, site);
    t.after(() => other.page.close());
    for (const store of ["default", "local"]) {
      const { pending, callback } = await shop.approved({ store });
      const release = holdFirst(pending);
      const first = shop.finish(callback, store);
      await until(() => proxy.continuations(pending.continue.uri).length > 0, "the first tab's request");
      const second = other.finish(callback, store);
      await other.page.waitForFunction(async () => (await navigator.locks.query()).pending.length > 0, { polling: 50 });
      release();
      assertIssued(await first);
      assert.equal((await second).error?.code, "finished_elsewhere");
      assert.equal(proxy.continuations(pending.continue.uri).length, 1);
    }
  });

  test("wait is waited out: the server does not have to say too_fast", { timeout }, async (t) => {
    const slow = await Shop.at(slowProxy, browser, site);
    t.after(() => slow.page.close());
    const { pending, callback } = await slow.approved();
    assert.equal(pending.continue.wait, 1);
    assertIssued(await slow.finish(callback));
    assert.deepEqual(
      slowProxy.continuations(pending.continue.uri).map(({ status }) => status),
      [200],
    );
  });

  test("abort while wait is waited out: nothing is sent, and the grant stays", { timeout }, async (t) => {
    const slow = await Shop.at(slowProxy, browser, site);
    t.after(() => slow.page.close());
    const { pending, callback } = await slow.approved();
    for (const when of ["before", "while"]) {
      const reason = await slow.run(
        async (callback, when) => {
          const aborter = new AbortController();
          const reason = new Error("changed my mind");
          if (when === "before") aborter.abort(reason);
          const finishing = lab.client.grant.finish(callback, { signal: aborter.signal });
          aborter.abort(reason);
          return finishing.catch((error) => error === reason);
        },
        callback,
        when,
      );
      assert.equal(reason, true, when);
    }
    assert.deepEqual(slowProxy.continuations(pending.continue.uri), []);
    assert.equal((await slow.pending()).length, 1);
    assertIssued(await slow.finish(callback));
  });

  test("a lost connection keeps the grant, and finishing again works", { timeout }, async () => {
    const { callback } = await shop.approved();
    proxy.requestHandler = () => {
      throw new Error("broken off");
    };
    const { error } = await shop.finish(callback);
    assert.deepEqual([error.code, error.retryable], ["network_error", true]);
    assert.equal((await shop.pending()).length, 1);
    proxy.requestHandler = undefined;
    assertIssued(await shop.finish(callback));
    assert.deepEqual(await shop.pending(), []);
  });

  test("a failure that is final forgets the grant", { timeout }, async () => {
    const { pending, callback } = await shop.approved();
    const elsewhere = (target) => lab.client.grant.cancel(target, { store: lab.stores.memory });
    await shop.run(elsewhere, continuation(pending));
    const { error } = await shop.finish(callback);
    assert.deepEqual([error.status, error.code], [401, "invalid_continuation"]);
    await assertRefused(callback, "no_pending_grant", 0);
  });

  test("a rejection has its own code, and nothing is sent", { timeout }, async () => {
    const callback = (await decide(await shop.start(), "decline")).href;
    const error = await assertRefused(callback, "interaction_rejected", 1);
    assert.equal(error.kind, "OpenPaymentsClientError");
    assert.deepEqual([error.description, error.details], ["The person declined the grant.", { result: "grant_rejected" }]);
  });

  test("a rejection that may be of any of several grants forgets none of them", { timeout }, async () => {
    const [first, second] = [await shop.start(), await shop.approved()];
    const callback = (await decide(first, "decline")).href;
    await assertRefused(callback, "interaction_rejected", 2);
    assertIssued(await shop.finish(second.callback));
  });

  test("grants are forgotten after an hour", { timeout }, async () => {
    const { callback } = await shop.approved();
    const makeOlder = (minutes) => shop.editRecords(`(record) => ({ ...record, began: record.began - ${minutes * 60_000} })`);
    await makeOlder(59);
    assert.equal((await shop.pending()).length, 1);
    await makeOlder(1);
    await assertRefused(callback, "no_pending_grant", 0);
    await shop.start(); // makes room
    await until(async () => (await shop.run(countRecords)) === 1, "the old record to be removed");
  });

  test("pending lists what was started, and forget drops one", { timeout }, async () => {
    for (const order of ["1", "2", "3"]) await shop.start({ finish: { uri: `${shop.finishUri}?order=${order}` } });
    const orders = async () => (await shop.pending()).map(({ finishUri }) => new URL(finishUri).searchParams.get("order"));
    assert.deepEqual(await orders(), ["1", "2", "3"]);
    const [, { id }] = await shop.pending();
    const [, sent] = await during(proxy, () => shop.run((id) => lab.client.grant.forget(id).then(() => true), id));
    assert.deepEqual(sent, [], "forgetting is not cancelling");
    assert.deepEqual(await orders(), ["1", "3"]);
    await shop.run((id) => lab.client.grant.forget(id).then(() => true), id);
    assert.deepEqual(await orders(), ["1", "3"]);
    const { error } = await shop.outcome(() => lab.client.grant.forget());
    assert.match(error.message, /^"id" must be /);
  });

  test("nothing that was said holds a secret", () => {
    const tokens = proxy.requests.map(({ headers }) => headers.authorization?.slice("GNAP ".length)).filter(Boolean);
    const references = proxy
      .continuations()
      .map(({ body }) => body.length > 0 && JSON.parse(body).interact_ref)
      .filter(Boolean);
    shop.assertSilent(
      [...tokens, ...references, clientNonce],
      proxy.requests.filter(({ signed }) => signed),
    );
  });
});

/** Runs in the page: how many records of grants the journal holds. */
async function countRecords() {
  const database = await new Promise((resolve) => {
    const opening = indexedDB.open("open-payments-wasm.journal", 1);
    opening.onsuccess = () => resolve(opening.result);
  });
  const keys = await new Promise((resolve) => {
    const listing = database.transaction("entries").objectStore("entries").getAllKeys();
    listing.onsuccess = () => resolve(listing.result);
  });
  database.close();
  return keys.filter((key) => key.includes(".pending.")).length;
}

test("cleanCallbackUrl takes away what the wallet added, and nothing else", async () => {
  const { cleanCallbackUrl } = await import(pathToFileURL(join(dist(), "index.js")));
  const base = "https://shop.example/callback";
  assert.equal(cleanCallbackUrl(`${base}?hash=a&interact_ref=b`), base);
  assert.equal(cleanCallbackUrl(new URL(`${base}?result=grant_rejected`)), base);
  assert.equal(cleanCallbackUrl(`${base}?a=1&hash=a&b=%20&interact_ref=b#hash=c`), `${base}?a=1&b=+#hash=c`);
  assert.throws(() => cleanCallbackUrl("/callback"), /^TypeError: "url" must be an absolute URL$/);
});
