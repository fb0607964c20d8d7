// The guides and snippets of openpayments.dev: one source each, in the folder guides, as a user of @interledger/open-payments
// writes it. It runs with that package in Node, and with ours in the browsers, where only the import line differs, each time
// against a sandbox of its own: the same requests, the same responses, the same money.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { before, describe, test } from "node:test";
import * as official from "@interledger/open-payments";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { during, startProxy } from "./harness/proxy.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";
import { callInNode, callInPage, sourcesForPages } from "./harness/sources.mjs";
import { normalised, traceOf } from "./harness/trace.mjs";

const timeout = 60_000;
const wallets = ["alice", "bob", "shop"]; // alice and shop have dollars, bob has euros

/**
 * What is run: the file, its function, its options, and the money that must have moved: `received` by each wallet and `sent` by alice,
 * in whole cents of their currencies, in the order of the payments. A euro is worth 1.25 dollars.
 */
const guides = {
  "make a one-time payment": {
    file: "one-time-payment.mjs",
    name: "makeOneTimePayment",
    options: ({ alice, shop }) => ({ sender: alice, recipient: shop, value: "1500" }),
    moved: { received: { shop: [1500] }, sent: [1500] },
  },
  "make recurring payments": {
    file: "recurring-payments.mjs",
    name: "makeRecurringPayments",
    options: ({ alice, bob }) => ({ sender: alice, recipient: bob, value: "400", instalments: 3, room: 2 }),
    moved: { received: { bob: [400, 400, 0] }, sent: [500, 500] },
    check: ({ payments, refused }) => {
      assert.equal(payments.length, 2);
      assert.deepEqual(refused, [{ status: 403, description: "unauthorized" }]);
    },
  },
  "split a payment": {
    file: "split-payment.mjs",
    name: "splitPayment",
    options: ({ alice, shop, bob }) => ({
      customer: alice,
      merchant: shop,
      merchantValue: "9900",
      platform: bob,
      platformValue: "80",
    }),
    moved: { received: { shop: [9900], bob: [80] }, sent: [9900, 100] },
  },
  "get a grant for future payments": {
    file: "future-payments.mjs",
    name: "payInFuture",
    options: ({ alice, shop, bob }) => ({ sender: alice, recipients: [shop, bob], budget: "10000", value: "250" }),
    moved: { received: { shop: [250], bob: [200] }, sent: [250, 250] },
    check: ({ before, after }) => {
      assert.equal(before.spentDebitAmount, null);
      assert.equal(after.spentDebitAmount.value, "500");
    },
  },
  "accept a payment for a purchase": {
    file: "online-purchase.mjs",
    name: "acceptPurchase",
    options: ({ alice, shop }) => ({ customer: alice, retailer: shop, price: "14000", order: "order-17" }),
    moved: { received: { shop: [14000] }, sent: [14000] },
    check: ({ paid }) => assert.deepEqual([paid.completed, paid.metadata], [true, { order: "order-17" }]),
  },
  "send a remittance with a fixed debit amount": {
    file: "remittance.mjs",
    name: "sendFixedDebit",
    options: ({ alice, bob }) => ({ sender: alice, recipient: bob, value: "10001" }),
    moved: { received: { bob: [8000] }, sent: [10001] },
  },
  "send a remittance with a fixed receive amount": {
    file: "remittance.mjs",
    name: "sendFixedReceive",
    options: ({ alice, bob }) => ({ sender: alice, recipient: bob, value: "5001" }),
    moved: { received: { bob: [5001] }, sent: [6252] },
  },
  "the snippets": {
    file: "snippets.mjs",
    name: "runSnippets",
    options: ({ alice, bob }) => ({ sender: alice, recipient: bob, debitValue: "1000", receiveValue: "600" }),
    moved: { received: { bob: [600, 600 + 800 + 800] }, sent: [750, 750, 1000, 1000] },
  },
};

/** Runs a guide against a sandbox of its own, and returns what it returned, what went over the wire, and what moved. */
async function run({ file, name, options }, call) {
  const sandbox = await startSandbox("-lenient", "-wait", "0s");
  const proxy = await startProxy(sandbox);
  try {
    const { client: walletAddressUrl, ...key } = await newClient(proxy, "app");
    const addresses = Object.fromEntries(wallets.map((wallet) => [wallet, `${proxy.origin}/${wallet}`]));
    const finishUri = "http://localhost:3000/finish?session=1";
    const [result, requests] = await during(proxy, () => call(file, name, { walletAddressUrl, ...key, finishUri, ...options(addresses) }));
    return {
      ...normalised({ result, trace: traceOf(requests) }, { [proxy.origin]: "<sandbox>" }),
      moved: await moneyMoved(proxy, addresses),
    };
  } finally {
    await Promise.all([proxy.close(), sandbox.stop()]);
  }
}

async function newClient(places, name) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwk = { kid: "key-1", alg: "EdDSA", ...publicKey.export({ format: "jwk" }) };
  const client = await publishKey(places, name, jwk);
  return { client, keyId: "key-1", privateKey: privateKey.export({ format: "pem", type: "pkcs8" }) };
}

/** What the wallets say in the end, to another client that may see everything: { received: { wallet: […] }, sent: […] }. */
async function moneyMoved(places, addresses) {
  const { client: walletAddressUrl, ...key } = await newClient(places, "auditor");
  const client = await official.createAuthenticatedClient({ walletAddressUrl, ...key, validateResponses: false });
  const received = {};
  for (const [wallet, address] of Object.entries(addresses)) {
    const payments = await listAll(client, "incomingPayment", "incoming-payment", address);
    if (payments.length > 0) received[wallet] = payments.map(({ receivedAmount }) => Number(receivedAmount.value));
  }
  const payments = await listAll(client, "outgoingPayment", "outgoing-payment", addresses.alice);
  for (const { failed, sentAmount, debitAmount } of payments) {
    assert.equal(failed, false);
    assert.equal(sentAmount.value, debitAmount.value); // the sandbox takes no fee here
  }
  return { received, sent: payments.map(({ sentAmount }) => Number(sentAmount.value)) };
}

/** Everything of a wallet, the oldest first, once nothing is under way any more. */
async function listAll(client, resource, type, walletAddress) {
  const { authServer, resourceServer } = await client.walletAddress.get({ url: walletAddress });
  const interact = { start: ["redirect"], finish: { method: "redirect", uri: "http://localhost:3000/", nonce: "audit" } };
  const access_token = { access: [{ type, actions: ["list-all", "read-all"], identifier: walletAddress }] };
  let grant = await client.grant.request({ url: authServer }, { access_token, ...(type === "outgoing-payment" && { interact }) });
  if (official.isPendingGrant(grant)) {
    const interact_ref = (await decide(grant, "approve")).searchParams.get("interact_ref");
    grant = await client.grant.continue({ url: grant.continue.uri, accessToken: grant.continue.access_token.value }, { interact_ref });
  }
  let result;
  do
    ({ result } = await client[resource].list(
      { url: resourceServer, accessToken: grant.access_token.value, walletAddress },
      { first: 100 },
    ));
  while (result.some(({ failed, sentAmount }) => sentAmount?.value === "0" && !failed));
  return result.toReversed();
}

/** The outcome of every guide with the official package in Node, each run once. */
const expected = Object.fromEntries(Object.keys(guides).map((title) => [title, once(() => run(guides[title], callInNode))]));

function once(begin) {
  let result;
  return () => (result ??= begin());
}

describe("the official package in Node", () => {
  for (const [title, { moved, check }] of Object.entries(guides)) {
    test(title, { timeout }, async () => {
      const outcome = await expected[title]();
      assert.deepEqual(outcome.moved, moved);
      check?.(outcome.result);
    });
  }
});

describeInBrowsers({ timeout: 5 * timeout, concurrency: 2 }, ({ launch, start }) => {
  let call;

  before(async () => {
    const [browser, site] = await start(launch(), startSite({ special: sourcesForPages() }));
    call = callInPage(await Lab.open(browser, site), site);
  });

  for (const title of Object.keys(guides)) {
    test(title, { timeout: 2 * timeout }, async () => {
      const [ours, theirs] = await Promise.all([run(guides[title], call), expected[title]()]);
      assert.deepEqual(ours.trace, theirs.trace);
      assert.deepEqual(ours.result, theirs.result);
      assert.deepEqual(ours.moved, theirs.moved);
    });
  }
});
