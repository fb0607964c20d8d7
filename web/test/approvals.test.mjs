// An approval is never lost by our doing: what can happen between the person's click and the token.

import assert from "node:assert/strict";
import { after, afterEach, before, describe, test } from "node:test";
import { during, startProxy } from "./harness/proxy.mjs";
import { continuation, management, outgoing, Shop, withParameters } from "./harness/grants.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";
import { until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;

describeInBrowsers({ timeout: 10 * timeout }, ({ name, launch, start }) => {
  let browser, site, sandbox, proxy, shop;

  before(async () => {
    [browser, site, sandbox] = await start(launch(), startSite(), startSandbox("-wait", "0s"));
    [proxy] = await start(startProxy(sandbox));
    shop = await Shop.at(proxy, browser, site);
  });

  afterEach(async () => {
    proxy.requestHandler = proxy.responseHandler = undefined;
    await shop.forgetAll();
  });

  const assertIssued = ({ value, error }) => {
    assert.equal(error, undefined, error?.message);
    assert.match(value.access_token.value, /^\S{10,}$/);
  };

  const grantRequest = () => outgoing(proxy, { method: "redirect", uri: shop.finishUri });
  const approve = async (pending) => (await decide(pending, "approve")).href;

  async function openTab(t) {
    const tab = await Shop.at(proxy, browser, site);
    t.after(() => tab.page.close().catch(() => {}));
    return tab;
  }

  /** Holds back requests, or their responses. Returns what lets them go. */
  function hold(which, isIt = () => true) {
    let release;
    const released = new Promise((resolve) => {
      release = resolve;
    });
    proxy[which] = async (passed) => {
      if (isIt(passed)) await released;
    };
    return release;
  }

  /**
   * Makes a call in the page and aborts it once its request has come, whose response the proxy holds back. Returns what
   * releases the response. `call` runs in the page with `given` and a signal.
   */
  async function abandon(call, given, isSent) {
    const release = hold("responseHandler");
    await shop.run(`(() => {
      lab.aborter = new AbortController();
      lab.abandoned = lab.outcome(() => (${call})(${JSON.stringify(given)}, lab.aborter.signal));
    })()`);
    await until(isSent, "the request");
    const { error } = await shop.run(() => {
      lab.aborter.abort(new Error("gone to another route"));
      return lab.abandoned;
    });
    assert.equal(error.message, "gone to another route");
    return release;
  }

  const abandonFinish = (pending, callback) =>
    abandon(
      (callback, signal) => lab.client.grant.finish(callback, { signal }),
      callback,
      () => sentFor(pending).length >= 1,
    );

  const sentFor = (pending) => proxy.continuations(pending.continue.uri);
  const arrived = (pending, count = 1) => until(() => sentFor(pending).length >= count, "the continuation");

  describe("rule 1: a grant is forgotten for nothing but its end", () => {
    const passing = {
      "invalid_client, because the key set was empty for a moment": {
        status: 400,
        body: '{"error":{"code":"invalid_client","description":"could not determine client"}}',
      },
      "invalid_client, because the clock was wrong": {
        status: 401,
        body: '{"error":{"code":"invalid_client","description":"invalid signature"}}',
      },
      invalid_request: { status: 400, body: '{"error":{"code":"invalid_request","description":"no"}}' },
      "a code that nobody knows": { status: 400, body: '{"error":"teapot"}' },
      408: { status: 408 },
      421: { status: 421 },
      425: { status: 425 },
      429: { status: 429 },
      "403 as HTML": { status: 403, headers: { "content-type": "text/html" }, body: "<h1>Forbidden</h1>" },
      "404 as HTML": { status: 404, headers: { "content-type": "text/html" }, body: "<h1>Not found</h1>" },
      405: { status: 405 },
      410: { status: 410 },
      500: { status: 500 },
      503: { status: 503 },
      "a redirect": { status: 302, headers: { location: "/login" } },
      "a hotel's page": { status: 200, headers: { "content-type": "text/html" }, body: "<h1>Welcome to our WLAN</h1>" },
      "success without a token": { status: 200, body: "{}" },
      "success that is null": { status: 200, body: "null" },
      "success that is empty": { status: 204 },
      "more than 1 MiB": { status: 200, body: JSON.stringify({ access_token: { value: "x".repeat(1 << 20) } }) },
    };
    for (const [what, response] of Object.entries(passing)) {
      test(what, { timeout }, async () => {
        const { pending, callback } = await shop.approved();
        proxy.requestHandler = () => response;
        const { error } = await shop.finish(callback);
        assert.equal(error?.kind, "OpenPaymentsClientError", what);
        assert.equal(typeof error.code, "string");
        if (response.status !== 302) assert.equal(error.status, response.status);
        if ([408, 421, 425, 429, 500, 503].includes(response.status)) assert.equal(error.retryable, true);
        assert.equal((await shop.pending()).length, 1);
        proxy.requestHandler = undefined;
        assertIssued(await shop.finish(callback));
        assert.deepEqual(await shop.pending(), []);
        if (![408, 421].includes(response.status)) assert.equal(sentFor(pending).length, 2); // these, browsers send again by themselves
      });
    }

    for (const code of ["invalid_continuation", "request_denied", "user_denied"]) {
      for (const body of [{ error: { code, description: "over" } }, { error: code }]) {
        test(`${JSON.stringify(body)} is its end`, { timeout }, async () => {
          const { callback } = await shop.approved();
          proxy.requestHandler = () => ({ status: 401, body: JSON.stringify(body) });
          assert.equal((await shop.finish(callback)).error.code, code);
          assert.equal((await shop.finish(callback)).error.code, "no_pending_grant");
        });
      }
    }

    test("a response that says pending still is no end, and what it says counts from then on", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const moved = `${pending.continue.uri}?moved`;
      proxy.requestHandler = () => ({
        status: 200,
        body: JSON.stringify({ continue: { uri: moved, access_token: { value: "another-token" }, wait: 1 } }),
      });
      assert.equal((await shop.finish(callback)).value.continue.uri, moved);
      assert.equal((await shop.pending()).length, 1);
      proxy.requestHandler = () => ({ status: 200, body: JSON.stringify({ access_token: { value: "issued-at-last" } }) });
      assert.equal((await shop.finish(callback)).value.access_token.value, "issued-at-last");
      assert.equal(sentFor(pending).at(-1).headers.authorization, "GNAP another-token");
      assert.deepEqual(await shop.pending(), []);
    });

    test("a continuation whose wait is null is one", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      proxy.requestHandler = () => ({
        status: 200,
        body: JSON.stringify({ continue: { uri: pending.continue.uri, access_token: { value: "another-token" }, wait: null } }),
      });
      assert.equal((await shop.finish(callback)).error, undefined);
      assert.equal((await shop.pending()).length, 1);
    });

    for (const body of ["{}", "[]", "5", '{"continue":{"uri":"/relative"}}', '{"access_token":null}']) {
      test(`success that is ${body}, where responses are not checked`, { timeout }, async () => {
        const { callback } = await shop.approved();
        proxy.requestHandler = () => ({ status: 200, body });
        const { value } = await shop.outcome(async (callback) => {
          const { grant } = await lab.clientWith({ validateResponses: false });
          return grant.finish(callback);
        }, callback);
        assert.deepEqual(value, JSON.parse(body));
        assert.equal((await shop.pending()).length, 1);
        proxy.requestHandler = undefined;
        assertIssued(await shop.finish(callback));
      });
    }
  });

  describe("rule 1: what was answered while nobody waited is kept", () => {
    test("finish, abort, finish at once", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const [aborted, finished] = await shop.run(async (callback) => {
        const aborter = new AbortController();
        const first = lab.outcome(() => lab.client.grant.finish(callback, { signal: aborter.signal }));
        aborter.abort(new Error("double effect"));
        return [await first, await lab.outcome(() => lab.client.grant.finish(callback))];
      }, callback);
      assert.equal(aborted.error.message, "double effect");
      assertIssued(finished);
      assert.equal(sentFor(pending).length, 1);
    });

    for (const when of ["while the request is held", "once it is answered"]) {
      test(`finish, abort when the request has left, finish ${when}`, { timeout }, async () => {
        const { pending, callback } = await shop.approved();
        const release = await abandonFinish(pending, callback);
        if (when === "once it is answered") {
          release();
          await until(() => sentFor(pending)[0].responseBody, "the response");
        }
        await shop.run((callback) => {
          lab.again = lab.outcome(() => lab.client.grant.finish(callback));
        }, callback);
        release();
        assertIssued(await shop.run(() => lab.again));
        assert.equal(sentFor(pending).length, 1);
        assert.deepEqual(await shop.pending(), []);
        assert.equal((await shop.finish(callback)).error.code, "no_pending_grant");
      });
    }

    test("a deadline that is over too soon: another client of the page gets the response", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const release = hold("responseHandler");
      const { error } = await shop.outcome(async (callback) => {
        const hasty = await lab.clientWith({ requestTimeoutMs: 300 });
        return hasty.grant.finish(callback);
      }, callback);
      assert.deepEqual([error.code, error.retryable], ["timeout", true]);
      release();
      assertIssued(await shop.outcome(async (callback) => (await lab.clientWith({})).grant.finish(callback), callback));
      assert.equal(sentFor(pending).length, 1);
    });

    test("a rotation", { timeout }, async () => {
      const { value: grant } = await shop.finish((await shop.approved()).callback);
      const target = management(grant);
      const rotate = (target, signal) => lab.client.token.rotate({ ...target, signal });
      const release = await abandon(rotate, target, () => proxy.to(target.url).length === 1);
      release();
      await until(() => proxy.to(target.url)[0].responseBody, "the response");
      const { value } = await shop.outcome((target) => lab.client.token.rotate(target), target);
      assert.equal(value.access_token.value, JSON.parse(proxy.to(target.url)[0].responseBody).access_token.value);
      assert.equal(proxy.to(target.url).length, 1);
    });
  });

  describe("rule 3: a reference is sent once at a time", () => {
    test("twice at once, one aborted: the other gets the grant", { timeout }, async () => {
      for (const aborted of [0, 1]) {
        const { pending, callback } = await shop.approved();
        const release = hold("responseHandler");
        await shop.run(
          (callback, aborted) => {
            lab.aborter = new AbortController();
            const finish = (i) => lab.outcome(() => lab.client.grant.finish(callback, i === aborted ? { signal: lab.aborter.signal } : {}));
            lab.both = [finish(0), finish(1)];
          },
          callback,
          aborted,
        );
        await arrived(pending);
        await shop.run(() => lab.aborter.abort(new Error("unmounted")));
        release();
        const both = await shop.run(() => Promise.all(lab.both));
        assert.equal(both[aborted].error.message, "unmounted");
        assertIssued(both[1 - aborted]);
        assert.equal(sentFor(pending).length, 1);
      }
    });

    test("two client objects with the same key id share, and a page that asks again after its end is told", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const outcomes = await shop.run(async (callback) => {
        const clients = [await lab.clientWith({}), await lab.clientWith({ key: { ...lab.key } })];
        return Promise.all(clients.map((client) => lab.outcome(() => client.grant.finish(callback))));
      }, callback);
      for (const outcome of outcomes) assertIssued(outcome);
      assert.equal(sentFor(pending).length, 1);
    });

    let tab; // a second one
    before(async () => {
      tab = await Shop.at(proxy, browser, site);
    });
    after(() => tab.page.close());

    /** Makes the second tab what a duplicate of the first is: sessionStorage is copied, and the records in it. */
    const duplicate = async () =>
      tab.run(
        (copy) => {
          sessionStorage.clear();
          Object.assign(sessionStorage, copy);
        },
        await shop.run(() => ({ ...sessionStorage })),
      );

    /** Waits until a tab waits for another's claim: it asks for a share of the lock that the claimant holds. */
    const waitsForClaim = () => {
      const isWaiting = async () => (await navigator.locks.query()).pending.some(({ mode }) => mode === "shared");
      return until(() => shop.run(isWaiting), "the second tab to wait");
    };

    for (const store of ["session", "default", "local"]) {
      test(`a second tab waits, and is told (${store})`, { timeout }, async () => {
        const { pending, callback } = await shop.approved({ store });
        await duplicate();
        const release = hold("responseHandler");
        const first = shop.finish(callback, store);
        await arrived(pending);
        const second = tab.finish(callback, store);
        await waitsForClaim();
        release();
        assertIssued(await first);
        assert.equal((await second).error?.code, "finished_elsewhere");
        assert.equal((await tab.finish(callback, store)).error?.code, "finished_elsewhere");
        assert.equal((await shop.finish(callback, store)).error?.code, "no_pending_grant");
        assert.equal(sentFor(pending).length, 1);
        assert.deepEqual(await shop.pending(store), []);
      });

      test(`a second tab goes on when the first has failed (${store})`, { timeout }, async () => {
        const { pending, callback } = await shop.approved({ store });
        await duplicate();
        let released = false;
        proxy.requestHandler = async () => {
          if (sentFor(pending).length > 1) return undefined;
          await until(() => released, "release");
          return { status: 503 };
        };
        const first = shop.finish(callback, store);
        await arrived(pending);
        const second = tab.finish(callback, store);
        await waitsForClaim();
        released = true;
        assert.equal((await first).error?.status, 503);
        assertIssued(await second);
        assert.equal(sentFor(pending).length, 2);
      });

      test(`a second tab goes on when the first has died (${store})`, { timeout }, async (t) => {
        const doomed = await openTab(t);
        const { pending, callback } = await doomed.approved({ store });
        const copy = await doomed.run(() => ({ ...sessionStorage }));
        await shop.run((copy) => Object.assign(sessionStorage, copy), copy);
        hold("requestHandler", () => sentFor(pending).length === 1);
        doomed.finish(callback, store).catch(() => {});
        await arrived(pending);
        const second = shop.finish(callback, store);
        await doomed.page.close();
        assertIssued(await second);
      });
    }

    test("a second tab goes on where the first was sent to", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const moved = { continue: { uri: `${pending.continue.uri}?moved`, access_token: { value: "another-token" } } };
      const release = hold("requestHandler");
      const held = proxy.requestHandler;
      proxy.requestHandler = async (passed) => {
        await held(passed);
        const isFirst = sentFor(pending).length === 1;
        return { status: 200, body: JSON.stringify(isFirst ? moved : { access_token: { value: "issued-at-last" } }) };
      };
      const first = shop.finish(callback);
      await arrived(pending);
      const second = tab.finish(callback);
      await waitsForClaim();
      release();
      assert.equal((await first).value.continue.uri, moved.continue.uri);
      assert.equal((await second).value?.access_token?.value, "issued-at-last");
      assert.equal(sentFor(pending).at(-1).headers.authorization, "GNAP another-token");
    });

    test("not after its token came, when the store has failed in between", { timeout }, async () => {
      const started = await shop.outcome(
        async (url, request) => {
          const store = lab.memoryStorage();
          const fails =
            (method) =>
            (...args) => {
              if (lab.isGone) throw new Error("the disk is gone");
              return store[method](...args);
            };
          const fetch = (...args) => globalThis.fetch(...args).finally(() => (lab.isGone = lab.isFinishing));
          lab.failing = await lab.clientWith({ store: { ...store, set: fails("set"), delete: fails("delete") }, fetch });
          return lab.failing.grant.start({ url }, request);
        },
        proxy.authServer,
        grantRequest(),
      );
      const callback = await approve(started.value);
      const finish = () =>
        shop.outcome((callback) => {
          lab.isFinishing = true;
          return lab.failing.grant.finish(callback);
        }, callback);
      assertIssued(await finish());
      assert.equal((await finish()).error?.code, "no_pending_grant");
      assert.equal(sentFor(started.value).length, 1);
    });

    test("what one tab keeps for its next caller is not asked for by another", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const release = await abandonFinish(pending, callback);
      release();
      await until(() => sentFor(pending)[0].responseBody, "the response");
      await until(async () => (await tab.finish(callback)).error?.code === "finished_elsewhere", "the other tab to be told");
      assertIssued(await shop.finish(callback));
      assert.equal(sentFor(pending).length, 1);
    });

    /**
     * Starts a grant in a store of its own, and leaves its finish when the request has come: in the page, `set` is called instead of the
     * store's own, `lab.alone` is the client, and `lab.entries()` are the entries. Returns the callback, and what releases the response.
     */
    async function leave(set) {
      await shop.run(`void (lab.set = ${set})`);
      const { value: pending } = await shop.outcome(
        async (url, request) => {
          const store = lab.memoryStorage();
          lab.entries = () => store.keys().map((name) => ({ name, ...store.get(name) }));
          lab.records = () => lab.entries().filter(({ name }) => name.includes(".pending."));
          lab.alone = await lab.clientWith({ store: { ...store, set: (name, value) => lab.set(store, name, value) } });
          return lab.alone.grant.start({ url }, request);
        },
        proxy.authServer,
        grantRequest(),
      );
      const callback = await approve(pending);
      const release = await abandon(
        (callback, signal) => lab.alone.grant.finish(callback, { signal }),
        callback,
        () => sentFor(pending).length >= 1,
      );
      return { callback, release };
    }

    const finishAlone = (callback) => shop.outcome((callback) => lab.alone.grant.finish(callback), callback);
    const noRecord = () => until(() => shop.run(() => lab.records().length === 0), "the record to be removed");

    test("rule 1: a response that is stored while it is handed over does not come back to the store", { timeout }, async () => {
      const { callback, release } = await leave(async (store, name, value) => {
        if (value.response) await new Promise((resolve) => (lab.store = resolve));
        return store.set(name, value);
      });
      release();
      await until(() => shop.run(() => Boolean(lab.store)), "the response to be stored");
      assertIssued(await finishAlone(callback));
      await shop.run(() => lab.store());
      await noRecord();
    });

    test("rule 1: a grant that was forgotten does not come back with its response", { timeout }, async () => {
      const { callback, release } = await leave((store, name, value) => store.set(name, value));
      await shop.run(() => lab.alone.grant.forget(lab.records()[0].id));
      release();
      await until(() => shop.run(() => lab.entries().some(({ state }) => state === "kept")), "the response to be kept");
      assert.deepEqual(await shop.run(() => lab.records()), []);
      assertIssued(await finishAlone(callback));
    });

    test("rule 7: a store that never says that a response is kept holds up nobody", { timeout }, async (t) => {
      const { callback, release } = await leave((store, name, value) => {
        if (value.state === "kept") return new Promise(() => (lab.isKept = true));
        return store.set(name, value);
      });
      t.after(() => shop.run(() => void (AbortSignal.timeout = lab.timeout)));
      await shop.run(() => {
        lab.timeout = AbortSignal.timeout;
        AbortSignal.timeout = (ms) => lab.timeout.call(AbortSignal, ms / 10);
      });
      release();
      await until(() => shop.run(() => lab.isKept === true), "the response to be kept");
      assertIssued(await finishAlone(callback));
      await noRecord();
      assert.equal((await finishAlone(callback)).error.code, "no_pending_grant");
    });

    for (const isStored of [true, false]) {
      const outcome = isStored ? "gets it" : "is told that it was lost, where the store has failed";
      test(`rule 1: what one tab keeps, and dies: another ${outcome}`, { timeout }, async (t) => {
        const doomed = await openTab(t);
        const { pending, callback } = await doomed.approved();
        const release = hold("responseHandler");
        const left = doomed.run((callback) => {
          lab.aborter = new AbortController();
          return lab.outcome(() => lab.client.grant.finish(callback, { signal: lab.aborter.signal }));
        }, callback);
        await arrived(pending);
        if (!isStored) {
          await doomed.run(() => {
            const { put } = IDBObjectStore.prototype;
            IDBObjectStore.prototype.put = function (value, ...key) {
              if (value.response) throw new Error("the disk is full");
              return put.call(this, value, ...key);
            };
          });
        }
        await doomed.run(() => lab.aborter.abort("left"));
        await left;
        release();
        await until(async () => (await shop.finish(callback)).error?.code === "finished_elsewhere", "the response to be kept");
        await doomed.page.close();
        let last;
        const isOver = async () => (last = await shop.finish(callback)).error?.code !== "finished_elsewhere";
        await until(isOver, "the lock of the page to be free");
        const { value, error } = last;
        if (isStored) assert.deepEqual(value, JSON.parse(sentFor(pending)[0].responseBody));
        else assert.match(error.message, /response was lost/);
        assert.equal(sentFor(pending).length, isStored ? 1 : 2);
        assert.deepEqual(await shop.pending(), []);
        assert.match((await shop.finish(callback)).error.code, /^(no_pending_grant|finished_elsewhere)$/);
      });
    }

    test("rule 1: what one tab keeps, and dies, without a token: another goes on where that one was sent to", { timeout }, async (t) => {
      const doomed = await openTab(t);
      const { pending, callback } = await doomed.approved();
      const moved = { continue: { uri: `${pending.continue.uri}?moved`, access_token: { value: "another-token" } } };
      const release = hold("requestHandler");
      const held = proxy.requestHandler;
      proxy.requestHandler = async (passed) => {
        await held(passed);
        return { status: 200, body: JSON.stringify(moved) };
      };
      const left = doomed.run((callback) => {
        lab.aborter = new AbortController();
        return lab.outcome(() => lab.client.grant.finish(callback, { signal: lab.aborter.signal }));
      }, callback);
      await arrived(pending);
      await doomed.run(() => lab.aborter.abort("left"));
      await left;
      release();
      await until(async () => (await shop.finish(callback)).error?.code === "finished_elsewhere", "the response to be kept");
      await doomed.page.close();
      proxy.requestHandler = () => ({ status: 401, body: '{"error":{"code":"request_denied","description":"no"}}' });
      let error;
      const isOver = async () => (error = (await shop.finish(callback)).error).code !== "finished_elsewhere";
      await until(isOver, "the lock of the page to be free");
      assert.equal(sentFor(pending).at(-1).url, moved.continue.uri);
      assert.equal(sentFor(pending).at(-1).headers.authorization, "GNAP another-token");
      assert.equal(error.code, "request_denied");
      assert.doesNotMatch(error.message, /response was lost/);
    });

    test("a second tab does not wait beyond its deadline", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const release = hold("responseHandler");
      const first = shop.finish(callback);
      await arrived(pending);
      const { error } = await tab.outcome(
        async (callback) => (await lab.clientWith({ requestTimeoutMs: 700 })).grant.finish(callback),
        callback,
      );
      assert.equal(error.code, "timeout");
      assert.match(error.message, /Nothing was sent/);
      release();
      assertIssued(await first);
    });

    test("request_denied after an attempt whose response was lost is not the person's no", { timeout }, async () => {
      const { callback } = await shop.approved();
      proxy.responseHandler = () => {
        throw new Error("broken off");
      };
      assert.equal((await shop.finish(callback)).error.code, "network_error");
      proxy.responseHandler = undefined;
      const { error } = await shop.finish(callback);
      assert.equal(error.code, "request_denied");
      assert.match(error.message, /response was lost/);
      assert.deepEqual(await shop.pending(), []);
    });

    test("request_denied without such an attempt says nothing of it", { timeout }, async () => {
      const { callback } = await shop.approved();
      proxy.requestHandler = () => ({ status: 401, body: '{"error":{"code":"request_denied","description":"no"}}' });
      const { error } = await shop.finish(callback);
      assert.doesNotMatch(error.message, /lost/);
    });
  });

  describe("rule 2: what comes back without a proof changes nothing", () => {
    const results = {
      grant_rejected: "interaction_rejected",
      grant_invalid: "interaction_failed",
      invalid_interaction: "interaction_failed",
      whatever: "interaction_failed",
      "": "interaction_failed",
    };
    for (const [result, code] of Object.entries(results)) {
      test(`?result=${result}`, { timeout }, async () => {
        const { callback } = await shop.approved();
        const message = `too late\u2028\u202enow ${"x".repeat(1000)}`;
        const forged = withParameters(callback, { hash: undefined, interact_ref: undefined, result, message });
        const [{ error }, sent] = await during(proxy, () => shop.finish(forged));
        assert.equal(error.code, code);
        assert.deepEqual(sent, []);
        assert.match(error.message, /too late now x/);
        assert.ok(error.message.length < 700);
        if (code === "interaction_failed") assert.match(error.message, /may still be approved/);
        assert.equal((await shop.pending()).length, 1);
        assert.equal(await shop.run((url) => lab.cleanCallbackUrl(url), forged), shop.finishUri);
        assertIssued(await shop.finish(callback));
      });
    }
  });

  describe("which grant a callback is for is decided by the hash", () => {
    const spellings = {
      "a slash more": (url) => url.replace("/blank.html?", "/blank.html/?"),
      "another page": (url) => url.replace("/blank.html", "/index.html"),
      "another host": (url) => url.replace("127.0.0.1", "www.localhost"),
      "parameters after #": (url) => url.replace("?", "#/callback?"),
      "parameters as the fragment": (url) => url.replace("?", "#"),
      "a + that is not percent-encoded": (url) => url.replaceAll("%2B", "+"),
      "a space": (url) => url.replaceAll("%2B", "%20"),
      base64url: (url) => url.replaceAll("%2B", "-").replaceAll("%2F", "_").replaceAll("%3D", ""),
    };
    for (const [what, spell] of Object.entries(spellings)) {
      test(what, { timeout }, async () => {
        let found;
        for (let i = 0; !found && i < 30; i++) {
          const { callback } = await shop.approved();
          if (spell(callback) !== callback) found = callback;
        }
        const spelled = spell(found);
        assertIssued(await shop.finish(spelled));
        const clean = await shop.run((url) => lab.cleanCallbackUrl(url), spelled);
        assert.doesNotMatch(clean, /interact_ref|hash=/);
      });
    }
  });

  describe("rule 8: what is shared is shared by those for whom it is right", () => {
    test("a call whose store has the grant does not fail with another's whose store has not", { timeout }, async () => {
      const { callback } = await shop.approved();
      const outcomes = await shop.run(async (callback) => {
        const empty = await lab.clientWith({ store: lab.memoryStorage() });
        return Promise.all([empty, lab.client].map((client) => lab.outcome(() => client.grant.finish(callback))));
      }, callback);
      assert.equal(outcomes[0].error.code, "no_pending_grant");
      assertIssued(outcomes[1]);
    });

    test("options that are null are named", { timeout }, async () => {
      const messages = await shop.run(async () => {
        const { grant } = lab.client;
        const calls = [
          () => grant.finish("https://a.example/?interact_ref=a", null),
          () => grant.pending(null),
          () => grant.forget("id", null),
          () => grant.start({}, {}, null),
        ];
        return Promise.all(calls.map((call) => call().catch(String)));
      });
      assert.deepEqual(messages, Array(4).fill('TypeError: "options" must be an object'));
    });

    test("a finish URI may have a parameter of the name of one of the wallet's", { timeout }, async () => {
      const { callback } = await shop.approved({ finish: { uri: `${shop.finishUri}?hash=own` } });
      const { searchParams } = new URL(callback);
      const added = new URLSearchParams({ interact_ref: searchParams.get("interact_ref"), hash: searchParams.getAll("hash").at(-1) });
      const both = `${shop.finishUri}?hash=own&${added}`;
      assertIssued(await shop.finish(both));
    });
  });

  describe("cancel", () => {
    test("forgets the grant that has both its URI and its token", { timeout }, async () => {
      const [kept, cancelled] = [await shop.approved(), await shop.approved()];
      await shop.run((target) => lab.client.grant.cancel(target), continuation(cancelled.pending));
      assert.equal((await shop.pending()).length, 1);
      assert.equal((await shop.finish(cancelled.callback)).error.code, "hash_mismatch");
      assertIssued(await shop.finish(kept.callback));
    });

    test("rejects with the server's code, forgets nothing for a wrong token, and resolves if asked to", { timeout }, async () => {
      const { pending, callback } = await shop.approved();
      const target = { ...continuation(pending), accessToken: "wrong-token" };
      const cancel = (options) => shop.outcome((target, options) => lab.client.grant.cancel(target, options), target, options);
      assert.equal((await cancel({})).error?.code, "invalid_continuation");
      assert.equal((await cancel({ ignoreGone: true })).error, undefined);
      assertIssued(await shop.finish(callback));
    });
  });

  describe("start refuses what could not be continued", () => {
    const good = {
      interact: { redirect: "https://wallet.example/", finish: "nonce" },
      continue: { uri: "https://wallet.example/c", access_token: { value: "token" } },
    };
    const wrong = {
      "no nonce": { ...good, interact: { redirect: "https://wallet.example/" } },
      "a token with a space": { ...good, continue: { ...good.continue, access_token: { value: "a token" } } },
      "a token with a line break": { ...good, continue: { ...good.continue, access_token: { value: "a\ntoken" } } },
      "a token that is not ASCII": { ...good, continue: { ...good.continue, access_token: { value: "tökén" } } },
      "no token": { ...good, continue: { uri: good.continue.uri } },
      "a URI of another scheme": { ...good, continue: { ...good.continue, uri: "javascript:alert(1)" } },
      "plain http": { ...good, continue: { ...good.continue, uri: "http://wallet.example/c" } },
      "a relative URI": { ...good, continue: { ...good.continue, uri: "/c" } },
    };
    for (const [what, response] of Object.entries(wrong)) {
      test(what, { timeout }, async () => {
        const { error } = await shop.outcome(
          async (response, request) => {
            const fetch = async () => Response.json(response);
            return (await lab.clientWith({ fetch })).grant.start({ url: "https://wallet.example/auth" }, request);
          },
          response,
          grantRequest(),
        );
        assert.equal(error?.code, "invalid_response");
        assert.deepEqual(await shop.pending(), []);
      });
    }
  });

  test("rule 5: start at its deadline says that the request was sent", { timeout }, async () => {
    const { error } = await shop.outcome(async (request) => {
      const { grant } = await lab.clientWith({ fetch: () => new Promise(() => {}), requestTimeoutMs: 1000 });
      return grant.start({ url: "https://wallet.example/auth" }, request);
    }, grantRequest());
    assert.equal(error?.code, "timeout");
    assert.match(error.message, /server did not answer/);
    assert.doesNotMatch(error.message, /Nothing was sent/);
  });

  describe("rule 7: nobody waits for others without a bound", () => {
    test("a page that stands still after start, or in the middle of finish, keeps nobody else", { timeout }, async (t) => {
      const frozen = await openTab(t);
      frozen.page
        .evaluate(
          `(async () => {
          await lab.client.grant.start({ url: ${JSON.stringify(proxy.authServer)} }, ${JSON.stringify(grantRequest())});
          for (;;); // as an alert that nobody closes
        })()`,
        )
        .catch(() => {});
      await until(async () => (await shop.pending()).length === 1, "the frozen tab's grant");
      const { callback } = await shop.approved();
      assertIssued(await shop.finish(callback));
      const [{ id }] = await shop.pending();
      await shop.run((id) => lab.client.grant.forget(id), id);
      assert.deepEqual(await shop.pending(), []);
    });

    test("a store that never answers", { timeout }, async () => {
      const { callback } = await shop.approved();
      const [codes, sent] = await during(proxy, () =>
        shop.run(
          async (callback, url, request) => {
            const never = () => new Promise(() => {});
            const codes = [];
            for (const broken of ["get", "set", "keys", "delete"]) {
              const store = { ...lab.memoryStorage(), [broken]: never };
              const { grant } = await lab.clientWith({ store, requestTimeoutMs: 200 });
              const calls = [
                () => grant.finish(callback),
                () => grant.pending(),
                () => grant.forget("id"),
                () => (broken === "delete" ? undefined : grant.start({ url }, request)),
              ];
              for (const call of calls) codes.push((await lab.outcome(call)).error?.code ?? "done");
            }
            return codes;
          },
          callback,
          proxy.authServer,
          grantRequest(),
        ),
      );
      assert.deepEqual(sent, []);
      assert.deepEqual(codes, [
        "no_pending_grant",
        "done",
        "done",
        "timeout", // get: there are no keys to be read
        "no_pending_grant",
        "done",
        "done",
        "timeout",
        "timeout",
        "timeout",
        "done",
        "timeout",
        "no_pending_grant",
        "done",
        "timeout",
        "done",
      ]);
    });

    test("an abort ends the wait for a store, with its own reason", { timeout }, async () => {
      const same = await shop.run(
        async (url, request) => {
          const never = () => new Promise(() => {});
          const { grant } = await lab.clientWith({ store: { get: never, set: never, delete: never, keys: never } });
          const reason = new Error("enough");
          const signal = () => {
            const aborter = new AbortController();
            setTimeout(() => aborter.abort(reason), 50);
            return aborter.signal;
          };
          const calls = [
            grant.start({ url, signal: signal() }, request),
            grant.finish("https://a.example/?interact_ref=a&hash=b", { signal: signal() }),
            grant.pending({ signal: signal() }),
            grant.forget("id", { signal: signal() }),
          ];
          return (await Promise.allSettled(calls)).map((outcome) => outcome.reason === reason);
        },
        proxy.authServer,
        grantRequest(),
      );
      assert.deepEqual(same, [true, true, true, true]);
    });

    test("cancel waits for a store no longer than its signal and its deadline", { timeout }, async () => {
      const took = await shop.run(async () => {
        const aborter = new AbortController();
        const keys = () => {
          setTimeout(() => aborter.abort(), 50); // now the server has cancelled the grant, and the store is asked
          return new Promise(() => {});
        };
        const store = { ...lab.memoryStorage(), keys };
        const fetch = async () => new Response(null, { status: 204 });
        const { grant } = await lab.clientWith({ store, fetch, requestTimeoutMs: 20_000 });
        const began = performance.now();
        await grant.cancel({ url: "https://wallet.example/c", accessToken: "some-token", signal: aborter.signal });
        return performance.now() - began;
      });
      assert.ok(took < 5000, `${took} ms`);
    });

    test("the token does not wait for a store that cannot forget", { timeout }, async () => {
      const outcome = await shop.outcome(
        async (url, request) => {
          const store = lab.memoryStorage();
          lab.stuck = await lab.clientWith({ store: { ...store, delete: () => new Promise(() => {}) }, requestTimeoutMs: 4000 });
          return lab.stuck.grant.start({ url }, request);
        },
        proxy.authServer,
        grantRequest(),
      );
      assert.equal(outcome.error, undefined);
      const callback = await approve(outcome.value);
      assertIssued(await shop.outcome((callback) => lab.stuck.grant.finish(callback), callback));
    });
  });

  describe("rule 4: what can fail here fails before anything is sent", () => {
    const broken = {
      "throws when written to": "{ ...store, set() { throw new Error('the disk is gone'); } }",
      "rejects when written to": "{ ...store, set: async () => { throw new Error('the disk is gone'); } }",
      "is full": "{ ...store, set() { throw new DOMException('no room', 'QuotaExceededError'); } }",
      "throws when read": "{ ...store, get() { throw new Error('the disk is gone'); } }",
      "returns junk": "{ ...store, get: () => 'junk' }",
      "forgets at once": "{ ...store, set() {} }",
      "cannot list": "{ ...store, keys: () => 7 }",
      "throws in the middle of its list": "{ ...store, *keys() { yield 'a'; throw new Error('the disk is gone'); } }",
      "throws when it is looked at": "{ ...store, get keys() { throw new Error('the disk is gone'); } }",
      "throws when it is asked whether it can add": "{ ...store, get add() { throw new Error('the disk is gone'); } }",
      "throws when it lists": "{ ...store, keys() { throw 7; } }",
    };
    for (const [what, expression] of Object.entries(broken)) {
      test(`a store that ${what}`, { timeout }, async () => {
        const [{ error }, sent] = await during(proxy, () =>
          shop.outcome(
            async (expression, url, request) => {
              const store = new Function("store", `return ${expression}`)(lab.memoryStorage());
              return lab.client.grant.start({ url }, request, { store });
            },
            expression,
            proxy.authServer,
            grantRequest(),
          ),
        );
        assert.equal(error?.code, "storage_error");
        assert.ok(error.cause);
        assert.match(error.message, /memoryStorage\(\)/);
        assert.deepEqual(sent, []);
      });
    }

    test("a connection to IndexedDB that the browser has closed is opened again", { timeout }, async (t) => {
      const { callback } = await shop.approved();
      const tab = await openTab(t);
      await tab.run(async () => {
        const { transaction } = IDBDatabase.prototype;
        let first;
        IDBDatabase.prototype.transaction = function (...args) {
          first ??= this;
          if (this === first && lab.isClosed) throw new DOMException("The database connection is closing.", "InvalidStateError");
          return transaction.apply(this, args);
        };
        await lab.client.grant.pending();
        lab.isClosed = true;
      });
      assertIssued(await tab.finish(callback));
      assert.deepEqual(await tab.pending(), []);
    });

    test("a claim that another tab was first to add is no fault of the store", { timeout }, async (t) => {
      const { callback } = await shop.approved();
      const tab = await openTab(t);
      await tab.run(() => {
        const { add, put } = IDBObjectStore.prototype;
        IDBObjectStore.prototype.add = function (value, key) {
          IDBObjectStore.prototype.add = add;
          put.call(this, value, key);
          lab.wasFirst = true;
          return add.call(this, value, key);
        };
      });
      assertIssued(await tab.finish(callback));
      assert.equal(await tab.run(() => lab.wasFirst), true);
    });

    // Only Chromium can be told how much room an origin has. With the last write, the transaction ends before its request does.
    if (name === "Chromium")
      test("a disk without room: storage_error at once", { timeout }, async (t) => {
        const profile = await browser.createBrowserContext();
        t.after(() => profile.close());
        const tab = await Shop.at(proxy, profile, site);
        await publishKey(proxy, "shop", shop.publicJwk, tab.publicJwk); // a profile has a key of its own
        const session = await tab.page.createCDPSession();
        await session.send("Storage.overrideQuotaForOrigin", { origin: site.origin, quotaSize: 200_000 });
        const error = await tab.run(
          async (url, request) => {
            const { grant } = await lab.clientWith({ requestTimeoutMs: 5000 });
            for (;;) {
              const { error } = await lab.outcome(() => grant.start({ url }, request));
              if (error) return error;
            }
          },
          proxy.authServer,
          grantRequest(),
        );
        assert.deepEqual([error.code, error.cause?.name], ["storage_error", "QuotaExceededError"], error.message);
      });

    test("if it fails after the request, the error carries the record, and finish takes it", { timeout }, async () => {
      const carried = await shop.run(
        async (url, request) => {
          let writes = 0;
          const store = lab.memoryStorage();
          const set = (key, value) => {
            if (++writes > 1) throw new Error("the disk is gone");
            return store.set(key, value);
          };
          const error = await lab.client.grant.start({ url }, request, { store: { ...store, set } }).catch((error) => error);
          lab.carried = error.pending;
          return { code: error.code, json: JSON.stringify(error), pending: error.pending, responseText: error.responseText };
        },
        proxy.authServer,
        grantRequest(),
      );
      assert.equal(carried.code, "storage_error");
      assert.ok(carried.pending.clientNonce);
      assert.ok(!carried.json.includes(carried.pending.clientNonce), "it is not enumerable");
      const callback = await approve(JSON.parse(carried.responseText));
      assertIssued(await shop.outcome((callback) => lab.client.grant.finish(callback, { pending: lab.carried }), callback));
      const { error } = await shop.outcome((callback) => lab.client.grant.finish(callback, { pending: { id: "x" } }), callback);
      assert.match(error.message, /^"pending" must be /);
    });

    test("a signal that is none", { timeout }, async () => {
      const { callback } = await shop.approved();
      const [messages, sent] = await during(proxy, () =>
        shop.run(
          async (callback, url, request) => {
            const { grant } = lab.client;
            const messages = [];
            for (const signal of [{}, 5, "x", { aborted: true }]) {
              const calls = [
                () => grant.finish(callback, { signal }),
                () => grant.pending({ signal }),
                () => grant.forget("id", { signal }),
                () => grant.start({ url, signal }, request),
              ];
              for (const call of calls) messages.push((await lab.outcome(call)).error?.message);
            }
            await new Promise((resolve) => setTimeout(resolve, 300));
            return messages;
          },
          callback,
          proxy.authServer,
          grantRequest(),
        ),
      );
      assert.deepEqual([...new Set(messages)], ['"signal" must be an AbortSignal']);
      assert.deepEqual(sent, []);
      assertIssued(await shop.finish(callback));
    });

    test("no random numbers", { timeout }, async (t) => {
      const tab = await openTab(t);
      const [{ error }, sent] = await during(proxy, () =>
        tab.outcome(
          (url, request) => {
            crypto.getRandomValues = () => {
              throw new Error("no entropy");
            };
            return lab.client.grant.start({ url }, request);
          },
          proxy.authServer,
          grantRequest(),
        ),
      );
      assert.equal(error.code, "random_unavailable");
      assert.deepEqual(sent, []);
    });
  });

  describe("where storage and locks are denied", () => {
    test("a sandboxed frame: storage_error names memoryStorage(), which works", { timeout }, async (t) => {
      const tab = await openTab(t);
      const result = await tab.run(
        (dist, clients, url, request) =>
          new Promise((resolve) => {
            addEventListener("message", ({ data }) => data?.of === "frame" && resolve(data.result));
            const frame = document.createElement("iframe");
            frame.sandbox = "allow-scripts";
            frame.srcdoc = `<script type="module">
            import { createAuthenticatedClient, generateKey, memoryStorage, publicJwk } from "${dist}";
            const key = await generateKey();
            const client = await createAuthenticatedClient({ walletAddressUrl: "https://client.example/", key });
            const own = { jwk: publicJwk(key) };
            const result = {};
            const request = ${JSON.stringify(request)};
            await client.grant.start({ url: "${url}" }, request).catch(({ code, message }) => Object.assign(result, { code, message }));
            const store = memoryStorage();
            const interact = { redirect: "https://w.example/", finish: "n" };
            const next = { uri: "https://w.example/c", access_token: { value: "token" } };
            const fetch = async () => Response.json({ interact, continue: next });
            const memory = await createAuthenticatedClient({ walletAddressUrl: "https://client.example/", key, store, fetch });
            await memory.grant.start({ url: "${url}" }, request);
            result.pending = (await memory.grant.pending()).length;
            const wrong = await memory.grant.finish("https://a.example/?interact_ref=a&hash=b").catch(({ code }) => code);
            parent.postMessage({ of: "frame", result: { ...result, wrong } }, "*");
          <\/script>`;
            document.body.append(frame);
          }),
        `${site.origin}/dist/index.js`,
        proxy.clients,
        proxy.authServer,
        grantRequest(),
      );
      assert.equal(result.code, "storage_error");
      assert.match(result.message, /memoryStorage\(\)/);
      assert.equal(result.pending, 1);
      assert.equal(result.wrong, "hash_mismatch");
    });
  });
});
