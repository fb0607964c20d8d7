// One script over every resource, run by the official Node client with its validation on, and by ours in Node and in the browsers,
// each against sandboxes of its own: the same responses, field by field, and the same failures. Where ours says something else on
// purpose, the difference is named here, with its reason.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { before, describe, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { clientInNode, clientInPage, officialClient } from "./harness/clients.mjs";
import { continuation, management } from "./harness/grants.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";
import { normalised } from "./harness/trace.mjs";

const timeout = 60_000;
const days = 24 * 60 * 60_000;
const usd = (value) => ({ value, assetCode: "USD", assetScale: 2 });
const eur = (value) => ({ value, assetCode: "EUR", assetScale: 2 });
const later = (milliseconds) => new Date(Date.now() + milliseconds).toISOString();

const inactive = [403, "Inactive Token", "inactive_token"];
const insufficient = [403, "Insufficient Grant", "insufficient_grant"];
const overLimit = [403, "unauthorized", "limit_exceeded"];
const unknownId = [401, "Unauthorized", "not_found"];
const invalidQuote = [400, "invalid quote", "invalid_quote"];
const invalidAmount = [400, "invalid amount", "invalid_amount"];
const invalidReceiver = [400, "invalid receiver", "invalid_receiver"];
const invalidExpiry = [400, "invalid expiresAt", "invalid_expires_at"];
const againstSchema = [400, /^Received error validating OpenAPI request: ./, "400"];
const failedText = [500, "Internal Server Error", "http_error"];

/** Every call that fails: what the server says, with which status, and our code. The official client's code is the status, as text. */
const failures = {
  "a token that nobody knows": inactive,
  "a token that was rotated": inactive,
  "a token that was revoked": inactive,
  "a token that has expired": inactive,
  "an action that was not granted": insufficient,
  "access of another type": insufficient,
  "a wallet that the grant is not for": insufficient,
  "a wallet address in upper case": insufficient,
  "over the limit": overLimit,
  "over what is left of the limit": overLimit,
  "over the limit of what is received": overLimit,
  "another receiver than that of the grant": overLimit,
  "before the first interval": overLimit,
  "after the last interval": overLimit,
  "an incoming payment that nobody knows": unknownId,
  "an incoming payment that nobody knows, completed": unknownId,
  "an incoming payment that nobody knows, public": unknownId,
  "an incoming payment that expired unpaid": unknownId,
  "a quote that nobody knows": unknownId,
  "an outgoing payment that nobody knows": unknownId,
  "a quote that nobody knows, paid": [404, "unknown quote", "404"],
  "another client's incoming payment": [404, "Incoming payment does not exist", "404"],
  "another client's outgoing payment": [404, "Outgoing payment does not exist", "404"],
  "a quote that has expired": invalidQuote,
  "a quote that was used": invalidQuote,
  "a quote that was used, over the limit": invalidQuote,
  "a quote whose receiver was completed": invalidQuote,
  "an incoming amount of another currency": invalidAmount,
  "an incoming amount of another scale": invalidAmount,
  "an incoming amount of 0": invalidAmount,
  "a debit amount of another currency": invalidAmount,
  "a debit amount of 0": invalidAmount,
  "a debit amount of which nothing arrives": invalidAmount,
  "a receive amount of another currency": invalidAmount,
  "a receive amount of 0": invalidAmount,
  "more than the receiver takes": invalidAmount,
  "a receiver that was completed": invalidReceiver,
  "a receiver that has expired": invalidReceiver,
  "a receiver that nobody knows": invalidReceiver,
  "a receiver on a server that nobody knows": invalidReceiver,
  "expiresAt in the past": invalidExpiry,
  "expiresAt too far away": invalidExpiry,
  "completed twice": [409, "wrong state", "wrong_state"],
  "a quote without a receiver": againstSchema,
  "a quote with both amounts": againstSchema,
  "a receiver that is no incoming payment": againstSchema,
  "metadata that is no object": againstSchema,
  "a malformed id": failedText,
  "a wallet that nobody knows": [404, "Wallet address does not exist", "404"],
  "a DID document": [404, "Wallet address does not exist", "404"],
  "another key": [401, "Signature validation error: provided signature is invalid", "401"],
  "a key id that nobody knows": [401, "Signature validation error: could not find key in list of client keys", "401"],
};

/** What our client refuses before anything is sent: what the server tells the official one, and the argument that ours names. */
const refused = {
  "an amount beyond 64 bits": [[500, "Internal Server Error"], "args.incomingAmount.value"],
  "an amount that is no whole number": [[400, /must match format/], "args.incomingAmount.value"],
  "an amount that is a number": [[400, /must be string/], "args.incomingAmount.value"],
  "an amount without an asset": [againstSchema, "args.incomingAmount.assetCode"],
  "last without a cursor": [[400, "last requires cursor"], "last"],
  "first and last": [[400, "first and last are mutually exclusive"], "last"],
  "too many on a page": [againstSchema, "first"],
};

/** Where the official client does not tell what the server said: what it tells, and what ours does. */
const different = {
  // It tries a GET that met a 500 again, signs what is signed already, and tells that the second signature was refused.
  "a malformed cursor": [[401, /^Signature validation error: missing keyId/], failedText],
};

/** Runs the script with a client and returns the outcome of every step. */
async function run(connect) {
  const flags = ["-lenient", "-wait", "0s"];
  const sandboxes = await Promise.all([
    startSandbox(...flags, "-peer-addr", "127.0.0.1:0"),
    startSandbox(...flags, "-quote-lifetime", "1ms"),
    startSandbox(...flags, "-token-lifetime", "1ms"),
  ]);
  try {
    const [main, ...others] = sandboxes;
    const outcomes = {};
    const connections = await Promise.all([main, ...others].map((places) => connectTo(places, connect, "client", outcomes)));
    const other = await connectTo(main, connect, "other", outcomes);
    await succeed(connections[0]);
    await payPeer(connections[0]);
    await fail(connections[0], other, outcomes);
    await failBriefly(connections[1], connections[2]);
    const names = { [main.sandbox]: "<sandbox>", [new URL(main.peer.authServer).origin]: "<peer>" };
    for (const { sandbox } of others) names[sandbox] = "<brief sandbox>";
    return normalised(outcomes, names);
  } finally {
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop()));
  }
}

/** A client of a sandbox whose key is published there, and what the script needs to call it. */
async function connectTo(places, connect, name, outcomes) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const jwk = { kid: "key-1", alg: "EdDSA", ...publicKey.export({ format: "jwk" }) };
  const walletAddressUrl = await publishKey(places, name, jwk);
  const options = { walletAddressUrl, keyId: "key-1", privateKey: privateKey.export({ format: "pem", type: "pkcs8" }) };
  const call = await connect(options);
  /** Makes a call and notes its outcome. */
  const step = async (title, ...made) => {
    assert.ok(!(title in outcomes), `${title} is there twice`);
    return (outcomes[title] = await call(...made));
  };
  /** Makes a call that must succeed, notes its outcome where it has a title, and returns its value. */
  const value = async (title, ...made) => {
    const outcome = title ? await step(title, ...made) : await call(...made);
    assert.equal(outcome.error, undefined, `${title ?? made[0]}: ${outcome.error?.message} ${outcome.error?.description}`);
    return outcome.value;
  };
  /** Makes a call of a client without a key, and notes its outcome. */
  const visit = async (title, ...made) => {
    outcomes[title] = await (await connect({}))(...made);
  };
  /** A token for which nobody has to be asked. */
  const tokenFor = async (type, actions, { at = places, identifier } = {}) => {
    const access = [{ type, actions, identifier }];
    return (await value(undefined, "grant.request", { url: at.authServer }, { access_token: { access } })).access_token;
  };
  /** A token for outgoing payments of alice, which the person approves. */
  const spend = async (limits, actions = ["create", "read", "list"]) => {
    const access = [{ type: "outgoing-payment", actions, identifier: places.wallets.alice, limits }];
    const finish = { method: "redirect", uri: "http://localhost:3000/back", nonce: "nonce" };
    const request = { access_token: { access }, interact: { start: ["redirect"], finish } };
    const pending = await value(undefined, "grant.request", { url: places.authServer }, request);
    const interact_ref = (await decide(pending, "approve")).searchParams.get("interact_ref");
    return (await value(undefined, "grant.continue", continuation(pending), { interact_ref })).access_token;
  };
  return { places, options, connect, step, visit, value, tokenFor, spend, url: `${places.sandbox}/op` };
}

/** Makes every call in ways that succeed. */
async function succeed({ places, url, options, visit, value, tokenFor, spend }) {
  const { alice, bob } = places.wallets;
  await value("wallet address", "walletAddress.get", { url: alice });
  await value("wallet address, spelled otherwise", "walletAddress.get", { url: alice.replace("alice", "ALICE/") });
  await value("keys of a client", "walletAddress.getKeys", { url: options.walletAddressUrl });
  await value("no keys", "walletAddress.getKeys", { url: bob });

  const incoming = await tokenFor("incoming-payment", ["create", "read", "list", "complete"]);
  const receiving = { url, accessToken: incoming.value };
  const at = ({ id }) => ({ url: id, accessToken: incoming.value });
  const receive = (title, args) => value(title, "incomingPayment.create", receiving, { walletAddress: bob, ...args });
  const empty = await value("no incoming payments", "incomingPayment.list", { ...receiving, walletAddress: bob });
  assert.deepEqual(empty.result, []);
  const open = await receive("incoming payment");
  const full = await receive("incoming payment with everything", {
    incomingAmount: eur("1000"),
    expiresAt: later(60_000),
    metadata: { text: "<&>\u2028 ä €", list: [1, 2.5, null], nested: { deep: true } },
  });
  await receive("incoming payment of the most there is", { incomingAmount: eur("18446744073709551615") });
  await value("incoming payment, read", "incomingPayment.get", at(full));
  await value("incoming payment, public", "incomingPayment.getPublic", { url: full.id });
  await visit("incoming payment, to a visitor", "incomingPayment.get", { url: full.id });
  await visit("wallet address, to a visitor", "walletAddress.get", { url: bob });
  await pages(value, "incomingPayment", { ...receiving, walletAddress: bob });

  const quoting = { url, accessToken: (await tokenFor("quote", ["create", "read"])).value };
  const quote = (title, args) => value(title, "quote.create", quoting, { walletAddress: alice, method: "ilp", receiver: open.id, ...args });
  const whole = await quote("quote", { receiver: full.id });
  const debit = await quote("quote with a debit amount", { debitAmount: usd("1001") });
  const received = await quote("quote with a receive amount", { receiveAmount: eur("333") });
  await value("quote, read", "quote.get", { url: whole.id, accessToken: quoting.accessToken });

  const token = await spend({ debitAmount: usd("10000") });
  const sending = { url, accessToken: token.value };
  const send = (title, args, from = sending) => value(title, "outgoingPayment.create", from, { walletAddress: alice, ...args });
  await value("nothing spent", "outgoingPayment.getGrantSpentAmounts", sending);
  await value("no outgoing payments", "outgoingPayment.list", { ...sending, walletAddress: alice });
  const sent = await send("outgoing payment", { quoteId: whole.id, metadata: { order: "17" } });
  await send("outgoing payment with a debit amount", { quoteId: debit.id });
  await send("outgoing payment without a quote", { incomingPayment: open.id, debitAmount: usd("250") });
  await value("outgoing payment, read", "outgoingPayment.get", { url: sent.id, accessToken: token.value });
  await pages(value, "outgoingPayment", { ...sending, walletAddress: alice });
  await value("spent", "outgoingPayment.getGrantSpentAmounts", sending);
  const byReceived = await spend({ receiveAmount: eur("500"), receiver: open.id });
  await send("outgoing payment to the receiver of the grant", { quoteId: received.id }, { url, accessToken: byReceived.value });
  const monthly = await spend({ debitAmount: usd("500"), interval: `R12/${later(-days)}/P1M` });
  const inInterval = { url, accessToken: monthly.value };
  await send("outgoing payment in an interval", { incomingPayment: open.id, debitAmount: usd("500") }, inInterval);
  await value("spent in an interval", "outgoingPayment.getGrantSpentAmounts", inInterval);

  await value("incoming payment, paid", "incomingPayment.get", at(full));
  await value("incoming payment, completed", "incomingPayment.complete", at(open));
  await value("incoming payment, read when completed", "incomingPayment.get", at(open));

  const rotated = (await value("token, rotated", "token.rotate", management({ access_token: token }))).access_token;
  await value("spent, with a rotated token", "outgoingPayment.getGrantSpentAmounts", { url, accessToken: rotated.value });
  await value("token, revoked", "token.revoke", management({ access_token: rotated }));
}

/** Goes through a list of three in every direction. */
async function pages(value, resource, target) {
  const list = (title, ...pagination) => value(`${resource}.list, ${title}`, `${resource}.list`, target, ...pagination);
  const all = await list("all");
  assert.equal(all.result.length, 3);
  const first = await list("the first page", { first: 2 });
  assert.deepEqual(first.result, all.result.slice(0, 2));
  const next = await list("the next page", { first: 2, cursor: first.pagination.endCursor });
  assert.deepEqual(next.result, all.result.slice(2));
  const previous = await list("the page before", { last: 2, cursor: next.pagination.startCursor });
  assert.deepEqual(previous.result, first.result);
  const nothing = await list("a cursor that nobody knows", { first: 2, cursor: randomUUID() });
  assert.deepEqual(nothing.result, []);
}

/** Pays from a wallet on one server to a wallet on another. */
async function payPeer({ places, url, value, tokenFor, spend }) {
  const { peer } = places;
  const recipient = peer.wallets.bob;
  const { resourceServer } = await value("wallet address on another server", "walletAddress.get", { url: recipient });
  const incoming = await tokenFor("incoming-payment", ["create", "read"], { at: peer });
  const receiving = { url: resourceServer, accessToken: incoming.value };
  const args = { walletAddress: recipient, incomingAmount: eur("800") };
  const { id } = await value("incoming payment on another server", "incomingPayment.create", receiving, args);
  const quoting = { url, accessToken: (await tokenFor("quote", ["create"])).value };
  const asked = { walletAddress: places.wallets.alice, method: "ilp", receiver: id };
  const quote = await value("quote for a receiver on another server", "quote.create", quoting, asked);
  const token = await spend({ debitAmount: quote.debitAmount });
  const paid = { walletAddress: places.wallets.alice, quoteId: quote.id };
  const sending = { url, accessToken: token.value };
  const payment = await value("outgoing payment to another server", "outgoingPayment.create", sending, paid);
  await value("outgoing payment to another server, sent", "outgoingPayment.get", { url: payment.id, accessToken: token.value });
  const arrived = await value("incoming payment on another server, paid", "incomingPayment.get", { url: id, accessToken: incoming.value });
  assert.deepEqual([arrived.completed, arrived.receivedAmount], [true, eur("800")]);
}

/** Makes every call that fails, but for those that need something to expire. */
async function fail(connection, other, outcomes) {
  const { places, url, options, connect, step, value, tokenFor, spend } = connection;
  const { alice, bob, shop } = places.wallets;
  const incoming = (await tokenFor("incoming-payment", ["create", "read", "list", "complete"])).value;
  const quoting = { url, accessToken: (await tokenFor("quote", ["create", "read"])).value };
  const receiving = { url, accessToken: incoming };
  const receive = (title, args) => step(title, "incomingPayment.create", receiving, { walletAddress: bob, ...args });
  const newReceiver = (args) => value(undefined, "incomingPayment.create", receiving, { walletAddress: bob, ...args });
  const open = await newReceiver();
  const asked = { walletAddress: alice, method: "ilp", receiver: open.id };
  const quote = (title, args) => step(title, "quote.create", quoting, { ...asked, ...args });
  const newQuote = (args) => value(undefined, "quote.create", quoting, { ...asked, ...args });
  const pay = (title, token, args) =>
    step(title, "outgoingPayment.create", { url, accessToken: token.value }, { walletAddress: alice, ...args });
  const list = { ...receiving, walletAddress: bob };
  const slow = step("a malformed cursor", "incomingPayment.list", list, { cursor: "malformed" }); // the official client tries it three times

  await step("a token that nobody knows", "incomingPayment.list", { ...list, accessToken: "A".repeat(20) });
  for (const [title, end] of [
    ["a token that was rotated", "token.rotate"],
    ["a token that was revoked", "token.revoke"],
  ]) {
    const token = await tokenFor("incoming-payment", ["create"]);
    await value(undefined, end, management({ access_token: token }));
    await step(title, "incomingPayment.create", { url, accessToken: token.value }, { walletAddress: bob });
  }
  const only = await tokenFor("incoming-payment", ["create"], { identifier: bob });
  const onlyForBob = { url, accessToken: only.value };
  await step("an action that was not granted", "incomingPayment.complete", { url: open.id, accessToken: only.value });
  await step("access of another type", "quote.create", onlyForBob, asked);
  await step("a wallet that the grant is not for", "incomingPayment.create", onlyForBob, { walletAddress: shop });
  await step("a wallet address in upper case", "incomingPayment.create", onlyForBob, { walletAddress: bob.replace("bob", "BOB") });

  const small = await spend({ debitAmount: usd("100") });
  const debit = (value) => ({ incomingPayment: open.id, debitAmount: usd(value) });
  await pay("over the limit", small, debit("101"));
  await value(undefined, "outgoingPayment.create", { url, accessToken: small.value }, { walletAddress: alice, ...debit("60") });
  await pay("over what is left of the limit", small, debit("41"));
  await pay("over the limit of what is received", await spend({ receiveAmount: eur("100") }), debit("127"));
  const another = await newReceiver();
  await pay("another receiver than that of the grant", await spend({ receiver: another.id, debitAmount: usd("100") }), debit("50"));
  for (const [title, interval] of [
    ["before the first interval", `R2/${later(days)}/P1D`],
    ["after the last interval", "R1/2016-08-24T08:00:00Z/P1D"],
  ]) {
    await pay(title, await spend({ debitAmount: usd("100"), interval }), debit("50"));
  }

  const nobodyKnows = (name) => `${url}/${name}/${randomUUID()}`;
  const lost = { url: nobodyKnows("incoming-payments"), accessToken: incoming };
  await step("an incoming payment that nobody knows", "incomingPayment.get", lost);
  await step("an incoming payment that nobody knows, completed", "incomingPayment.complete", lost);
  await step("an incoming payment that nobody knows, public", "incomingPayment.getPublic", { url: lost.url });
  await step("a quote that nobody knows", "quote.get", { ...quoting, url: nobodyKnows("quotes") });
  await step("an outgoing payment that nobody knows", "outgoingPayment.get", {
    url: nobodyKnows("outgoing-payments"),
    accessToken: small.value,
  });
  await pay("a quote that nobody knows, paid", small, { quoteId: nobodyKnows("quotes") });
  const foreign = await other.tokenFor("incoming-payment", ["read"]);
  await other.step("another client's incoming payment", "incomingPayment.get", { url: open.id, accessToken: foreign.value });

  const large = await spend({ debitAmount: usd("10000") });
  const used = await newQuote({ debitAmount: usd("100") });
  const payment = await value(
    undefined,
    "outgoingPayment.create",
    { url, accessToken: large.value },
    { walletAddress: alice, quoteId: used.id },
  );
  await pay("a quote that was used", large, { quoteId: used.id });
  await pay("a quote that was used, over the limit", small, { quoteId: used.id });
  const spendsToo = await other.spend({ debitAmount: usd("1") }, ["read"]);
  await other.step("another client's outgoing payment", "outgoingPayment.get", { url: payment.id, accessToken: spendsToo.value });
  const closing = await newReceiver();
  const stale = await newQuote({ receiver: closing.id, debitAmount: usd("100") });
  await value(undefined, "incomingPayment.complete", { url: closing.id, accessToken: incoming });
  await pay("a quote whose receiver was completed", large, { quoteId: stale.id });

  await receive("an incoming amount of another currency", { incomingAmount: usd("100") });
  await receive("an incoming amount of another scale", { incomingAmount: { ...eur("100"), assetScale: 3 } });
  await receive("an incoming amount of 0", { incomingAmount: eur("0") });
  await quote("a debit amount of another currency", { debitAmount: eur("100") });
  await quote("a debit amount of 0", { debitAmount: usd("0") });
  await quote("a debit amount of which nothing arrives", { debitAmount: usd("1") });
  await quote("a receive amount of another currency", { receiveAmount: usd("100") });
  await quote("a receive amount of 0", { receiveAmount: eur("0") });
  const limited = await newReceiver({ incomingAmount: eur("100") });
  await quote("more than the receiver takes", { receiver: limited.id, receiveAmount: eur("101") });
  await quote("a receiver that was completed", { receiver: closing.id, debitAmount: usd("100") });
  await quote("a receiver that nobody knows", { receiver: nobodyKnows("incoming-payments"), debitAmount: usd("100") });
  const elsewhere = `http://127.0.0.1:9/op/incoming-payments/${randomUUID()}`;
  await quote("a receiver on a server that nobody knows", { receiver: elsewhere, debitAmount: usd("100") });
  await receive("expiresAt in the past", { expiresAt: later(-1000) });
  await receive("expiresAt too far away", { expiresAt: later(31 * days) });
  await step("completed twice", "incomingPayment.complete", { url: closing.id, accessToken: incoming });

  await quote("a quote without a receiver", { receiver: undefined });
  await quote("a quote with both amounts", { debitAmount: usd("100"), receiveAmount: eur("100") });
  await quote("a receiver that is no incoming payment", { receiver: alice, debitAmount: usd("100") });
  await receive("metadata that is no object", { metadata: "order 17" });
  await receive("an amount without an asset", { incomingAmount: { value: "100" } });
  await receive("an amount beyond 64 bits", { incomingAmount: eur("18446744073709551616") });
  await receive("an amount that is no whole number", { incomingAmount: eur("1.5") });
  await receive("an amount that is a number", { incomingAmount: { ...eur("1"), value: 1 } });
  await step("last without a cursor", "incomingPayment.list", list, { last: 2 });
  await step("first and last", "incomingPayment.list", list, { first: 2, last: 2, cursor: randomUUID() });
  await step("too many on a page", "incomingPayment.list", list, { first: 101 });
  await step("a malformed id", "incomingPayment.complete", { url: `${url}/incoming-payments/malformed`, accessToken: incoming });
  await step("a wallet that nobody knows", "walletAddress.get", { url: `${places.sandbox}/nobody` });
  await step("a DID document", "walletAddress.getDIDDocument", { url: alice });

  const { privateKey } = generateKeyPairSync("ed25519");
  const withOtherKey = await connect({ ...options, privateKey: privateKey.export({ format: "pem", type: "pkcs8" }) });
  outcomes["another key"] = await withOtherKey("incomingPayment.create", receiving, { walletAddress: bob });
  const withOtherId = await connect({ ...options, keyId: "key-2" });
  outcomes["a key id that nobody knows"] = await withOtherId("incomingPayment.create", receiving, { walletAddress: bob });
  await slow;
}

/** Makes the calls that fail because something has expired. */
async function failBriefly(briefQuotes, briefTokens) {
  const { places, url, step, value, tokenFor, spend } = briefQuotes;
  const { alice, bob } = places.wallets;
  const accessToken = (await tokenFor("incoming-payment", ["create", "read"])).value;
  const newReceiver = (args) => value(undefined, "incomingPayment.create", { url, accessToken }, { walletAddress: bob, ...args });
  const open = await newReceiver();
  const quoting = { url, accessToken: (await tokenFor("quote", ["create"])).value };
  const asked = { walletAddress: alice, method: "ilp", debitAmount: usd("100") };
  const quote = await value(undefined, "quote.create", quoting, { ...asked, receiver: open.id });
  const token = await spend({ debitAmount: usd("1000") });
  await step(
    "a quote that has expired",
    "outgoingPayment.create",
    { url, accessToken: token.value },
    { walletAddress: alice, quoteId: quote.id },
  );

  const brief = await newReceiver({ expiresAt: later(500) });
  while (Date.parse(brief.expiresAt) >= Date.now()) await new Promise((resolve) => setTimeout(resolve, 20));
  await step("a receiver that has expired", "quote.create", quoting, { ...asked, receiver: brief.id });
  await step("an incoming payment that expired unpaid", "incomingPayment.get", { url: brief.id, accessToken });

  const expired = await briefTokens.tokenFor("incoming-payment", ["create"]);
  const receiving = { url: briefTokens.url, accessToken: expired.value };
  await briefTokens.step("a token that has expired", "incomingPayment.create", receiving, {
    walletAddress: briefTokens.places.wallets.bob,
  });
  await briefTokens.value("a token that has expired, rotated", "token.rotate", management({ access_token: expired }));
}

/** The outcomes of the official client, which every other client must have too. */
let expected;

describe("the official client", () => {
  before(async () => {
    expected = await run(officialClient);
  });

  test("is told by the sandbox what the reference server tells", () => {
    const others = Object.entries({ ...refused, ...different }).map(([title, [theirs]]) => [title, theirs]);
    const wanted = { ...failures, ...Object.fromEntries(others) };
    const failed = Object.entries(expected).filter(([, { error }]) => error);
    assert.deepEqual(failed.map(([title]) => title).sort(), Object.keys(wanted).sort());
    for (const [title, { error }] of failed) {
      const [status, description] = wanted[title];
      assert.equal(error.status, status, title);
      if (description instanceof RegExp) assert.match(error.description, description, title);
      else assert.equal(error.description.trim(), description, title); // a line break at its end helps nobody
      assert.equal(error.code, status === 500 ? undefined : String(status), title);
    }
  });
});

/** Asserts that ours says what the official client says, but for what is named above. */
function assertSame(outcomes) {
  assert.deepEqual(Object.keys(outcomes).sort(), Object.keys(expected).sort());
  const found = {};
  const wanted = {};
  for (const [title, theirs] of Object.entries(expected)) {
    const ours = comparable(outcomes[title]);
    const same = theirs.error ? wantedError(title, theirs.error) : theirs;
    if (isDeepStrictEqual(ours, same)) continue;
    found[title] = ours;
    wanted[title] = same;
  }
  assert.deepEqual(found, wanted);
}

function wantedError(title, theirs) {
  if (refused[title]) return { name: "TypeError", argument: refused[title][1] };
  const [status, description, code] = different[title]?.[1] ?? [theirs.status, theirs.description.trim(), failures[title][2]];
  const { name, details, validationErrors } = theirs;
  const ours = { name, status, description, details: different[title] ? undefined : details, validationErrors, code };
  return { ...ours, retryable: status >= 500 }; // what is wrong with a request is wrong the next time too
}

/** What can be the same in an error: our message names call, status and code, because the message is what ends up in logs. */
function comparable(outcome) {
  if (!outcome.error) return outcome;
  const { name, message, status, description, details, validationErrors, code, retryable } = outcome.error;
  if (name === "TypeError") return { name, argument: /^"([^"]+)"/.exec(message)?.[1] };
  return { name, status, description, details, validationErrors, code, retryable };
}

test("our client in Node", { timeout }, async () => assertSame(await run(await clientInNode())));

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  test("our client", { timeout: 2 * timeout }, async () => {
    const [browser, site] = await start(launch(), startSite());
    assertSame(await run(clientInPage(await Lab.open(browser, site))));
  });
});
