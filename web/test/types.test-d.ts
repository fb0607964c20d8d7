// What compiles here is what people can write. `tsc` checks it; nothing runs.

import type * as official from "@interledger/open-payments";
import * as ours from "open-payments-wasm";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <_ extends true>() => {};

// What people hand from one package to the other is assignable both ways.
same<Same<official.PendingGrant, ours.PendingGrant>>();
same<Same<official.GrantContinuation, ours.GrantContinuation>>();
same<Same<official.Grant, ours.Grant>>();
same<Same<official.AccessToken, ours.AccessToken>>();
same<Same<official.GrantWithAccessToken, ours.GrantWithAccessToken>>();
same<Same<official.GrantWithSubject, ours.GrantWithSubject>>();
same<Same<official.GrantRequest, ours.GrantRequest>>();
same<Same<official.GrantContinuationRequest, ours.GrantContinuationRequest>>();
same<Same<official.JWK, ours.JWK>>();
same<Same<official.JWKS, ours.JWKS>>();
same<Same<official.Client, ours.Client>>();
same<Same<official.Subject, ours.Subject>>();
same<Same<official.AccessItem, ours.AccessItem>>();
same<Same<official.AccessType, ours.AccessType>>();
same<Same<official.AccessAction, ours.AccessAction>>();
same<Same<official.WalletAddress, ours.WalletAddress>>();
same<Same<official.IncomingPayment, ours.IncomingPayment>>();
same<Same<official.IncomingPaymentWithPaymentMethods, ours.IncomingPaymentWithPaymentMethods>>();
same<Same<official.IlpPaymentMethod, ours.IlpPaymentMethod>>();
same<Same<official.PublicIncomingPayment, ours.PublicIncomingPayment>>();
same<Same<official.Quote, ours.Quote>>();
same<Same<official.OutgoingPayment, ours.OutgoingPayment>>();
same<Same<official.OutgoingPaymentWithSpentAmounts, ours.OutgoingPaymentWithSpentAmounts>>();
same<Same<official.OutgoingPaymentGrantSpentAmounts, ours.OutgoingPaymentGrantSpentAmounts>>();
ours.AccessType satisfies typeof official.AccessType;
ours.AccessAction satisfies typeof official.AccessAction;

declare const grant: ours.Grant | ours.GrantContinuation;
if (ours.isFinalizedGrantWithAccessToken(grant)) grant.access_token.value satisfies string;
if (ours.isFinalizedGrantWithSubject(grant)) grant.subject.sub_ids[0]?.id satisfies string | undefined;

declare const key: ours.KeyHandle;
void ours.continueGrant({ url: new URL("https://as.example/"), accessToken: "t", interactRef: "r", key });
void ours.continueGrant({ url: "https://as.example/", accessToken: "t", key: { keyId: "k", sign: (data) => data } });
void ours.continueGrant({ url: "https://as.example/", accessToken: "t", key: { keyId: "k", privateKey: "-----BEGIN" }, timeoutMs: 1 });

// @ts-expect-error the key is missing
void ours.continueGrant({ url: "https://as.example/", accessToken: "t" });
// @ts-expect-error a key needs its id
void ours.continueGrant({ url: "https://as.example/", accessToken: "t", key: { privateKey: "x" } });
// @ts-expect-error a token is a string
void ours.continueGrant({ url: "https://as.example/", accessToken: 1, key });

// Every member that may be missing may be undefined, whatever exactOptionalPropertyTypes says.
const nothing = {
  interactRef: undefined,
  validateResponses: undefined,
  signal: undefined,
  timeoutMs: undefined,
  fetch: undefined,
  useHttp: undefined,
};
void ours.continueGrant({ url: "https://as.example/", accessToken: "t", key, ...nothing });
void ours.pollGrant({ url: new URL("https://as.example/"), accessToken: "t", key, ...nothing, wait: undefined, onProgress: undefined });
void ours.generateKey({ keyId: undefined, fallback: undefined, extractable: undefined });
void ours.importKey("pem", { keyId: undefined, fallback: undefined });
void ours.saveKey("wallet", key, { persist: undefined, plaintext: undefined });
void ours.checkPublished(key, new URL("https://wallet.example/shop"), { signal: undefined, fetch: undefined });
void ours.verifyInteractionHash({
  clientNonce: "c",
  serverNonce: "s",
  interactRef: "r",
  hash: "h",
  grantEndpoint: new URL("https://as.example/"),
  hashMethod: undefined,
});
void ours.createAuthenticatedClient({
  walletAddressUrl: new URL("https://wallet.example/shop"),
  key,
  privateKey: undefined,
  keyId: undefined,
  requestTimeoutMs: undefined,
  validateResponses: undefined,
  store: undefined,
  useHttp: undefined,
  fetch: undefined,
});
void ours.openWalletPopup({} as ours.PendingGrant, { signal: undefined, features: undefined });
void ours.openWalletTab({} as ours.PendingGrant, {
  tabs: {} as ours.ExtensionTabs,
  finishUri: new URL("https://shop.example/"),
  signal: undefined,
});
void ours.init({ wasm: undefined, deferred: undefined });
new ours.OpenPaymentsClientError("message", {
  status: undefined,
  code: undefined,
  cause: undefined,
  responseText: undefined,
  pending: undefined,
});
ours.buildInfo.tag satisfies string;

const args: ours.CreateAuthenticatedClientArgs = { walletAddressUrl: "https://wallet.example/shop", privateKey: "-----BEGIN", keyId: "k" };
void ours.createAuthenticatedClient(args);

declare const client: ours.AuthenticatedClient;
const target = { url: new URL("https://as.example/"), accessToken: "t", signal: undefined };
const outgoing = { type: "outgoing-payment" as const, actions: [ours.AccessAction.Create], identifier: "https://wallet.example/me" };
const amount = { value: "1", assetCode: "EUR", assetScale: 2 };
void client.grant.request(target, {
  access_token: { access: [{ ...outgoing, limits: undefined }] },
  interact: undefined,
  subject: undefined,
});
void client.grant.request(
  target,
  {
    access_token: {
      access: [{ ...outgoing, limits: { receiver: undefined, interval: undefined, debitAmount: amount, receiveAmount: undefined } }],
    },
    interact: { start: ["redirect"], finish: undefined },
  },
  undefined,
);
void client.grant.continue(target, undefined);

const page = { ...target, walletAddress: new URL("https://wallet.example/alice") };
void client.outgoingPayment.list(page, { first: 10, cursor: undefined });
void client.outgoingPayment.list(page, { last: 10, cursor: "c" });
// @ts-expect-error forwards or backwards
void client.outgoingPayment.list(page, { first: 10, last: 10 });
// @ts-expect-error every page is read, from the first
client.outgoingPayment.all(page, { last: 10, cursor: "c" });
void (async () => {
  for await (const payment of client.incomingPayment.all(page, { first: 10 })) payment.receivedAmount.value satisfies string;
});
void client.quote.create(target, { walletAddress: "w", receiver: "r", method: "ilp", debitAmount: amount, receiveAmount: undefined });
// @ts-expect-error one amount
void client.quote.create(target, { walletAddress: "w", receiver: "r", method: "ilp", debitAmount: amount, receiveAmount: amount });
void ours.createUnauthenticatedClient({ requestTimeoutMs: undefined, validateResponses: undefined, useHttp: undefined, fetch: undefined });
void client.grant.cancel(target, { ignoreGone: undefined, store: undefined });
void client.grant.start(
  target,
  {
    access_token: { access: [outgoing] },
    subject: undefined,
    interact: {
      start: ["redirect"],
      finish: { method: "redirect", uri: new URL("https://shop.example/"), nonce: undefined, hash_method: undefined },
    },
  },
  { store: undefined },
);
void client.grant.finish(new URL("https://shop.example/"), { store: undefined, signal: undefined, pending: undefined });
void client.grant.pending({ store: undefined, signal: undefined });
void client.grant.forget("id", { store: undefined, signal: undefined });
void client.token.rotate(target);
declare const issued: ours.GrantWithAccessToken;
void (async () => {
  const kept = await client.withGrant(issued, { name: undefined, store: undefined, signal: undefined });
  const opened = await client.withGrant({ name: "tips", store: undefined, signal: undefined });
  // @ts-expect-error there may be none
  opened.name;
  const place = { url: new URL("https://rs.example/"), signal: undefined };
  (await kept.outgoingPayment.create(place, { walletAddress: "w", quoteId: "q" })) satisfies ours.OutgoingPaymentWithSpentAmounts;
  (await kept.incomingPayment.complete(place)) satisfies ours.IncomingPayment;
  (await kept.incomingPayment.list({ ...place, walletAddress: "w" }, { first: 1 })) satisfies ours.IncomingPaymentPaginationResult;
  for await (const payment of kept.outgoingPayment.all({ ...place, walletAddress: "w" })) payment.sentAmount satisfies ours.Amount;
  (await kept.walletAddress.get(place)) satisfies ours.WalletAddress;
  (await kept.grant({ signal: undefined })).access_token.manage satisfies string;
  (await kept.revoke()) satisfies void;
  // @ts-expect-error the token is the grant's
  void kept.quote.get({ url: "https://rs.example/", accessToken: "t" });
  // @ts-expect-error a list is of a wallet address
  void kept.outgoingPayment.list(place);
});
// @ts-expect-error it has no token
void client.withGrant({} as ours.PendingGrant);
const both = { debitAmount: amount, receiveAmount: amount };
// @ts-expect-error at most one of the amounts
void client.grant.request(target, { access_token: { access: [{ ...outgoing, limits: both }] } });

// The web's fetch, with a token, and without what a signed request fixes.
void client.fetch(new URL("https://rs.example/"));
void client.fetch(new Request("https://rs.example/"), { accessToken: undefined, signal: undefined, body: undefined, method: undefined });
void client
  .fetch("https://rs.example/", { accessToken: "t", method: "POST", headers: { a: "b" }, body: new FormData(), cache: "no-store" })
  .then((response) => response.body?.getReader());
// @ts-expect-error what the profile fixes
void client.fetch("https://rs.example/", { credentials: "include" });
// @ts-expect-error what the profile fixes
void client.fetch("https://rs.example/", { redirect: "follow" });

// A payment in two calls.
const order: ours.PaymentOrder = {
  key: "1",
  from: "$wallet.example/alice",
  to: new URL("https://shop.example/till"),
  receiveAmount: amount,
  metadata: { order: 1 },
  finishUri: "https://shop.example/callback",
};
void client.payment.start(order, { signal: undefined, store: undefined }).then((started) => {
  started.quote.debitAmount satisfies ours.Amount;
  ours.redirectToWallet(started);
  void ours.openWalletPopup(started);
});
void client.payment.finish(new URL("https://shop.example/callback")).then(async (accepted) => {
  const seen = await client.payment.watch(accepted, { timeoutMs: 1000, onProgress: ({ outgoingPayment }) => outgoingPayment.failed });
  seen.receivedAmount satisfies ours.Amount | undefined;
  for (const { id, step, startedAt } of await client.payment.pending()) {
    startedAt satisfies Date;
    if (step === "paying") (await client.payment.resume(id)) satisfies ours.OutgoingPayment;
    (await client.payment.forget(id)) satisfies ours.OutgoingPayment | undefined;
  }
});
// @ts-expect-error it has no key
void client.payment.start({ from: "a", to: "b", finishUri: "c" });

// A caller of the official clients can be handed ours: arguments and results fit.
client satisfies official.AuthenticatedClient;
declare const unauthenticated: ours.UnauthenticatedClient;
unauthenticated satisfies official.UnauthenticatedClient;

const error = new ours.OpenPaymentsClientError("message");
if (error.code === "too_fast") error.retryable satisfies boolean;
// @ts-expect-error it is not to be changed
error.code = "timeout";
