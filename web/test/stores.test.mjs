// Where pending grants are remembered, and what happens when a store fails, is damaged, or is
// shared by two tabs.

import assert from "node:assert/strict";
import { after, beforeEach, before, describe, test } from "node:test";
import { browsers } from "./harness/browsers.mjs";
import { during, startGate } from "./harness/gate.mjs";
import { outgoing, Shop } from "./harness/grants.mjs";
import { decide, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const storeKey = "open-payments-wasm.pending";

for (const { name, launch } of browsers) {
  describe(name, { timeout: 5 * timeout }, () => {
    let browser, site, sandbox, gate, shop;

    before(async () => {
      [browser, site, sandbox] = await Promise.all([launch(), startSite(), startSandbox("-wait", "0s")]);
      gate = await startGate(sandbox);
      shop = await Shop.at(gate, browser, site);
      await shop.run(addStores);
    });

    beforeEach(() => shop.forgetAll());

    after(() => Promise.all([browser?.close(), site?.close(), gate?.close(), sandbox?.stop()]));
    after(() => assert.equal(site.downloads("open-payments-rest.wasm"), 0, "a call needed the rest of the module: node profile.mjs"));

    /** Adds stores of every kind to lab.stores. */
    function addStores() {
      const items = {};
      // As chrome.storage: every answer is a promise of a copy, and what JSON cannot carry is lost.
      const area = {
        get: async (key) => (key in items ? { [key]: JSON.parse(items[key]) } : {}),
        set: async (added) => {
          for (const [key, value] of Object.entries(added)) items[key] = JSON.stringify(value);
        },
        remove: async (key) => { delete items[key]; },
      };
      const values = new Map();
      lab.area = items;
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
      test(`a grant is remembered in ${store === "undefined" ? "what is there by default" : store}, and nowhere else`, { timeout }, async () => {
        const { callback } = await shop.approved({ store });
        const found = [];
        for (const other of ["session", "local", "memory", "extension", "own"]) if ((await shop.pending(other)).length > 0) found.push(other);
        assert.deepEqual(found, [store === "undefined" ? "session" : store]);
        assertIssued(await shop.finish(callback, store));
        assert.deepEqual(await shop.pending(store), []);
        const left = await shop.run((key) => [sessionStorage.getItem(key), localStorage.getItem(key), lab.area[key] ?? null], storeKey);
        assert.deepEqual(left, [null, null, null], "nothing is left behind");
      });
    }

    test("the client's own store is used where the call names none", { timeout }, async () => {
      const request = outgoing(gate, { method: "redirect", uri: shop.finishUri });
      const pending = await shop.run(async (url, request) => {
        lab.frugal = await lab.clientWith({ store: lab.stores.local });
        return lab.frugal.grant.start({ url }, request);
      }, gate.authServer, request);
      assert.deepEqual([(await shop.pending("local")).length, (await shop.pending()).length], [1, 0]);
      const callback = (await decide(pending, "approve")).href;
      assertIssued(await shop.outcome((callback) => lab.frugal.grant.finish(callback), callback));
    });

    test("what is no store is refused before anything is sent", { timeout }, async () => {
      const request = outgoing(gate, { method: "redirect", uri: shop.finishUri });
      for (const expression of ["localStorage", "{}", "lab.stores", "true", "{ get() {}, set() {} }"]) {
        const [{ error }, sent] = await during(gate, () => shop.outcome(async (expression, url, request) => {
          const store = new Function(`return (${expression})`)();
          return lab.client.grant.start({ url }, request, { store });
        }, expression, gate.authServer, request));
        assert.equal(error.message, '"store" must have the methods get, set and delete', expression);
        assert.deepEqual(sent, []);
      }
    });

    test("a worker, which has no sessionStorage, is told to bring a store", { timeout }, async () => {
      const message = await shop.run(() => new Promise((resolve, reject) => {
        const source = `
          import { createAuthenticatedClient, generateKey } from "${location.origin}/dist/index.js";
          const client = await createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/", key: await generateKey() });
          await client.grant.pending().catch((error) => postMessage(String(error)));`;
        const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "text/javascript" })), { type: "module" });
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = () => reject(new Error("the worker failed"));
      }));
      assert.equal(message, 'TypeError: "store" must be given where there is no sessionStorage');
    });

    test("a store that cannot be read: its own error, and nothing is sent", { timeout }, async () => {
      const { callback } = await shop.approved();
      const [errors, sent] = await during(gate, () => shop.run(async (callback) => {
        const fail = () => { throw new Error("the disk is gone"); };
        const failLater = async () => fail();
        const outcomes = [];
        for (const get of [fail, failLater]) {
          const store = { ...lab.stores.memory, get };
          outcomes.push(await lab.outcome(() => lab.client.grant.finish(callback, { store })));
          outcomes.push(await lab.outcome(() => lab.client.grant.pending({ store })));
        }
        return outcomes.map(({ error }) => error?.message);
      }, callback));
      assert.deepEqual(errors, Array(4).fill("the disk is gone"));
      assert.deepEqual(sent, []);
    });

    test("a store that cannot be written: start says so", { timeout }, async () => {
      const request = outgoing(gate, { method: "redirect", uri: shop.finishUri });
      const { error } = await shop.outcome((url, request) => {
        const set = () => { throw new DOMException("no room", "QuotaExceededError"); };
        return lab.client.grant.start({ url }, request, { store: { ...lab.stores.memory, set } });
      }, gate.authServer, request);
      assert.deepEqual([error.name, error.message], ["QuotaExceededError", "no room"]);
    });

    test("a store that cannot forget does not take the token away, nor the server's error", { timeout }, async () => {
      const finish = (callback) => shop.outcome((callback) => {
        const fail = async () => { throw new Error("read-only"); };
        return lab.client.grant.finish(callback, { store: { ...lab.stores.session, set: fail, delete: fail } });
      }, callback);
      const { callback } = await shop.approved();
      assertIssued(await finish(callback));
      const { error } = await finish(callback); // the reference was used
      assert.deepEqual([error.status, error.code], [401, "request_denied"]);
    });

    const damaged = {
      "no JSON": "{", "text": '"text"', "a number": "7", "an array": "[1]", "null": "null", "nothing": "",
      "a grant that is null": '{"x":null}', "a grant that is text": '{"x":"y"}', "an empty grant": '{"x":{}}',
    };
    for (const [what, text] of Object.entries(damaged)) {
      test(`a store that holds ${what} is as good as empty`, { timeout }, async () => {
        await shop.run((key, text) => sessionStorage.setItem(key, text), storeKey, text);
        assert.deepEqual(await shop.pending(), []);
        const { error } = await shop.finish(`${shop.finishUri}?hash=a&interact_ref=b`);
        assert.equal(error.code, "no_pending_grant", error.message);
        const { callback } = await shop.approved();
        assertIssued(await shop.finish(callback));
      });
    }

    test("damaged grants do not stand in the way of others", { timeout }, async () => {
      const { callback } = await shop.approved();
      await shop.run((key) => {
        const records = JSON.parse(sessionStorage.getItem(key));
        const [whole] = Object.values(records);
        const damaged = {
          a: null, b: 7, c: "text", d: [], e: {},
          f: { ...whole, finishUri: "nowhere" }, g: { ...whole, finishUri: undefined }, h: { ...whole, continue: null },
          i: { ...whole, clientNonce: 7 }, j: { ...whole, serverNonce: null }, k: { ...whole, url: {} }, l: { ...whole, began: "then" },
          m: { ...whole, continue: { uri: whole.continue.uri } }, n: { ...whole, id: undefined },
        };
        sessionStorage.setItem(key, JSON.stringify({ ...damaged, ...records }));
      }, storeKey);
      assert.equal((await shop.pending()).length, 1);
      assertIssued(await shop.finish(callback));
      assert.equal(await shop.run((key) => sessionStorage.getItem(key), storeKey), null);
    });

    test("two tabs that start grants at once lose none", { timeout }, async (t) => {
      const other = await Shop.at(gate, browser, site);
      t.after(() => other.page.close());
      const request = outgoing(gate, { method: "redirect", uri: shop.finishUri });
      const startThree = (tab) => tab.run((url, request) => {
        const { local } = lab.stores;
        const get = async (key) => {
          const value = local.get(key);
          await new Promise((resolve) => setTimeout(resolve, 100)); // time enough for the others to come between
          return value;
        };
        return Promise.all([1, 2, 3].map(() => lab.client.grant.start({ url }, request, { store: { ...local, get } })));
      }, gate.authServer, request);
      const started = (await Promise.all([startThree(shop), startThree(other)])).flat();
      for (const tab of [shop, other]) assert.equal((await tab.pending("local")).length, started.length);
      const callback = (await decide(started[0], "approve")).href;
      assertIssued(await other.finish(callback, "local"));
    });
  });
}
