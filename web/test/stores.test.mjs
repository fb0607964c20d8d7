// Where pending grants are remembered, and what happens when a store fails, is damaged, or is
// shared by two tabs.

import assert from "node:assert/strict";
import { beforeEach, before, test } from "node:test";
import { during, startProxy } from "./harness/proxy.mjs";
import { outgoing, Shop } from "./harness/grants.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { decide, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const prefix = "open-payments-wasm.pending"; // of the keys of records, and the key of their list where a store has none

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, sandbox, proxy, shop;

  before(async () => {
    [browser, site, sandbox] = await start(launch(), startSite(), startSandbox("-wait", "0s"));
    [proxy] = await start(startProxy(sandbox));
    shop = await Shop.at(proxy, browser, site);
    await shop.run(addStores);
  });

  beforeEach(() => shop.forgetAll());

  /** Adds stores of every kind to lab.stores. */
  function addStores() {
    const items = {};
    // As chrome.storage: get returns a promise of a copy, and what JSON cannot carry is lost.
    const area = {
      get: async (key) => (key in items ? { [key]: JSON.parse(items[key]) } : {}),
      set: async (added) => {
        for (const [key, value] of Object.entries(added)) items[key] = JSON.stringify(value);
      },
      remove: async (key) => {
        delete items[key];
      },
    };
    const values = new Map();
    lab.area = items;
    lab.values = values;
    Object.assign(lab.stores, {
      extension: lab.extensionStorage(area),
      own: { get: (key) => values.get(key), set: (key, value) => values.set(key, value), delete: (key) => values.delete(key) },
      undefined: undefined,
    });
  }

  const assertIssued = ({ value, error }) => {
    assert.equal(error, undefined, error?.message);
    assert.ok(value.access_token.value);
  };

  for (const store of ["undefined", "session", "local", "memory", "extension", "own"]) {
    test(
      `a grant is remembered in ${store === "undefined" ? "what is there by default" : store}, and nowhere else`,
      { timeout },
      async () => {
        const { callback } = await shop.approved({ store });
        const found = [];
        for (const other of ["session", "local", "memory", "extension", "own"])
          if ((await shop.pending(other)).length > 0) found.push(other);
        assert.deepEqual(found, store === "undefined" ? [] : [store]);
        assert.equal((await shop.pending(store)).length, 1);
        assertIssued(await shop.finish(callback, store));
        assert.deepEqual(await shop.pending(store), []);
        const left = await shop.run(() => [sessionStorage, localStorage, lab.area, Object.fromEntries(lab.values)].flatMap(Object.keys));
        assert.deepEqual(left, [], "nothing is left behind");
      },
    );
  }

  test("the client's own store is used where the call names none", { timeout }, async () => {
    const request = outgoing(proxy, { method: "redirect", uri: shop.finishUri });
    const pending = await shop.run(
      async (url, request) => {
        lab.frugal = await lab.clientWith({ store: lab.stores.local });
        return lab.frugal.grant.start({ url }, request);
      },
      proxy.authServer,
      request,
    );
    assert.deepEqual([(await shop.pending("local")).length, (await shop.pending()).length], [1, 0]);
    const callback = (await decide(pending, "approve")).href;
    assertIssued(await shop.outcome((callback) => lab.frugal.grant.finish(callback), callback));
  });

  test("what is no store is refused before anything is sent", { timeout }, async () => {
    const request = outgoing(proxy, { method: "redirect", uri: shop.finishUri });
    for (const expression of ["localStorage", "{}", "lab.stores", "true", "{ get() {}, set() {} }"]) {
      const [{ error }, sent] = await during(proxy, () =>
        shop.outcome(
          async (expression, url, request) => {
            const store = new Function(`return (${expression})`)();
            return lab.client.grant.start({ url }, request, { store });
          },
          expression,
          proxy.authServer,
          request,
        ),
      );
      assert.equal(error.message, '"store" must have the methods get, set and delete', expression);
      assert.deepEqual(sent, []);
    }
  });

  test("a worker finds what a page started, and the reverse", { timeout }, async () => {
    await shop.start();
    const ids = await shop.run(
      () =>
        new Promise((resolve, reject) => {
          const source = `
          import { createAuthenticatedClient, generateKey } from "${location.origin}/dist/index.js";
          const client = await createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/", key: await generateKey() });
          const pending = await client.grant.pending();
          for (const { id } of pending) await client.grant.forget(id);
          postMessage(pending.map(({ id }) => id));`;
          const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
          worker.onmessage = ({ data }) => resolve(data);
          worker.onerror = () => reject(new Error("the worker failed"));
        }),
    );
    assert.equal(ids.length, 1);
    assert.deepEqual(await shop.pending(), []);
  });

  test("a store that cannot be read: its own error is the cause, and nothing is sent", { timeout }, async () => {
    const { callback } = await shop.approved();
    const [errors, sent] = await during(proxy, () =>
      shop.run(async (callback) => {
        const fail = () => {
          throw new Error("the disk is gone");
        };
        const failLater = async () => fail();
        const outcomes = [];
        for (const keys of [fail, failLater]) {
          const store = { ...lab.stores.memory, keys };
          outcomes.push(await lab.outcome(() => lab.client.grant.finish(callback, { store })));
          outcomes.push(await lab.outcome(() => lab.client.grant.pending({ store })));
        }
        return outcomes.map(({ error }) => [error?.code, error?.cause.message]);
      }, callback),
    );
    assert.deepEqual(errors, Array(4).fill(["storage_error", "the disk is gone"]));
    assert.deepEqual(sent, []);
  });

  test("rule 3: a store that cannot forget does not take the token away, and the reference is not sent again", { timeout }, async () => {
    const { callback } = await shop.approved({ store: "session" });
    const finish = () =>
      shop.outcome((callback) => {
        const fail = async () => {
          throw new Error("read-only");
        };
        return lab.client.grant.finish(callback, { store: { ...lab.stores.session, set: fail, delete: fail } });
      }, callback);
    assertIssued(await finish());
    const [{ error }, sent] = await during(proxy, finish);
    assert.equal(error.code, "no_pending_grant");
    assert.deepEqual(sent, []);
  });

  test("a store that cannot forget does not take the server's error away", { timeout }, async () => {
    const { callback } = await shop.approved({ store: "session" });
    proxy.requestHandler = () => ({ status: 401, body: '{"error":{"code":"user_denied"}}' });
    const { error } = await shop.outcome((callback) => {
      const store = {
        ...lab.stores.session,
        delete: async () => {
          throw new Error("read-only");
        },
      };
      return lab.client.grant.finish(callback, { store });
    }, callback);
    proxy.requestHandler = undefined;
    assert.equal(error.code, "user_denied");
  });

  const damaged = {
    "no JSON": "{",
    text: '"text"',
    "a number": "7",
    "an array": "[1]",
    null: "null",
    nothing: "",
    "a grant that is null": '{"x":null}',
    "a grant that is text": '{"x":"y"}',
    "an empty grant": '{"x":{}}',
  };
  for (const [what, text] of Object.entries(damaged)) {
    test(`a store that holds ${what} is as good as empty`, { timeout }, async () => {
      for (const listed of [true, false]) {
        await shop.run(
          (key, text, listed) => {
            sessionStorage.setItem(key, text); // the list, where there is one
            sessionStorage.setItem(`${key}.x`, text);
            const { keys, ...unlisted } = lab.webStorage(sessionStorage);
            lab.stores.damaged = listed ? { ...unlisted, keys } : unlisted;
          },
          prefix,
          text,
          listed,
        );
        assert.deepEqual(await shop.pending("damaged"), []);
        const { error } = await shop.finish(`${shop.finishUri}?hash=a&interact_ref=b`, "damaged");
        assert.equal(error.code, "no_pending_grant", error.message);
        const { callback } = await shop.approved({ store: "damaged" });
        assertIssued(await shop.finish(callback, "damaged"));
      }
    });
  }

  test("damaged grants do not stand in the way of others", { timeout }, async () => {
    const { callback } = await shop.approved({ store: "session" });
    await shop.run((prefix) => {
      const whole = JSON.parse(sessionStorage.getItem(Object.keys(sessionStorage)[0]));
      const { continue: next } = whole;
      const damaged = {
        a: null,
        b: 7,
        c: "text",
        d: [],
        e: {},
        f: { ...whole, finishUri: "nowhere" },
        g: { ...whole, finishUri: undefined },
        h: { ...whole, continue: null },
        i: { ...whole, clientNonce: 7 },
        j: { ...whole, serverNonce: null },
        k: { ...whole, url: {} },
        l: { ...whole, began: "then" },
        m: { ...whole, continue: { uri: next.uri } },
        n: { ...whole, id: undefined },
        o: { ...whole, hashMethod: 5 },
        p: { ...whole, keyId: {} },
        q: { ...whole, continue: { ...next, uri: "nowhere" } },
        r: { ...whole, continue: { ...next, wait: "long" } },
        s: { ...whole, hashMethod: "md5" },
      };
      for (const [id, value] of Object.entries(damaged)) sessionStorage.setItem(`${prefix}.${id}`, JSON.stringify(value));
    }, prefix);
    assert.equal((await shop.pending("session")).length, 1);
    assertIssued(await shop.finish(callback, "session"));
  });

  for (const listed of [true, false]) {
    test(
      `two tabs that start grants at once lose none, in a store that can ${listed ? "" : "not "}list its keys`,
      { timeout },
      async (t) => {
        const other = await Shop.at(proxy, browser, site);
        t.after(() => other.page.close());
        const request = outgoing(proxy, { method: "redirect", uri: shop.finishUri });
        const startThree = (tab) =>
          tab.run(
            (url, request, listed) => {
              const entries = async (mode, ask) => {
                const database = await new Promise((resolve) => {
                  const opening = indexedDB.open("own", 1);
                  opening.onupgradeneeded = () => opening.result.createObjectStore("values");
                  opening.onsuccess = () => resolve(opening.result);
                });
                const asked = ask(database.transaction("values", mode).objectStore("values"));
                await new Promise((resolve) => {
                  asked.onsuccess = resolve;
                });
                database.close();
                return asked.result;
              };
              const slowly = async (value) => {
                await new Promise((resolve) => setTimeout(resolve, 100)); // time enough for the others to come between
                return value;
              };
              lab.stores.slow = {
                get: (key) => entries("readonly", (values) => values.get(key)).then(slowly),
                set: (key, value) => entries("readwrite", (values) => values.put(value, key)),
                delete: (key) => entries("readwrite", (values) => values.delete(key)),
                ...(listed && { keys: () => entries("readonly", (values) => values.getAllKeys()) }),
              };
              return Promise.all([1, 2, 3].map(() => lab.client.grant.start({ url }, request, { store: lab.stores.slow })));
            },
            proxy.authServer,
            request,
            listed,
          );
        const started = (await Promise.all([startThree(shop), startThree(other)])).flat();
        for (const tab of [shop, other]) assert.equal((await tab.pending("slow")).length, started.length);
        const callback = (await decide(started[0], "approve")).href;
        assertIssued(await other.finish(callback, "slow"));
        await other.run(async () => {
          for (const { id } of await lab.client.grant.pending({ store: lab.stores.slow }))
            await lab.client.grant.forget(id, { store: lab.stores.slow });
        });
      },
    );
  }
});
