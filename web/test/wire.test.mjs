// The resource server of the sandbox, asked by hand: its responses, failures too, are as the official documents say, and a token is
// worth nothing without the key.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { createHeaders } from "@interledger/http-signature-utils";
import { createAuthenticatedClient } from "@interledger/open-payments";
import { getResourceServerOpenAPI, getWalletAddressServerOpenAPI } from "@interledger/open-payments/dist/openapi/index.js";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";

const keyId = "key-1";
const usd = (value) => ({ value, assetCode: "USD", assetScale: 2 });

let sandbox, url, key, stranger, client, token, receiver, quote, payment;

before(async () => {
  sandbox = await startSandbox("-lenient", "-wait", "0s");
  url = `${sandbox.sandbox}/op`;
  [key, stranger] = await Promise.all(["client", "stranger"].map(newKey));
  client = await createAuthenticatedClient({ walletAddressUrl: key.id, privateKey: key.privateKey, keyId });
  token = await newToken();
  const sending = { url, accessToken: token };
  const { alice, bob } = sandbox.wallets;
  receiver = (await client.incomingPayment.create(sending, { walletAddress: bob })).id;
  const asked = { walletAddress: alice, receiver, method: "ilp", debitAmount: usd("100") };
  [quote, payment] = await Promise.all([1, 2].map(async () => (await client.quote.create(sending, asked)).id));
  payment = (await client.outgoingPayment.create(sending, { walletAddress: alice, quoteId: payment })).id;
});

after(() => sandbox?.stop());

/** Publishes a new key for a client of that name. */
async function newKey(name) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const id = await publishKey(sandbox, name, { kid: keyId, alg: "EdDSA", ...publicKey.export({ format: "jwk" }) });
  return { id, privateKey };
}

/** A token for everything that this file does. */
async function newToken() {
  const access = [
    { type: "incoming-payment", actions: ["create", "read", "list", "complete"] },
    { type: "quote", actions: ["create", "read"] },
    {
      type: "outgoing-payment",
      actions: ["create", "read", "list"],
      identifier: sandbox.wallets.alice,
      limits: { debitAmount: usd("500") },
    },
  ];
  const interact = { start: ["redirect"], finish: { method: "redirect", uri: "http://localhost:3000/back", nonce: "nonce" } };
  const pending = await client.grant.request({ url: sandbox.authServer }, { access_token: { access }, interact });
  const interact_ref = (await decide(pending, "approve")).searchParams.get("interact_ref");
  const continued = { url: pending.continue.uri, accessToken: pending.continue.access_token.value };
  return (await client.grant.continue(continued, { interact_ref })).access_token.value;
}

/** Sends a request by hand. `signer` is the key that signs it, or undefined. */
async function send(method, url, { accessToken, signer, body } = {}) {
  const headers = { accept: "application/json", ...(accessToken && { authorization: `GNAP ${accessToken}` }) };
  const text = body && JSON.stringify(body);
  if (text) headers["content-type"] = "application/json";
  const sent = signer ? await signedHeaders({ method, url, headers, body: text }, signer) : headers;
  const response = await fetch(url, { method, headers: sent, body: text });
  return { status: response.status, body: await response.json().catch(() => undefined), headers: response.headers };
}

/** The headers of a request and those of its signature. */
async function signedHeaders(request, { privateKey }) {
  const headers = new Headers(request.headers);
  const signed = await createHeaders({ request, privateKey, keyId });
  for (const [name, value] of Object.entries(signed)) headers.set(name, value);
  headers.delete("content-length"); // fetch says it itself
  return Object.fromEntries(headers);
}

/** Everything that a token can be used for, completing last: method, address, body. */
const uses = () => {
  const { alice, bob } = sandbox.wallets;
  const list = (path, address) => `${url}/${path}?wallet-address=${encodeURIComponent(address)}`;
  return {
    "create an incoming payment": ["POST", `${url}/incoming-payments`, { walletAddress: bob }],
    "read an incoming payment": ["GET", receiver],
    "list incoming payments": ["GET", list("incoming-payments", bob)],
    "create a quote": ["POST", `${url}/quotes`, { walletAddress: alice, receiver, method: "ilp", debitAmount: usd("100") }],
    "read a quote": ["GET", quote],
    "create an outgoing payment": ["POST", `${url}/outgoing-payments`, { walletAddress: alice, quoteId: quote }],
    "read an outgoing payment": ["GET", payment],
    "list outgoing payments": ["GET", list("outgoing-payments", alice)],
    "read what was spent": ["GET", `${url}/outgoing-payment-grant`],
    "complete an incoming payment": ["POST", `${receiver}/complete`],
  };
};

test("a token is worth nothing without its key", async () => {
  const spent = await client.outgoingPayment.getGrantSpentAmounts({ url, accessToken: token });
  for (const [title, [method, address, body]] of Object.entries(uses())) {
    const unsigned = await send(method, address, { accessToken: token, body });
    assert.ok([400, 401].includes(unsigned.status), `${title}, unsigned: ${unsigned.status}`); // 400 on lists, as the reference server
    const { status } = await send(method, address, { accessToken: token, signer: stranger, body });
    assert.equal(status, 401, `${title}, signed with another key`);
  }
  assert.deepEqual(await client.outgoingPayment.getGrantSpentAmounts({ url, accessToken: token }), spent);
});

test("a signature is for one token, one address, one method and one body", async () => {
  const body = { walletAddress: sandbox.wallets.bob };
  const headersOf = async (method, url, accessToken, body) => {
    const headers = { accept: "application/json", authorization: `GNAP ${accessToken}`, "content-type": "application/json" };
    return signedHeaders({ method, url, headers, body: JSON.stringify(body) }, key);
  };
  const target = `${url}/incoming-payments`;
  const right = await headersOf("POST", target, token, body);
  const post = async (headers, changed = body) => (await fetch(target, { method: "POST", headers, body: JSON.stringify(changed) })).status;
  assert.equal(await post(right), 201);
  assert.equal(await post({ ...right, authorization: `GNAP ${await newToken()}` }), 401);
  assert.equal(await post(right, { ...body, metadata: { changed: true } }), 401);
  assert.equal(await post(await headersOf("POST", `${url}/quotes`, token, body)), 401);
  assert.equal(await post(await headersOf("PUT", target, token, body)), 401);
});

test("responses are as the official documents say, failures too", async () => {
  const [resources, addresses] = await Promise.all([getResourceServerOpenAPI(), getWalletAddressServerOpenAPI()]);
  const validate = async (title, openApi, path, [method, address, body], options, status) => {
    const response = await send(method, address, { signer: key, ...options, body });
    assert.equal(response.status, status, title);
    const isValid = openApi.createResponseValidator({ path, method: method.toLowerCase() });
    assert.doesNotThrow(() => isValid(response), title);
    return response;
  };
  const paths = {
    "create an incoming payment": "/incoming-payments",
    "read an incoming payment": "/incoming-payments/{id}",
    "list incoming payments": "/incoming-payments",
    "complete an incoming payment": "/incoming-payments/{id}/complete",
    "create a quote": "/quotes",
    "read a quote": "/quotes/{id}",
    "create an outgoing payment": "/outgoing-payments",
    "read an outgoing payment": "/outgoing-payments/{id}",
    "list outgoing payments": "/outgoing-payments",
    "read what was spent": "/outgoing-payment-grant",
  };
  const others = [{ type: "incoming-payment", actions: ["list-all"], identifier: sandbox.wallets.shop }];
  const without = (await client.grant.request({ url: sandbox.authServer }, { access_token: { access: others } })).access_token.value;
  for (const [title, use] of Object.entries(uses())) {
    const failing = (name, options, status) => validate(`${title}, ${name}`, resources, paths[title], use, options, status);
    await failing("a token that nobody knows", { accessToken: "A".repeat(20) }, 403);
    await failing("a grant for something else", { accessToken: without }, 403);
    await failing("another key", { accessToken: token, signer: stranger }, 401);
    if (use[0] === "GET") continue; // what is read without a token may be public
    const { headers } = await failing("no token", {}, 401);
    assert.equal(headers.get("www-authenticate"), `GNAP as_uri=${sandbox.authServer}`, title);
  }
  for (const [title, use] of Object.entries(uses())) {
    await validate(title, resources, paths[title], use, { accessToken: token }, title.startsWith("create") ? 201 : 200);
  }
  for (const collection of ["incoming-payments", "quotes", "outgoing-payments"]) {
    const unknown = ["GET", `${url}/${collection}/${randomUUID()}`];
    await validate(`unknown, ${collection}`, resources, `/${collection}/{id}`, unknown, { accessToken: token }, 401);
  }
  const noMethod = ["POST", `${url}/quotes`, { walletAddress: sandbox.wallets.alice, receiver }];
  await validate("against the schema", resources, "/quotes", noMethod, { accessToken: token }, 400);
  await validate("public", resources, "/incoming-payments/{id}", ["GET", receiver], { signer: undefined }, 200);
  for (const [path, suffix] of [
    ["/", ""],
    ["/jwks.json", "/jwks.json"],
  ]) {
    for (const address of [...Object.values(sandbox.wallets), key.id]) {
      await validate(address, addresses, path, ["GET", address + suffix], { signer: undefined }, 200);
    }
  }
});
