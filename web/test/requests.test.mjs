// What our calls of resources cost in a browser: the pages of a list that are asked for, and the preflights of equal calls.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { afterEach, before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Shop } from "./harness/grants.mjs";
import { during, startProxy } from "./harness/proxy.mjs";
import { startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const payments = 5;
const everything = 100;

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let proxy, shop, target;

  before(async () => {
    const [browser, site, sandbox] = await start(launch(), startSite(), startSandbox("-wait", "0s"));
    [proxy] = await start(startProxy(sandbox));
    // As with the reference server, browsers decide for themselves how long they remember a preflight.
    proxy.preflightHandler = (headers) => delete headers["access-control-max-age"];
    shop = await Shop.at(proxy, browser, site);
    const { bob } = proxy.wallets;
    const accessToken = await shop.run(
      async (authServer, bob, url, payments) => {
        const access = [
          { type: "incoming-payment", actions: ["create", "read", "list"] },
          { type: "quote", actions: ["create"] },
        ];
        const { access_token } = await lab.client.grant.request({ url: authServer }, { access_token: { access } });
        const receiving = { url, accessToken: access_token.value };
        for (let i = 0; i < payments; i += 1) await lab.client.incomingPayment.create(receiving, { walletAddress: bob });
        return access_token.value;
      },
      proxy.authServer,
      bob,
      `${proxy.origin}/op`,
      payments,
    );
    target = { url: `${proxy.origin}/op`, accessToken, walletAddress: bob };
  });

  afterEach(() => {
    proxy.responseHandler = undefined;
  });

  /** Goes through `wanted` items of all(), and returns how many there were, the error that ended it, and the pages that were asked for. */
  async function goThrough(wanted, pagination = {}) {
    const [outcome, requests] = await during(proxy, () =>
      shop.run(
        async (target, wanted, pagination) => {
          const ids = [];
          try {
            for await (const { id } of lab.client.incomingPayment.all(target, pagination)) {
              ids.push(id);
              if (ids.length === wanted) break;
            }
          } catch ({ message, code, validationErrors, retryable }) {
            return { ids, error: { message, code, validationErrors, retryable } };
          }
          return { ids };
        },
        target,
        wanted,
        pagination,
      ),
    );
    const asked = requests.filter(({ method }) => method === "GET");
    return { ...outcome, pages: asked.map(({ url }) => Object.fromEntries(new URL(url).searchParams)) };
  }

  test("all() asks for a page when its first item is wanted, and not before", { timeout }, async () => {
    for (const [wanted, pages] of [
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 2],
      [5, 3],
      [everything, 3],
    ]) {
      const gone = await goThrough(wanted, { first: 2 });
      assert.equal(gone.pages.length, pages, `${wanted} wanted`);
      assert.equal(gone.error, undefined);
      assert.equal(new Set(gone.ids).size, Math.min(wanted, payments));
    }
  });

  test("all() of nothing asks for nothing, and every page is the one after the page before", { timeout }, async () => {
    const [, requests] = await during(proxy, () => shop.run((target) => void lab.client.incomingPayment.all(target), target));
    assert.deepEqual(requests, []);
    const { pages, ids } = await goThrough(everything, { first: 2 });
    const address = { "wallet-address": target.walletAddress };
    const cursors = [ids[1], ids[3]].map((id) => id.slice(id.lastIndexOf("/") + 1));
    assert.deepEqual(pages, [{ first: "2", ...address }, ...cursors.map((cursor) => ({ first: "2", cursor, ...address }))]);
    assert.equal((await goThrough(everything)).pages.length, 1);
  });

  test("all() begins after a cursor, and ends with the failure of a page", { timeout }, async () => {
    const { ids } = await goThrough(everything);
    const cursor = ids[2].slice(ids[2].lastIndexOf("/") + 1);
    assert.deepEqual((await goThrough(everything, { first: 1, cursor })).ids, ids.slice(3));
    let asked = 0;
    proxy.responseHandler = () => {
      asked += 1;
      if (asked === 2) return { status: 403, body: '{"error":{"code":"403","description":"Inactive Token"}}' };
    };
    const gone = await goThrough(everything, { first: 2 });
    assert.deepEqual([gone.ids, gone.error.code, asked], [ids.slice(0, 2), "inactive_token", 2]);
  });

  const cursor = randomUUID();
  for (const [title, pagination] of Object.entries({
    "stands still": { hasNextPage: true, hasPreviousPage: false, endCursor: cursor, startCursor: cursor },
    "is missing": { hasNextPage: true, hasPreviousPage: false },
  })) {
    test(`all() ends where the cursor of a server ${title}`, { timeout }, async () => {
      proxy.responseHandler = ({ responseBody }) => {
        const { result } = JSON.parse(responseBody);
        return { status: 200, body: JSON.stringify({ pagination, result: result.slice(0, 1) }) };
      };
      const { pages, error } = await goThrough(everything, { first: 1 });
      assert.equal(error?.code, "invalid_response", error?.message);
      assert.equal(error.retryable, false);
      assert.match(error.validationErrors.join(), /pagination.endCursor/);
      assert.ok(pages.length <= 2, `${pages.length} pages`);
    });
  }

  // Each of these goes to an address that no other call of the page was for: what a browser remembers of one counts for the next.
  const calls = {
    "GET with a token": { preflights: 1, call: ({ unused, ...target }) => lab.client.incomingPayment.list(target, { cursor: unused }) },
    "GET without a token": { preflights: 0, call: ({ walletAddress }) => lab.client.walletAddress.get({ url: walletAddress }) },
    POST: {
      preflights: 1,
      call: ({ url, accessToken, walletAddress, receiver }) =>
        lab.client.quote.create(
          { url, accessToken },
          { walletAddress, receiver, method: "ilp", debitAmount: { value: "100", assetCode: "EUR", assetScale: 2 } },
        ),
    },
  };
  for (const [title, { preflights, call }] of Object.entries(calls)) {
    test(`five equal calls in a row, ${title}, cause ${preflights} preflight${preflights === 1 ? "" : "s"}`, { timeout }, async () => {
      const [receiver] = (await goThrough(1)).ids;
      const options = JSON.stringify({ ...target, receiver, unused: randomUUID() });
      const [, requests] = await during(proxy, () =>
        shop.run(`(async () => { for (let i = 0; i < 5; i += 1) await (${call})(${options}); })()`),
      );
      const sent = requests.filter(({ method }) => method !== "OPTIONS");
      assert.deepEqual(
        sent.map(({ status }) => status),
        Array(5).fill(title === "POST" ? 201 : 200),
      );
      assert.equal(requests.length - sent.length, preflights);
    });
  }
});
