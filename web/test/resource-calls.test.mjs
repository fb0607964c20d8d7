// What our client does with the calls of resources before and after the server: arguments, payment pointers, which calls share a
// request, what a read without a token carries, and what may be tried again.

import assert from "node:assert/strict";
import { afterEach, before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { startServer } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;

const amount = { value: "5", assetCode: "USD", assetScale: 2 };
const walletAddress = "https://wallet.example/alice";
const receiver = "https://rs.example/incoming-payments/1";
const payment = {
  id: "https://rs.example/outgoing-payments/1",
  walletAddress,
  failed: false,
  receiver,
  receiveAmount: amount,
  debitAmount: amount,
  sentAmount: { ...amount, value: "0" },
  createdAt: "2026-11-28T12:00:00Z",
};

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, server, lab;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite(), startServer());
    lab = await Lab.open(browser, site);
    await lab.run(async () => {
      const { createAuthenticatedClient, createUnauthenticatedClient, key } = lab;
      lab.options = { walletAddressUrl: "https://shop.example/client", key };
      lab.signed = await createAuthenticatedClient(lab.options);
      lab.unsigned = await createUnauthenticatedClient();
    });
  });

  afterEach(() => {
    server.requests.length = server.preflights.length = 0;
  });

  /** Makes a call of a client of the page, by its name: "signed quote.create". */
  const call = (name, ...args) =>
    lab.outcome(
      async (name, args) => {
        const [client, method] = name.split(" ");
        const [resource, operation] = method.split(".");
        return lab[client][resource][operation](...args);
      },
      name,
      args,
    );

  /** A target whose response is a document, at an address of its own. */
  const responding = (document) => {
    const { url, accessToken } = server.continuation(`body/${encodeURIComponent(JSON.stringify(document))}`);
    return { url, accessToken };
  };

  const requestsBelow = ({ url }) => server.requests.filter((request) => request.url.startsWith(url));

  test("a read without a token is not signed, carries accept alone and needs no preflight", { timeout }, async () => {
    const document = { receivedAmount: amount, authServer: "https://as.example/" };
    for (const name of ["unsigned incomingPayment.get", "signed incomingPayment.getPublic"]) {
      const target = responding(document);
      const { value, error } = await call(name, target); // a token that is there is of no concern
      assert.equal(error, undefined, error?.message);
      assert.deepEqual(value, document);
      const [{ method, headers }] = requestsBelow(target);
      assert.equal(method, "GET");
      assert.equal(headers.accept, "application/json");
      const kept = Object.keys(headers).filter((header) => /^(authorization|signature|content-|cookie|referer|x-)/.test(header));
      assert.deepEqual(kept, []);
    }
    assert.deepEqual(server.preflights, []);
  });

  test("an unsigned read follows a redirect, and a signed one does not", { timeout }, async () => {
    const { error } = await call("signed quote.get", { url: `${server.origin}/redirect/302`, accessToken: "token" });
    assert.equal(error.code, "redirected");
    server.requests.length = server.preflights.length = 0;
    await call("unsigned incomingPayment.get", { url: `${server.origin}/redirect/302` });
    assert.deepEqual(
      server.requests.map(({ target }) => target),
      ["/redirect/302", "/target/1"],
    );
  });

  test("a payment of one quote is made once by equal calls at once, other creates are made each", { timeout }, async () => {
    const twice = (name, target, args) =>
      lab.run(
        async (name, target, args) => {
          const [resource, operation] = name.split(".");
          const make = () => lab.signed[resource][operation](target, args).then(({ id }) => id);
          return Promise.all([make(), make()]);
        },
        name,
        target,
        args,
      );
    for (const [name, document, args, count] of [
      ["outgoingPayment.create", payment, { walletAddress, quoteId: "https://rs.example/quotes/1" }, 1],
      ["outgoingPayment.create", payment, { walletAddress, incomingPayment: receiver, debitAmount: amount }, 2],
    ]) {
      const target = responding(document);
      assert.deepEqual(await twice(name, target, args), [document.id, document.id]);
      assert.equal(requestsBelow(target).length, count, JSON.stringify(args));
    }
  });

  test("a create that may have been processed is not to be tried again, and a read is", { timeout }, async () => {
    const args = { walletAddress, quoteId: "https://rs.example/quotes/1" };
    for (const behaviour of ["reset", "cut", "error/500/500", "text/502"]) {
      const paid = await call("signed outgoingPayment.create", server.continuation(behaviour), args);
      assert.equal(paid.error.retryable, false, `${behaviour}: ${paid.error.code}`);
      const read = await call("signed quote.get", server.continuation(behaviour));
      assert.equal(read.error.retryable, true, `${behaviour}: ${read.error.code}`);
    }
    const busy = await call("signed outgoingPayment.create", server.continuation("error/429/429"), args);
    assert.equal(busy.error.retryable, true, "429 says that nothing was processed");
    const isRetryable = (name, url, ...args) =>
      lab.run(
        async (name, url, args) => {
          const client = await lab.createAuthenticatedClient({ ...lab.options, requestTimeoutMs: 300 });
          const [resource, operation] = name.split(".");
          const { code, retryable } = await client[resource][operation]({ url, accessToken: "token" }, ...args).catch((error) => error);
          return [code, retryable];
        },
        name,
        url,
        args,
      );
    assert.deepEqual(await isRetryable("outgoingPayment.create", server.continuation("never").url, args), ["timeout", false]);
    assert.deepEqual(await isRetryable("quote.get", server.continuation("never").url), ["timeout", true]);
  });

  test("a create whose response is wrong says what was made, and is not to be tried again", { timeout }, async () => {
    const target = responding({ ...payment, sentAmount: { ...amount, value: "6" }, createdAt: 5 });
    const { error } = await call("signed outgoingPayment.create", target, { walletAddress, quoteId: "https://rs.example/quotes/1" });
    assert.equal(error.code, "invalid_response");
    assert.equal(error.retryable, false);
    assert.deepEqual(error.details, { id: payment.id });
    assert.match(error.validationErrors.join("; "), /createdAt/);
  });

  test("validateResponses: false takes any JSON", { timeout }, async () => {
    const target = responding({ anything: true });
    const value = await lab.run(async (target) => {
      const client = await lab.createAuthenticatedClient({ ...lab.options, validateResponses: false });
      return client.quote.get(target);
    }, target);
    assert.deepEqual(value, { anything: true });
  });

  test("a payment pointer is a wallet address, wherever one is taken", { timeout }, async () => {
    const url = "https://wallet.example/alice";
    const created = responding(payment);
    await call("signed outgoingPayment.create", created, { walletAddress: "$wallet.example/alice", quoteId: "q" });
    assert.equal(JSON.parse(requestsBelow(created)[0].body).walletAddress, url);
    const listed = responding({ pagination: { hasNextPage: false, hasPreviousPage: false }, result: [] });
    await call("signed quote.get", listed);
    await call("signed incomingPayment.list", { ...listed, walletAddress: "$wallet.example" });
    const { searchParams } = new URL(requestsBelow(listed).at(-1).url);
    assert.equal(searchParams.get("wallet-address"), "https://wallet.example/.well-known/pay");
    const read = await lab.run(async () => {
      const asked = [];
      const fetch = async (url) => {
        asked.push(String(url));
        return new Response("{}");
      };
      const client = await lab.createUnauthenticatedClient({ fetch });
      for (const method of ["get", "getKeys", "getDIDDocument"]) {
        await client.walletAddress[method]({ url: "$wallet.example/alice" }).catch(() => {});
      }
      return asked;
    });
    assert.deepEqual(read, [url, `${url}/jwks.json`, `${url}/did.json`]);
    const granted = responding({});
    const access = [{ type: "outgoing-payment", actions: ["create"], identifier: "$wallet.example/alice" }];
    await call("signed grant.request", granted, { access_token: { access } });
    assert.equal(JSON.parse(requestsBelow(granted)[0].body).access_token.access[0].identifier, url);
  });

  test("a slash at the end of the resource server is not doubled", { timeout }, async () => {
    const target = responding(payment);
    await call("signed quote.create", { ...target, url: `${target.url}/` }, { walletAddress, receiver, method: "ilp" });
    assert.equal(requestsBelow(target)[0].url, `${target.url}/quotes`);
  });

  const target = { url: "https://rs.example/op", accessToken: "token" };
  const collection = { ...target, walletAddress };
  const quote = { walletAddress, receiver, method: "ilp" };
  for (const [name, args, argument] of [
    ["signed quote.get", [undefined], "target"],
    ["signed quote.get", [{ ...target, url: undefined }], "url"],
    ["signed quote.get", [{ ...target, url: "quotes/1" }], "url"],
    ["signed quote.get", [{ url: target.url }], "accessToken"],
    ["signed quote.get", [{ ...target, url: "http://rs.example/quotes/1" }], "url"],
    ["signed quote.get", [{ ...target, signal: "signal" }], "signal"],
    ["signed walletAddress.get", [{}], "url"],
    ["unsigned walletAddress.get", [{ url: "wallet.example" }], "url"],
    ["signed quote.create", [target], "args"],
    ["signed quote.create", [target, "args"], "args"],
    ["signed quote.create", [target, { ...quote, walletAddress: undefined }], "args.walletAddress"],
    ["signed quote.create", [target, { ...quote, debitAmount: { ...amount, value: 5 } }], "args.debitAmount.value"],
    ["signed quote.create", [target, { ...quote, debitAmount: { ...amount, value: "5.00" } }], "args.debitAmount.value"],
    [
      "signed quote.create",
      [target, { ...quote, receiveAmount: { ...amount, value: "18446744073709551616" } }],
      "args.receiveAmount.value",
    ],
    ["signed quote.create", [target, { ...quote, debitAmount: { ...amount, assetScale: 256 } }], "args.debitAmount.assetScale"],
    ["signed incomingPayment.list", [target], "walletAddress"],
    ["signed incomingPayment.list", [collection, 5], "pagination"],
    ["signed incomingPayment.list", [collection, { first: 0 }], "first"],
    ["signed incomingPayment.list", [collection, { first: 101 }], "first"],
    ["signed incomingPayment.list", [collection, { first: "5" }], "first"],
    ["signed incomingPayment.list", [collection, { last: 1.5, cursor: "c" }], "last"],
    ["signed incomingPayment.list", [collection, { last: 5 }], "last"],
    ["signed incomingPayment.list", [collection, { first: 5, last: 5, cursor: "c" }], "last"],
    ["signed incomingPayment.list", [collection, { cursor: "" }], "cursor"],
  ]) {
    test(`${name} refuses ${JSON.stringify(args)}, by the name of ${argument}`, { timeout }, async () => {
      const { error } = await call(name, ...args);
      assert.equal(error?.kind, "TypeError", JSON.stringify(error));
      assert.ok(error.message.startsWith(`"${argument}" `), error.message);
      assert.deepEqual([server.requests, server.preflights], [[], []]);
    });
  }

  test("all() refuses to go backwards, before it sends anything", { timeout }, async () => {
    const message = await lab.run(
      (collection) =>
        lab.signed.incomingPayment
          .all(collection, { last: 5, cursor: "c" })
          .next()
          .catch((error) => error.message),
      collection,
    );
    assert.match(message, /^"last" must not be given/);
  });

  test("nothing that was said holds a secret", () => lab.assertSilent(["token-1-"]));
});
