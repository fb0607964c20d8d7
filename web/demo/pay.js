// The walk of the sandbox: a payment, from the order to the arrival. Where it stands is in the client's own journal.

import { continueGrant, createAuthenticatedClient, generateKey, jwks, loadKey } from "/dist/index.js";
import { breaks, changeHash } from "./breaks.js";
import { showCallback, steppingFetch, takeKey } from "./walk.js";
import { bill, money } from "./words.js";

/** Starts the payment of 5.00 from alice to the shop. Returns it, with what it costs and the way to the wallet. */
export async function begin(walk, tools) {
  if (walk.broken === "twice") tools.step("twice");
  const key = await takeKey(walk, tools);
  const { walletAddress, wallets, client: clientAddress } = await sandbox(key);
  await publish(key, clientAddress, steppingFetch(walk, tools));
  const client = await connect(walk, key, tools);
  walk.key = `demo-${crypto.randomUUID()}`;
  const payment = await once(walk, () =>
    client.payment.start({
      key: walk.key,
      from: walletAddress,
      to: wallets.shop,
      receiveAmount: { value: "500", assetCode: "USD", assetScale: 2 },
      metadata: { description: "A walk through the demo" },
      finishUri: location.origin + location.pathname,
    }),
  );
  if (walk.broken === "fast") await hurry(walk, key, tools);
  return payment;
}

/** Back from the wallet: returns the outgoing payment, which the wallet has accepted. */
export async function finish(walk, address, tools) {
  const key = (await loadKey(walk.setup.keyName)) ?? (await generateKey());
  const client = await connect(walk, await signingKey(key, walk.broken), tools);
  const callback = walk.broken === "hash" ? changeHash(address) : address;
  await showCallback(walk, callback, tools);
  return once(walk, () => client.payment.finish(callback));
}

/** Goes on with a payment that was interrupted, and returns what `finish` does. */
export async function resume(walk, tools) {
  const { client, payment } = await look(walk, tools);
  if (!payment) throw new Error("This payment has ended, in another tab.");
  return client.payment.resume(payment.id);
}

/** Waits until the shop has its money. */
export async function watch(walk, outgoing, tools) {
  const { client } = await look(walk, tools);
  const { outgoingPayment, receivedAmount } = await client.payment.watch(outgoing);
  const { code, protects } = breaks[walk.broken];
  tools.step("paid", {
    title: `The shop has its ${money(receivedAmount)}`,
    text: bill(outgoingPayment, receivedAmount),
    parts: { "The payment, at your wallet": JSON.stringify(outgoingPayment, null, 2) },
    outcome: code ? undefined : { protects },
  });
  return receivedAmount;
}

/** Gives up what is not paid yet. */
export async function forget(walk, tools) {
  const { client, payment } = await look(walk, tools);
  if (payment) await client.payment.forget(payment.id);
}

/** The payment of this walk, or of one that was begun in another tab, as the client remembers it. */
export async function find(walk, tools) {
  const { payment } = await look(walk, tools);
  return payment;
}

async function look(walk, tools) {
  const key = await loadKey(walk.setup.keyName);
  if (!key) return {};
  const client = await connect(walk, key, tools);
  const pending = await client.payment.pending();
  const payment = pending.findLast(({ key, step }) => (walk.key ? key === walk.key : step !== "ended"));
  return { client, payment };
}

/** Where everything is. The sandbox hosts the wallet address of this page's client; elsewhere that is your own server. */
async function sandbox({ keyId }) {
  const config = await (await fetch("/config.json")).json();
  return { ...config, client: `${config.clients}demo-${keyId.slice(0, 8)}` };
}

async function connect(walk, key, tools) {
  const { client, wallets } = await sandbox(key);
  walk.shop = wallets.shop;
  return createAuthenticatedClient({ walletAddressUrl: client, key, fetch: steppingFetch(walk, tools) });
}

async function publish(key, clientAddress, send) {
  const response = await send(`${clientAddress}/jwks.json`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(jwks(key)),
  });
  if (!response.ok) throw new Error(`The sandbox refused the key set: ${await response.text()}`);
}

/** Makes a call; where pay is pressed twice, two calls at once, which must come to the same. */
async function once({ broken }, call) {
  if (broken !== "twice") return call();
  const [one, other] = await Promise.all([call(), call()]);
  if (one.id !== other.id) throw new Error("Two equal calls made two payments. This must not be.");
  return one;
}

/** A thief signs under the key id of the page, with a key of their own. */
async function signingKey(key, broken) {
  if (broken !== "key") return key;
  const { privateKey } = await generateKey();
  return { keyId: key.keyId, privateKey };
}

/** Continues the grant before the server's wait is over. The time limit keeps the client from waiting it out. */
async function hurry(walk, key, tools) {
  const { exchange } = walk.steps.findLast(({ name }) => name === "request");
  const { uri, access_token: token } = JSON.parse(exchange.text).continue;
  const fetch = steppingFetch(walk, tools);
  await continueGrant({ url: uri, accessToken: token.value, key, timeoutMs: 4900, fetch }).catch(tools.caught);
}
