// A grant that stays usable: its token is rotated once for all, and whatever happens to a tab meanwhile, the grant is usable
// afterwards or the error says why.

import assert from "node:assert/strict";
import { afterEach, before, describe, test } from "node:test";
import { Shop } from "./harness/grants.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { assertSilent, Lab } from "./harness/lab.mjs";
import { startSandbox } from "./harness/sandbox.mjs";
import { until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";
import { addSteps, kills } from "./harness/steps.mjs";
import { cameFor, refused, startTokens } from "./harness/tokens.mjs";

const timeout = 120_000;

/** A page with a client, and in `lab` what the tests call: each function takes the name of a grant, and { url, … } of its server. */
class Tab extends Lab {
  static async open(browser, site) {
    const tab = Object.assign(Object.create(Tab.prototype), await Lab.open(browser, site));
    await tab.run(setUp);
    return tab;
  }

  /** Keeps a grant, and returns what became of it. */
  keep({ grant }, options = {}) {
    return this.outcome(async (grant, options) => void (await lab.keep(grant, options)), grant, options);
  }

  /** Opens a grant that is kept; resolves with whether there is one. */
  opens(name, options = {}) {
    return this.run((options) => lab.open(options), { ...options, name });
  }

  /** Makes a call with a grant that was kept or opened here: one of lab.calls. */
  call(name, { url }, call = "spent", ...args) {
    return this.outcome((name, url, call, args) => lab.calls[call](lab.kept[name], url, ...args), name, url, call, args);
  }

  token(name) {
    return this.run(async (name) => (await lab.kept[name].grant()).access_token, name);
  }
}

/** Runs in the page. `store` of options is the name of one of lab.stores. */
async function setUp() {
  lab.clientWith = (options) =>
    lab.createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/shop", key: lab.key, ...options });
  lab.client = await lab.clientWith({});
  lab.kept = {};
  lab.stores = { local: lab.webStorage(localStorage), memory: lab.memoryStorage() };
  const resolved = ({ store, ...options }) => ({ ...options, store: lab.stores[store] });
  lab.keep = async (grant, { client = lab.client, ...options }) => {
    const kept = await client.withGrant(grant, resolved(options));
    return (lab.kept[kept.name] = kept);
  };
  lab.open = async ({ client = lab.client, ...options }) => {
    const kept = await client.withGrant(resolved(options));
    if (kept) lab.kept[kept.name] = kept;
    return kept !== undefined;
  };
  const walletAddress = "https://wallet.example/me";
  lab.calls = {
    spent: (kept, url, signal) => kept.outgoingPayment.getGrantSpentAmounts({ url, signal }),
    pay: (kept, url, quoteId = "q", signal) =>
      kept.outgoingPayment.create({ url, signal }, { walletAddress, quoteId: `${url}/${quoteId}` }),
    payTwice: (kept, url) => {
      const debitAmount = { value: "1", assetCode: "EUR", assetScale: 2 };
      const pay = () => kept.outgoingPayment.create({ url }, { walletAddress, incomingPayment: `${url}/incoming-payments/1`, debitAmount });
      return Promise.all([pay(), pay()]);
    },
    all: async (kept, url) => {
      let count = 0;
      for await (const _ of kept.outgoingPayment.all({ url, walletAddress })) count += 1;
      return count;
    },
    revoke: (kept) => kept.revoke(),
  };
  lab.edit = async (edit) => {
    const done = (request) =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const database = await done(indexedDB.open("open-payments-wasm.journal", 1));
    const entries = database.transaction("entries", "readwrite").objectStore("entries");
    for (const key of await done(entries.getAllKeys())) {
      if (key.includes(".grant.")) await done(entries.put(edit(await done(entries.get(key))), key));
    }
    database.close();
  };
  lab.find = async (name) => {
    let found = null;
    await lab.edit((record) => {
      if (record.id === name) found = record;
      return record;
    });
    return found;
  };
}

/** Runs in the page: keeps a grant, pays with it, which rotates its token, and revokes it, up to step `last`. */
function live(grant, url, name, last) {
  return lab.untilStep(last, async (client) => {
    const kept = await client.withGrant(grant, { name });
    await lab.calls.pay(kept, url);
    await kept.revoke();
    await new Promise((resolve) => setTimeout(resolve, 500)); // nobody waits for the end of the last claim
  });
}

describeInBrowsers({ timeout: 5 * timeout }, ({ name: browserName, launch, start }) => {
  let browser, site, server, tab, other;
  let count = 0;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite(), startTokens());
    [tab, other] = [await Tab.open(browser, site), await Tab.open(browser, site)];
  });

  afterEach(() => {
    server.requestHandler = server.responseHandler = undefined;
  });

  const newName = () => `grant ${++count}`;

  /** Issues a grant and keeps it in the first tab. Returns what the server knows of it, and its name. */
  async function kept({ store, ...options } = {}) {
    const account = server.issue(options);
    const name = newName();
    assert.deepEqual(await tab.keep(account, { name, store }), {});
    return { account, name };
  }

  /** The same in both tabs. */
  async function keptByBoth(options) {
    const { account, name } = await kept(options);
    assert.equal(await other.opens(name), true);
    return { account, name };
  }

  const assertSpent = ({ value, error }) => {
    assert.equal(error, undefined, error?.message);
    assert.deepEqual(value, { spentDebitAmount: null, spentReceiveAmount: null });
  };

  const assertFailed = ({ error }, code, words = /./) => {
    assert.equal(error?.kind, "OpenPaymentsClientError", JSON.stringify(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, words);
  };

  /** Holds back requests of a kind, or their responses. Returns what lets them go. */
  function hold(which, kind) {
    let release;
    const released = new Promise((resolve) => {
      release = resolve;
    });
    server[which] = async (request) => {
      if (request.kind === kind) await released;
    };
    return release;
  }

  const came = (account, what, times = 1) =>
    until(() => cameFor(account).filter((it) => it === what).length >= times, `${times} times ${what}`);

  /** Breaks off the connection of every request of a kind: before it is looked at, or once it is answered. */
  function lose(which, kind) {
    server[which] = (request) => {
      if (request.kind === kind) throw new Error("broken off");
    };
  }

  const expireByTime = () => tab.run(() => lab.edit((record) => ({ ...record, since: 0 })));
  const markOf = async (name) => tab.run(async (name) => (await lab.find(name)).begun ?? null, name);

  describe("one rotation", () => {
    test("three calls at once on an inactive token: three results", { timeout }, async () => {
      const { account, name } = await kept();
      const release = hold("requestHandler", "call");
      const calls = [tab.call(name, account), tab.call(name, account, "pay"), tab.call(name, account, "payTwice")];
      await came(account, "call 0", 4);
      release();
      const [spent, paid, twice] = await Promise.all(calls);
      assertSpent(spent);
      assert.equal(paid.value?.walletAddress, "https://wallet.example/me", paid.error?.message);
      assert.notEqual(twice.value?.[0].id, twice.value?.[1].id);
      assert.deepEqual(cameFor(account).sort(), [...Array(4).fill("call 0"), ...Array(4).fill("call 1"), "rotate 0"]);
      assert.equal(account.payments, 3);
      assert.equal((await tab.token(name)).value, "token-of-grant-" + account.id + "-1");
    });

    test("two tabs at once", { timeout }, async () => {
      const { account, name } = await keptByBoth();
      const release = hold("requestHandler", "call");
      const calls = [tab.call(name, account), other.call(name, account, "pay")]; // of two equal ones Chromium would hold back one
      await came(account, "call 0", 2);
      release();
      const [spent, paid] = await Promise.all(calls);
      assertSpent(spent);
      assert.equal(paid.error, undefined, paid.error?.message);
      assert.deepEqual(cameFor(account).sort(), ["call 0", "call 0", "call 1", "call 1", "rotate 0"]);
    });

    test("a tab whose call is refused while another rotates waits for that", { timeout }, async () => {
      const { account, name } = await keptByBoth();
      const release = hold("responseHandler", "rotate");
      const first = tab.call(name, account);
      await came(account, "rotate 0");
      const second = other.call(name, account);
      await came(account, "call 0", 2);
      release();
      for (const outcome of await Promise.all([first, second])) assertSpent(outcome);
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 0", "call 1", "call 1"]);
    });

    test("a page and a worker at once", { timeout }, async () => {
      const { account, name } = await kept();
      const release = hold("requestHandler", "call");
      const inPage = tab.call(name, account, "pay");
      const inWorker = tab.run(
        (name, url) =>
          new Promise((resolve) => {
            const source = `
            import { createAuthenticatedClient, generateKey } from "${location.origin}/dist/index.js";
            const key = await generateKey({ keyId: "${lab.key.keyId}" });
            const client = await createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/shop", key });
            const kept = await client.withGrant({ name: "${name}" });
            const call = kept.outgoingPayment.getGrantSpentAmounts({ url: "${url}" });
            postMessage(await call.then((value) => ({ value }), ({ message }) => ({ error: { message } })));`;
            const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
            worker.onmessage = ({ data }) => resolve(data);
            worker.onerror = () => resolve({ error: { message: "the worker failed" } });
          }),
        name,
        account.url,
      );
      await came(account, "call 0", 2);
      release();
      assert.equal((await inPage).error, undefined);
      assertSpent(await inWorker);
      assert.equal(cameFor(account).filter((what) => what === "rotate 0").length, 1);
    });

    test("equal calls share a request, before and after", { timeout }, async () => {
      const { account, name } = await kept();
      const release = hold("requestHandler", "call");
      const outcomes = tab.run(
        (name, url) => Promise.all([1, 2, 3].map(() => lab.outcome(() => lab.calls.spent(lab.kept[name], url)))),
        name,
        account.url,
      );
      await came(account, "call 0");
      release();
      for (const outcome of await outcomes) assertSpent(outcome);
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1"]);
    });

    test("a list goes on with the new token", { timeout }, async () => {
      const { account, name } = await kept({ isActive: true });
      server.responseHandler = ({ kind, url }) => {
        if (kind === "call" && !url.includes("cursor=")) account.isActive = false;
      };
      assert.deepEqual(await tab.call(name, account, "all"), { value: 0 });
      assert.deepEqual(cameFor(account), ["call 0", "call 0", "rotate 0", "call 1"]);
    });
  });

  describe("when", () => {
    test("the time of the token is over: before the call is sent", { timeout }, async () => {
      const { account, name } = await kept({ isActive: true });
      assertSpent(await tab.call(name, account));
      await expireByTime();
      assertSpent(await tab.call(name, account));
      assertSpent(await tab.call(name, account));
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1", "call 1"]);
    });

    const unknown = { "401 with a code": [401, "teapot"], "403 with its status": [403, "403"], "403 without one": [403, undefined] };
    for (const [what, [status, code]] of Object.entries(unknown)) {
      const respond = ({ kind, number }) =>
        kind === "call" && number === 0 ? { status, body: { error: { code, description: "Who are you?" } } } : undefined;

      test(`words that nobody knows (${what}): not before its time is over`, { timeout }, async () => {
        const { account, name } = await kept({ isActive: true });
        server.requestHandler = respond;
        assert.equal((await tab.call(name, account)).error?.status, status);
        assert.deepEqual(cameFor(account), ["call 0"]);
      });

      test(`words that nobody knows (${what}): when its time was over meanwhile`, { timeout }, async () => {
        const { account, name } = await kept({ isActive: true, expires_in: 1 });
        server.requestHandler = async (request) => {
          if (request.number === 0) await new Promise((resolve) => setTimeout(resolve, 1100));
          return respond(request);
        };
        assertSpent(await tab.call(name, account));
        assert.equal(cameFor(account).filter((it) => it === "rotate 0").length, 1);
      });
    }

    test("words that say something else: never", { timeout }, async () => {
      const { account, name } = await kept({ isActive: true, expires_in: 1 });
      server.requestHandler = async () => {
        await new Promise((resolve) => setTimeout(resolve, 1100));
        return { status: 403, body: { error: { code: "403", description: "Insufficient Grant" } } };
      };
      assertFailed(await tab.call(name, account), "insufficient_grant");
      assert.deepEqual(cameFor(account), ["call 0"]);
    });

    for (const status of [500, 503]) {
      test(`what may have been done is not sent again (${status})`, { timeout }, async () => {
        const { account, name } = await kept({ isActive: true });
        server.responseHandler = () => ({ status });
        const { error } = await tab.call(name, account, "pay");
        assert.deepEqual([error?.status, error?.retryable], [status, false]);
        assert.deepEqual(cameFor(account), ["call 0"]);
      });
    }

    test("a token that is refused after a rotation is not rotated again by the same call", { timeout }, async () => {
      const { account, name } = await kept();
      server.responseHandler = ({ kind }) => {
        if (kind === "rotate") account.isActive = false;
      };
      assertFailed(await tab.call(name, account), "inactive_token");
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1"]);
    });
  });

  describe("a rotation that fails", () => {
    test("refused: the person must be asked again, and the grant is not thrown away", { timeout }, async () => {
      const { account, name } = await kept();
      server.requestHandler = ({ kind }) => (kind === "rotate" ? refused : undefined);
      for (const _ of [1, 2]) {
        const outcome = await tab.call(name, account);
        assertFailed(outcome, "grant_expired", /refuses to rotate.*Ask for a new grant/);
        assert.doesNotMatch(outcome.error.message, /lost/);
        assert.match(outcome.error.cause.message, /invalid_client/);
        assert.equal(outcome.error.retryable, false);
      }
      server.requestHandler = undefined;
      assertSpent(await tab.call(name, account));
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 0", "rotate 0", "call 0", "rotate 0", "call 1"]);
    });

    test("its response is lost, and it was done: the next use says that the token is lost", { timeout }, async () => {
      const { account, name } = await keptByBoth();
      lose("responseHandler", "rotate");
      const outcome = await tab.call(name, account);
      assertFailed(outcome, "network_error", /processed nothing of this call. Make it again/);
      assert.equal(outcome.error.retryable, true);
      server.responseHandler = undefined;
      for (const one of [other, tab])
        assertFailed(await one.call(name, account), "grant_expired", /response was lost.*Ask for a new grant/);
    });

    test("its response is lost, and it was not done: the next use goes on", { timeout }, async () => {
      const { account, name } = await keptByBoth();
      lose("requestHandler", "rotate");
      assertFailed(await tab.call(name, account), "network_error");
      server.requestHandler = undefined;
      assertSpent(await other.call(name, account));
    });

    test(
      "its response is lost, and the old token works: nothing was rotated, and nothing is said to be lost later",
      { timeout },
      async () => {
        const { account, name } = await kept();
        lose("requestHandler", "rotate");
        assertFailed(await tab.call(name, account), "network_error");
        assert.equal(await markOf(name), "rotate");
        account.isActive = true;
        server.requestHandler = undefined;
        assertSpent(await tab.call(name, account));
        await until(async () => (await markOf(name)) === null, "the mark to go");
        account.isActive = false;
        server.requestHandler = ({ kind }) => (kind === "rotate" ? refused : undefined);
        const outcome = await tab.call(name, account);
        assertFailed(outcome, "grant_expired");
        assert.doesNotMatch(outcome.error.message, /lost/);
      },
    );

    test("with a fault of the server: nobody knows, and the next use finds out", { timeout }, async () => {
      const { account, name } = await kept();
      server.responseHandler = ({ kind }) => (kind === "rotate" ? { status: 502 } : undefined);
      const { error } = await tab.call(name, account);
      assert.deepEqual([error.status, error.retryable], [502, true]);
      server.responseHandler = undefined;
      assertFailed(await tab.call(name, account), "grant_expired", /response was lost/);
    });

    test("success without a token: the response is not thrown away", { timeout }, async () => {
      const { account, name } = await kept();
      server.responseHandler = ({ kind }) => (kind === "rotate" ? { body: { access_token: { value: "of no use" } } } : undefined);
      const { code, responseText } = await tab.run(
        async (name, url) => {
          const { code, responseText } = await lab.calls.spent(lab.kept[name], url).catch((error) => error);
          return { code, responseText };
        },
        name,
        account.url,
      );
      assert.equal(code, "invalid_response");
      assert.match(responseText, /of no use/);
    });
  });

  describe("revoke", () => {
    test("in one tab ends it for all", { timeout }, async () => {
      const { account, name } = await keptByBoth();
      assertSpent(await other.call(name, account));
      assert.deepEqual(await tab.call(name, account, "revoke"), {});
      const sent = cameFor(account);
      assert.equal(sent.at(-1), "revoke 1");
      for (const one of [other, tab]) {
        assertFailed(await one.call(name, account), "grant_revoked", /Nothing was sent/);
        assertFailed(await one.outcome((name) => lab.kept[name].grant(), name), "grant_revoked");
        assert.deepEqual(await one.call(name, account, "revoke"), {});
        assert.equal(await one.opens(name), false);
        assertFailed(await one.keep(account, { name }), "grant_revoked");
      }
      assert.deepEqual(cameFor(account), sent);
      const next = server.issue({ isActive: true });
      assert.deepEqual(await tab.keep(next, { name }), {});
      assertSpent(await other.call(name, next));
    });

    test("its record goes a month later, when another grant is kept; that of a usable grant never goes by time", { timeout }, async () => {
      const accounts = {};
      const names = {};
      for (const which of ["old", "recent", "usable"]) ({ account: accounts[which], name: names[which] } = await kept({ isActive: true }));
      for (const which of ["old", "recent"]) assert.deepEqual(await tab.call(names[which], accounts[which], "revoke"), {});
      const recordOf = (name) => tab.run((name) => lab.find(name), name);
      assert.equal((await recordOf(names.old)).isRevoked, true);
      const day = 24 * 60 * 60 * 1000;
      const since = { [names.old]: Date.now() - 31 * day, [names.recent]: Date.now() - 29 * day, [names.usable]: Date.now() - 3650 * day };
      const edit = (since) => lab.edit((record) => (record.id in since ? { ...record, began: 0, since: since[record.id] } : record));
      await tab.run(edit, since);
      const next = server.issue({ isActive: true });
      assert.deepEqual(await other.keep(next, { name: newName() }), {});
      await until(async () => (await recordOf(names.old)) === null, "the old record to go");
      assert.equal((await recordOf(names.recent)).isRevoked, true);
      assert.equal(await other.opens(names.usable), true);
      assertSpent(await other.call(names.usable, accounts.usable));
      assert.equal(await other.opens(names.old), false);
      assert.deepEqual(await other.keep(next, { name: names.old }), {});
      assertSpent(await other.call(names.old, next));
    });

    test("waits for a rotation in another tab", { timeout }, async () => {
      const { account, name } = await keptByBoth();
      const release = hold("responseHandler", "rotate");
      const call = tab.call(name, account);
      await came(account, "rotate 0");
      const revocation = other.call(name, account, "revoke");
      release();
      assert.deepEqual(await revocation, {});
      await call;
      assert.ok(account.isRevoked);
    });

    test("refused: the grant stays", { timeout }, async () => {
      const { account, name } = await kept({ isActive: true });
      server.requestHandler = ({ kind }) => (kind === "revoke" ? refused : undefined);
      assertFailed(await tab.call(name, account, "revoke"), "invalid_client");
      assertSpent(await tab.call(name, account));
      assert.equal(await markOf(name), null);
    });

    test("its response is lost: the next use says so", { timeout }, async () => {
      const { account, name } = await kept({ isActive: true });
      lose("responseHandler", "revoke");
      assertFailed(await tab.call(name, account, "revoke"), "network_error");
      server.responseHandler = undefined;
      assertFailed(await tab.call(name, account), "grant_revoked", /revocation was begun and its response was lost/);
      assertFailed(await tab.call(name, account, "revoke"), "invalid_client", /response was lost/);
    });
  });

  describe("the next visit", () => {
    test("opens it by its name, with the newest token", { timeout }, async () => {
      const { account, name } = await kept();
      assertSpent(await tab.call(name, account));
      await other.page.reload();
      await other.page.waitForFunction("globalThis.lab !== undefined", { polling: 50 });
      await other.run(setUp);
      assert.equal(await other.opens(name), true);
      assertSpent(await other.call(name, account));
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1", "call 1"]);
      const { access_token, ...rest } = await other.run((name) => lab.kept[name].grant(), name);
      assert.deepEqual([access_token.manage, access_token.expires_in], [`${account.url}/token/1`, 600]);
      assert.deepEqual(rest, { continue: account.grant.continue });
    });

    test("without a name, the first manage URL is the name, and the old grant opens the newest token", { timeout }, async () => {
      const account = server.issue();
      const name = account.grant.access_token.manage;
      assert.deepEqual(await tab.keep(account), {});
      assertSpent(await tab.call(name, account));
      assert.equal(await other.opens(name), true);
      assert.deepEqual(await other.keep(account), {});
      assertSpent(await other.call(name, account));
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1", "call 1"]);
    });

    test("another grant takes its place, in all tabs", { timeout }, async () => {
      const { account, name } = await keptByBoth({ isActive: true });
      const next = server.issue({ isActive: true });
      assert.deepEqual(await other.keep(next, { name }), {});
      assertSpent(await tab.call(name, next));
      assert.deepEqual(cameFor(account), []);
    });

    test("names that could be taken for each other's claims, and of any characters", { timeout }, async () => {
      const names = ["a", "a.1", "a%2E1", "ä / 💶", "__proto__"];
      const accounts = names.map(() => server.issue());
      for (const [i, name] of names.entries()) assert.deepEqual(await tab.keep(accounts[i], { name }), {});
      let release;
      const released = new Promise((resolve) => {
        release = resolve;
      });
      server.responseHandler = ({ account, kind }) => (kind === "rotate" && account === accounts[1] ? released.then(() => {}) : undefined);
      const held = tab.call(names[1], accounts[1]);
      await came(accounts[1], "rotate 0");
      for (const i of [0, 2, 3, 4]) assertSpent(await tab.call(names[i], accounts[i]));
      release();
      assertSpent(await held);
      for (const [i, name] of names.entries()) assert.equal((await tab.token(name)).manage, `${accounts[i].url}/token/1`);
    });

    test("there is none, or it is damaged", { timeout }, async () => {
      assert.equal(await tab.opens("never heard of"), false);
      const { account, name } = await kept({ isActive: true });
      for (const damage of ["null", "7", "{ ...record, grant: {} }", "{ ...record, tokens: 5 }", "{ ...record, since: 'then' }"]) {
        const before = await tab.run(`(async () => {
          let before;
          await lab.edit((record) => record?.id === ${JSON.stringify(name)} ? (before = record, ${damage}) : record);
          return before;
        })()`);
        assert.equal(await tab.opens(name), false, damage);
        assertFailed(await tab.call(name, account), "grant_not_found", /Nothing was sent/);
        assert.ok(before);
        assert.deepEqual(await tab.keep(account, { name }), {});
      }
      assertSpent(await tab.call(name, account));
    });

    test("with another key it is refused", { timeout }, async () => {
      const { name } = await kept();
      const { error } = await tab.outcome(async (name) => {
        const client = await lab.clientWith({ key: await lab.generateKey({ keyId: "another" }) });
        return client.withGrant({ name });
      }, name);
      assert.match(error.message, /^"key" must be the one that requested the grant/);
    });

    for (const store of ["local", "memory"]) {
      test(`in a store of the caller's (${store})`, { timeout }, async () => {
        const { account, name } = await kept({ store });
        assertSpent(await tab.call(name, account));
        assert.equal(await tab.opens(name), false, "it is in no other");
        assert.equal(await tab.opens(name, { store }), true);
        assertSpent(await tab.call(name, account));
        assert.equal(await other.opens(name, { store }), store === "local");
        assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1", "call 1"]);
      });
    }
  });

  describe("rule 4: what can fail here fails before anything is sent", () => {
    const fails = "() => { throw new Error('the disk is gone'); }";
    const broken = {
      "cannot be written to": `{ set: ${fails} }`,
      "forgets at once": "{ set() {} }",
      "cannot be read": `{ get: ${fails} }`,
      "returns junk": "{ get: () => 'junk' }",
      "cannot list": `{ keys: ${fails} }`,
      "cannot add": `{ add: ${fails} }`,
    };
    for (const [what, change] of Object.entries(broken)) {
      test(`a store that ${what}`, { timeout }, async () => {
        const account = server.issue();
        const codes = await tab.run(
          async (grant, url, change) => {
            const store = lab.memoryStorage();
            const codeOf = (call) =>
              call.then(
                () => "done",
                ({ code }) => code,
              );
            const broken = new Function(`return (${change})`)();
            const atOnce = await codeOf(lab.client.withGrant(grant, { store: { ...store, ...broken } }));
            const kept = await lab.client.withGrant(grant, { store });
            Object.assign(store, broken);
            return [atOnce, await codeOf(lab.calls.spent(kept, url)), await codeOf(kept.revoke())];
          },
          account.grant,
          account.url,
          change,
        );
        const changes = cameFor(account).filter((what) => !what.startsWith("call"));
        assert.deepEqual(changes, []);
        const found = what === "returns junk" ? "grant_not_found" : "storage_error";
        assert.deepEqual(codes, ["storage_error", found, found]);
      });
    }

    test("a token that could not be stored is stored by the next call, and not used before", { timeout }, async () => {
      const account = server.issue();
      const outcomes = await tab.run(
        async (grant, url) => {
          const store = lab.memoryStorage();
          const { set } = store;
          store.set = (key, value) => {
            if (lab.isFull && value.tokens?.length > 1) throw new DOMException("no room", "QuotaExceededError");
            return set(key, value);
          };
          const kept = await lab.client.withGrant(grant, { store });
          const spend = () => lab.outcome(() => lab.calls.spent(kept, url));
          lab.isFull = true;
          const error = await lab.calls.spent(kept, url).catch((error) => error);
          const outcomes = [{ error: { code: error.code, responseText: error.responseText } }, await spend()];
          lab.isFull = false;
          return [...outcomes, await spend(), await spend()];
        },
        account.grant,
        account.url,
      );
      assert.equal(outcomes[0].error.code, "storage_error");
      assert.equal(JSON.parse(outcomes[0].error.responseText).access_token.manage, `${account.url}/token/1`);
      assertFailed(outcomes[1], "storage_error", /next call tries to store it/);
      for (const outcome of outcomes.slice(2)) assertSpent(outcome);
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1", "call 1"]);
    });

    test("arguments", { timeout }, async () => {
      const account = server.issue();
      const { grant } = account;
      const withToken = (changes) => ({ ...grant, access_token: { ...grant.access_token, ...changes } });
      const cases = [
        [[null], '"grant" must be an object'],
        [["tips"], '"grant" must be an object'],
        [[{ interact: {} }], '"grant.access_token" must be an object'],
        [[withToken({ value: "two words" })], '"grant.access_token.value" must be'],
        [[withToken({ value: undefined })], '"grant.access_token.value" must be'],
        [[withToken({ manage: undefined })], '"grant.access_token.manage" must be'],
        [[withToken({ manage: "http://wallet.example/token" })], '"grant.access_token.manage" must be'],
        [[withToken({ manage: "javascript:alert(1)" })], '"grant.access_token.manage" must be'],
        [[grant, null], '"options" must be an object'],
        [[grant, { name: 5 }], '"name" must be'],
        [[grant, { name: "\ud800" }], '"name" must be'],
        [[{ name: "" }], '"name" must be'],
        [[grant, { signal: 5 }], '"signal" must be'],
        [[grant, { store: {} }], '"store" must have'],
      ];
      for (const [args, words] of cases) {
        const { error } = await tab.outcome((args) => lab.client.withGrant(...args), args);
        assert.ok(error?.kind === "TypeError" && error.message.startsWith(words), `${JSON.stringify(args)}: ${error?.message}`);
      }
      assert.deepEqual(await tab.keep(account, { name: "arguments" }), {});
      const target = { url: account.url, accessToken: "t" };
      const { error } = await tab.outcome((target) => lab.kept.arguments.outgoingPayment.getGrantSpentAmounts(target), target);
      assert.match(error.message, /^"accessToken" must not be given/);
      for (const call of ["spent", "revoke", "grant"]) {
        const { error } = await tab.outcome(
          (call, url) => {
            const { arguments: kept } = lab.kept;
            return call === "spent" ? lab.calls.spent(kept, url, 5) : kept[call]({ signal: 5 });
          },
          call,
          account.url,
        );
        assert.match(error?.message ?? "", /^"signal" must be/, call);
      }
      assert.deepEqual(cameFor(account), []);
    });
  });

  describe("rule 7: every wait ends with the deadline or the signal of its call", () => {
    test("who is aborted leaves, the others get their results", { timeout }, async () => {
      const { account, name } = await kept();
      const release = hold("responseHandler", "rotate");
      const outcomes = tab.run(
        (name, url) => {
          lab.aborter = new AbortController();
          const call = (i, signal) => lab.outcome(() => lab.calls.pay(lab.kept[name], url, `q${i}`, signal));
          return Promise.all([call(1, lab.aborter.signal), call(2)]);
        },
        name,
        account.url,
      );
      await came(account, "rotate 0");
      await tab.run(() => lab.aborter.abort(new Error("unmounted")));
      release();
      const [aborted, paid] = await outcomes;
      assert.equal(aborted.error.message, "unmounted");
      assert.equal(paid.error, undefined, paid.error?.message);
      assert.equal(account.payments, 1);
    });

    test("a rotation that nobody waits for any more is stored", { timeout }, async () => {
      const { account, name } = await kept();
      const release = hold("responseHandler", "rotate");
      const { error } = await tab.outcome(
        async (name, url) => lab.calls.spent(await (await lab.clientWith({ requestTimeoutMs: 1000 })).withGrant({ name }), url),
        name,
        account.url,
      );
      assert.deepEqual([error.code, error.retryable], ["timeout", true]);
      assert.match(error.message, /processed nothing of this call/);
      await came(account, "rotate 0");
      release();
      await until(async () => (await tab.token(name)).manage.endsWith("/token/1"), "the new token");
      assertSpent(await tab.call(name, account));
      assert.deepEqual(cameFor(account), ["call 0", "rotate 0", "call 1"]);
    });

    test("a tab does not wait for another's rotation beyond its deadline", { timeout }, async () => {
      const { account, name } = await kept();
      const release = hold("responseHandler", "rotate");
      const first = tab.call(name, account);
      await came(account, "rotate 0");
      const { error } = await other.outcome(
        async (name, url) => lab.calls.spent(await (await lab.clientWith({ requestTimeoutMs: 700 })).withGrant({ name }), url),
        name,
        account.url,
      );
      assert.equal(error.code, "timeout");
      release();
      assertSpent(await first);
    });

    test("a store that never answers", { timeout }, async () => {
      const account = server.issue();
      const codes = await tab.run(
        async (grant, url) => {
          const never = () => new Promise(() => {});
          const codes = [];
          for (const method of ["get", "set", "keys", "add"]) {
            const store = lab.memoryStorage();
            const client = await lab.clientWith({ store, requestTimeoutMs: 250 });
            const kept = await client.withGrant(grant);
            store[method] = never;
            const calls = [() => kept.revoke(), () => lab.calls.spent(kept, url), () => client.withGrant(grant, { name: "n" })];
            if (method === "get") calls.push(() => kept.grant());
            for (const call of calls) codes.push((await lab.outcome(call)).error?.code ?? "done");
          }
          return codes;
        },
        account.grant,
        account.url,
      );
      assert.deepEqual(codes, Array(13).fill("timeout"));
      assert.deepEqual(
        cameFor(account).filter((what) => !what.startsWith("call")),
        [],
      );
    });
  });

  test("rule 5: a payment that was answered while nobody waited is kept, though the token is another one then", { timeout }, async () => {
    const { account, name } = await kept({ isActive: true });
    const release = hold("responseHandler", "call");
    const aborted = tab.run(
      (name, url) => {
        lab.aborter = new AbortController();
        return lab.outcome(() => lab.calls.pay(lab.kept[name], url, "kept", lab.aborter.signal));
      },
      name,
      account.url,
    );
    await came(account, "call 0");
    await tab.run(() => lab.aborter.abort(new Error("gone")));
    assert.equal((await aborted).error.message, "gone");
    release();
    await expireByTime();
    assertSpent(await tab.call(name, account));
    assert.equal((await tab.call(name, account, "pay", "kept")).value?.id, `${account.url}/outgoing-payments/1`);
    assert.equal(account.payments, 1);
  });

  test("with a wallet that checks every signature", { timeout }, async (t) => {
    const [sandbox] = await start(startSandbox("-wait", "0s", "-token-lifetime", "1s"));
    const shop = await Shop.at(sandbox, browser, site);
    t.after(() => shop.page.close());
    const { callback } = await shop.approved();
    const { value, error } = await shop.outcome(
      async (callback, walletAddress) => {
        const grant = await lab.client.grant.finish(callback);
        const { expires_in, ...token } = grant.access_token; // the server is to say that it is over
        const kept = await lab.client.withGrant({ ...grant, access_token: token });
        const { resourceServer: url } = await lab.client.walletAddress.get({ url: walletAddress });
        await new Promise((resolve) => setTimeout(resolve, 1500));
        await kept.outgoingPayment.getGrantSpentAmounts({ url });
        const { access_token: newest } = await kept.grant();
        await kept.revoke();
        return { expires_in, isNew: newest.value !== token.value && newest.manage !== token.manage };
      },
      callback,
      sandbox.walletAddress,
    );
    assert.equal(error, undefined, error?.message);
    assert.deepEqual(value, { expires_in: 1, isNew: true });
  });

  test("rule 9: no text holds a token", { timeout }, async () => {
    const texts = [...tab.log, ...other.log];
    assert.ok(texts.length > 10);
    assertSilent(texts, ["token-of-grant-", "continuation-of-"]);
  });

  describe("without Web Locks", () => {
    let one, two;

    before(async () => {
      [one, two] = [await lockless(), await lockless()];
    });

    async function lockless() {
      const lockless = await Tab.open(browser, site);
      await lockless.run(() => void Object.defineProperty(navigator, "locks", { value: undefined }));
      return lockless;
    }

    /** Issues a grant, keeps it in one of the tabs, and has the others open it. */
    async function keptIn([keeper, ...others], store) {
      const [account, name] = [server.issue(), newName()];
      assert.deepEqual(await keeper.keep(account, { name, store }), {});
      for (const tab of others) assert.equal(await tab.opens(name, { store }), true);
      return { account, name };
    }

    const rotationsOf = (account) => cameFor(account).filter((what) => what.startsWith("rotate"));

    for (const store of [undefined, "local", "memory"]) {
      test(`three calls at once in a page, in the store ${store ?? "of those who give none"}: one rotation`, { timeout }, async () => {
        const { account, name } = await keptIn([one], store);
        const release = hold("requestHandler", "call");
        const calls = [one.call(name, account), one.call(name, account, "pay", "1"), one.call(name, account, "pay", "2")];
        await came(account, "call 0", 3);
        release();
        for (const { error } of await Promise.all(calls)) assert.equal(error, undefined, error?.message);
        assert.deepEqual([rotationsOf(account), account.payments], [["rotate 0"], 2]);
      });
    }

    for (const store of [undefined, "local"]) {
      test(`two tabs at once, in the store ${store ?? "of those who give none"}: one rotation`, { timeout }, async () => {
        const { account, name } = await keptIn([one, two], store);
        const release = hold("requestHandler", "call");
        const calls = [one.call(name, account), two.call(name, account, "pay")];
        await came(account, "call 0", 2);
        release();
        for (const { error } of await Promise.all(calls)) assert.equal(error, undefined, error?.message);
        assert.deepEqual([rotationsOf(account), account.payments], [["rotate 0"], 1]);
      });
    }

    test("a tab that is killed in the middle of a rotation: another goes on when its claim is a minute old", { timeout }, async () => {
      const doomed = await lockless();
      const { account, name } = await keptIn([doomed, two]);
      let isHeld = true;
      server.requestHandler = ({ kind }) => (kind === "rotate" && isHeld ? new Promise(() => {}) : undefined);
      doomed.call(name, account).catch(() => {}); // its page goes
      await came(account, "rotate 0");
      const outcome = two.call(name, account);
      await came(account, "call 0", 2);
      await doomed.page.close();
      isHeld = false;
      const isLater = (seconds) => two.run((ms) => void (Date.now = () => performance.timeOrigin + performance.now() + ms), seconds * 1000);
      await isLater(30);
      await new Promise((resolve) => setTimeout(resolve, 700)); // it looks at the claim every quarter of a second
      assert.deepEqual(rotationsOf(account), ["rotate 0"]);
      await isLater(61);
      assertSpent(await outcome);
      assert.deepEqual(rotationsOf(account), ["rotate 0", "rotate 0"]);
      assertSpent(await two.call(name, account));
    });
  });

  describe("a tab that is killed", () => {
    /** What a tab finds that comes later. */
    async function find({ account, name }) {
      if (!(await tab.opens(name, { store: "own" }))) {
        if (account.isRevoked) return "revoked";
        assert.deepEqual(await tab.keep(account, { name, store: "own" }), {});
        assertSpent(await tab.call(name, account));
        return "not kept yet";
      }
      const { manage } = await tab.token(name);
      const { isRevoked, count } = account;
      const outcome = await tab.call(name, account);
      if (isRevoked) {
        assertFailed(outcome, "grant_revoked", /An earlier revocation/);
        return "revocation lost";
      }
      if (manage !== `${account.url}/token/${count}`) {
        assertFailed(outcome, "grant_expired", /An earlier rotation.*Ask for a new grant/);
        return "rotation lost";
      }
      assertSpent(outcome);
      return "usable";
    }

    for (const how of [browserName === "Chromium" ? "crashed" : "closed"]) {
      test(`${how} at every step: before and after each request and each write`, { timeout }, async () => {
        const doomed = await Tab.open(browser, site);
        await doomed.run(addSteps);
        await tab.run(addSteps);
        const begin = async (last) => {
          const [account, name] = [server.issue(), newName()];
          const steps = await doomed.run(live, account.grant, account.url, name, last);
          return { account, name, steps };
        };
        const whole = await begin();
        assert.equal(await find(whole), "revoked");
        const lives = [];
        while (lives.length < whole.steps.length) lives.push(await begin(lives.length + 1));
        await kills[how](doomed.page);
        const found = [];
        for (const life of lives) {
          found.push(await find(life).catch((error) => assert.fail(`${life.steps.at(-1)}: ${error.message}`)));
          assert.ok(life.account.payments <= 1, life.steps.at(-1));
        }
        const times = (what) => found.filter((it) => it === what).length;
        assert.ok(lives.length >= 28, whole.steps.join("\n"));
        assert.deepEqual([times("rotation lost"), times("revocation lost")], [2, 2], JSON.stringify(found)); // answered, and not written yet
        assert.ok(times("not kept yet") > 0 && times("usable") > 10 && times("revoked") > 0, JSON.stringify(found));
      });
    }
  });
});
