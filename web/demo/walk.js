// The walk itself: key → published → grant request → wallet → hash → continuation → token.
// `step` shows what happened; `walk` is all that must outlive the visit to the wallet.

import {
  checkPublished,
  continueGrant,
  createAuthenticatedClient,
  createUnauthenticatedClient,
  generateKey,
  isFinalizedGrantWithAccessToken,
  jwks,
  loadKey,
  saveKey,
  toAmountValue,
  verifyInteractionHash,
} from "/dist/index.js";
import { changeHash, raiseAmount } from "./breaks.js";
import { recordingFetch } from "./exchange.js";

/** Until a person has to decide. */
export async function begin(walk, { step, showKey, caught }) {
  const { setup, broken } = walk;
  const key = await takeKey(setup, step);
  await showKey(key, setup.keyName);
  const payer = setup.own ? await checkOwnKey(setup, key, step) : await publish(setup, key, step);
  const wallet = await discover(payer, step);

  const record = (exchange) => {
    walk.clientNonce = JSON.parse(exchange.signedBody).interact.finish.nonce;
    step("request", {
      exchange,
      ms: exchange.tookMs,
      ...(broken === "tamper" && { text: "It wants to send up to 5.00, and somebody on the way makes 9.00 of it." }),
    });
  };
  const client = await makeClient(setup, key, recordingFetch(record, { tamper: broken === "tamper" ? raiseAmount : undefined }));
  walk.wallet = wallet;
  walk.pending = await client.grant.start({ url: wallet.authServer }, grantRequest(wallet));
  walk.askedAt = Date.now();
  if (broken === "fast") await hurry(walk.pending, key, step).catch(caught);
}

async function takeKey({ keyName }, step) {
  const began = performance.now();
  const kept = await loadKey(keyName);
  const key = kept ?? (await generateKey());
  if (!kept) await saveKey(keyName, key);
  step(kept ? "oldKey" : "newKey", { ms: performance.now() - began });
  return key;
}

/** The sandbox hosts the wallet address of this page's client; elsewhere that is your own server. */
async function publish(setup, key, step) {
  const { clients, walletAddress, wallets } = await (await fetch("/config.json")).json();
  const client = `${clients}demo-${key.keyId.slice(0, 8)}`;
  const send = recordingFetch((exchange) => step("publish", { exchange, ms: exchange.tookMs }));
  const response = await send(`${client}/jwks.json`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(jwks(key)),
  });
  if (!response.ok) throw new Error(`The sandbox refused the key set: ${await response.text()}`);
  setup.walletAddress = client;
  setup.shop = wallets.shop;
  return walletAddress;
}

async function checkOwnKey({ walletAddress }, key, step) {
  const fetch = recordingFetch((exchange) => step("checkPublished", { exchange, ms: exchange.tookMs }));
  await checkPublished(key, walletAddress, { fetch });
  return walletAddress;
}

async function discover(walletAddress, step) {
  const fetch = recordingFetch((exchange) => step("discover", { exchange, ms: exchange.tookMs }));
  const client = await createUnauthenticatedClient({ fetch });
  return client.walletAddress.get({ url: walletAddress });
}

export function makeClient({ walletAddress }, key, fetch) {
  return createAuthenticatedClient({ walletAddressUrl: walletAddress, key, fetch });
}

/**
 * Asks to send up to 5.00 of what is in the wallet.
 *
 * @returns {import("/dist/index.js").StartRequest}
 */
function grantRequest({ id, assetCode, assetScale }) {
  const debitAmount = { value: toAmountValue("5", assetScale), assetCode, assetScale };
  return {
    access_token: {
      access: [{ type: "outgoing-payment", actions: ["create", "read", "list"], identifier: id, limits: { debitAmount } }],
    },
    interact: { start: ["redirect"], finish: { method: "redirect", uri: location.origin + location.pathname } },
  };
}

/** Continues before the server's wait is over. The time limit keeps the client from waiting it out. */
async function hurry(pending, key, step) {
  await continueGrant({
    url: pending.continue.uri,
    accessToken: pending.continue.access_token.value,
    key,
    timeoutMs: 4900,
    fetch: recordingFetch((exchange) => step("tooSoon", { exchange, ms: exchange.tookMs })),
  });
}

/** Back from the wallet: the client checks who sent us and continues the grant. Returns its token, and the key that it is bound to. */
export async function finish(walk, { step, say }) {
  const { broken, setup } = walk;
  const callback = broken === "hash" ? changeHash(walk.callback) : walk.callback;
  const came = new URL(callback).searchParams;
  step(came.has("interact_ref") ? "back" : "declined", {
    ms: walk.wentAt && Date.now() - walk.wentAt,
    parts: { "What the address carries": Object.fromEntries(came) },
  });
  if (walk.pending && came.has("interact_ref")) await showHash(walk, came, step);
  showWait(walk, came, { step, say });

  const key = (await loadKey(setup.keyName)) ?? (await generateKey());
  const record = (exchange) =>
    step("continue", {
      exchange,
      ms: exchange.tookMs,
      ...(broken === "key" && { text: "It hands in the reference, but another key signs." }),
    });
  const client = await makeClient(
    { walletAddress: setup.walletAddress ?? location.origin },
    await signingKey(key, broken),
    recordingFetch(record),
  );
  const grant = await client.grant.finish(callback);
  if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("The server did not issue a token yet.");
  const token = grant.access_token.value;
  step("token", { token, parts: { "The grant": JSON.stringify(grant, null, 2) } });
  return { token, key };
}

/** A thief signs under the key id of the page, with a key of their own. */
async function signingKey(key, broken) {
  if (broken !== "key") return key;
  const { privateKey } = await generateKey();
  return { keyId: key.keyId, privateKey };
}

/** Shows the hash and what it is made of. The client checks it again before it sends anything. */
async function showHash({ clientNonce, pending, wallet: { authServer } }, came, step) {
  const made = { clientNonce, serverNonce: pending.interact.finish, interactRef: came.get("interact_ref"), grantEndpoint: authServer };
  const parts = {
    "What is hashed": {
      "nonce of this page": clientNonce,
      "nonce of the server": made.serverNonce,
      "reference that came": made.interactRef,
      "grant endpoint": authServer,
    },
    "The hash that came": came.get("hash") ?? "none",
  };
  const began = performance.now();
  const verified = verifyInteractionHash({ ...made, hash: came.get("hash") ?? "none" });
  const isRight = await verified.then(
    () => true,
    () => false,
  );
  step(isRight ? "hash" : "wrongHash", { ms: performance.now() - began, parts });
}

/** Says how long the client is going to wait, where it has to. */
function showWait({ askedAt, pending, broken }, came, { step, say }) {
  if (broken === "hash" || !came.has("interact_ref") || !pending?.continue.wait) return;
  const left = askedAt + pending.continue.wait * 1000 - Date.now();
  if (left < 50) return;
  step("wait", { ms: left });
  say(`The server wants ${pending.continue.wait} seconds before a continuation. The client waits.`);
}
