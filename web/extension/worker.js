// The service worker (in Firefox: the event page) holds the client. The browser stops it whenever
// it likes, so nothing lives here: every command reads the state, does one thing, writes the state.

import {
  checkPublished,
  createAuthenticatedClient,
  deleteKey,
  extensionStorage,
  generateKey,
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
  loadKey,
  publicJwk,
  saveKey,
} from "./open-payments-wasm/index.js";
import { load, save } from "./state.js";
import { fetchWallet, toUnits, toWalletUrl } from "./wallet.js";

const keyName = "wallet";
const finishUri = chrome.runtime.getURL("callback.html");
const commands = { connect, check, approve, show, callback, finish, end, forget, resume };
let last = Promise.resolve(); // the command before

// Listeners are registered at once, before anything is awaited: the event that woke the worker
// goes to those that are there by then.
chrome.runtime.onMessage.addListener((message, sender, reply) => {
  run(message, sender).finally(() => reply());
  return true; // the reply comes later; until then the browser keeps the worker
});
chrome.runtime.onStartup.addListener(() => {}); // to be woken when the browser starts
run({ command: "resume" });

/** One at a time, so that none sees what another has half done. */
function run(message, sender) {
  last = last.catch(() => {}).then(() => attempt(message, sender));
  return last;
}

async function attempt(message, sender) {
  try {
    await commands[message.command](await load(), message, sender);
  } catch (error) {
    const state = await load();
    await save({ ...state, problem: await problemOf(error, state, message) });
  }
}

/** Goes on with what was interrupted. What has failed waits for the person. */
async function resume(state) {
  if (state.problem) return;
  if (state.step === "finishing") return finish(state);
  if (state.step === "ending") return end(state, {});
}

async function connect({ step }, { address }) {
  if (step !== "new") return;
  const wallet = await fetchWallet(toWalletUrl(address));
  const key = (await loadKey(keyName)) ?? (await newKey());
  await save({ step: "publish", wallet, jwk: publicJwk(key) });
}

/** Not extractable, and in IndexedDB: no script can read it, this one included. */
async function newKey() {
  const key = await generateKey();
  await saveKey(keyName, key);
  return key;
}

async function ownKey() {
  const key = await loadKey(keyName);
  if (!key) throw new Error("The browser has lost the key of this extension. Disconnect, and connect again with a new key.");
  return key;
}

async function check({ step, wallet, jwk }) {
  if (step !== "publish") return;
  await checkPublished(await ownKey(), wallet.id);
  await save({ step: "ready", wallet, jwk });
}

async function makeClient({ wallet }) {
  const store = extensionStorage(chrome.storage.local);
  return createAuthenticatedClient({ walletAddressUrl: wallet.id, key: await ownKey(), store });
}

async function approve({ step, wallet, jwk }, { amount }) {
  if (step !== "ready") return;
  const value = toUnits(amount, wallet.assetScale);
  const client = await makeClient({ wallet });
  await chrome.storage.session.remove("walletTab");
  for (const { id } of await client.grant.pending()) await client.grant.forget(id); // begun by a worker that was stopped
  const debitAmount = { value, assetCode: wallet.assetCode, assetScale: wallet.assetScale };
  /** @type {import("./open-payments-wasm/index.js").AccessItem[]} */
  const access = [{ type: "outgoing-payment", actions: ["create", "read"], identifier: wallet.id, limits: { debitAmount } }];
  const grant = await client.grant.start(
    { url: wallet.authServer },
    {
      access_token: { access },
      interact: { start: ["redirect"], finish: { method: "redirect", uri: finishUri } },
    },
  );
  if (!isPendingGrant(grant)) return save({ step: "connected", wallet, jwk, debitAmount, grant, receivedAt: Date.now() });
  await save({ step: "waiting", wallet, jwk, debitAmount, grant });
  await openTab(grant);
}

async function openTab({ interact }) {
  if (!/^https?:/.test(interact.redirect)) throw new Error("The wallet's page has no https: address.");
  const tab = await chrome.tabs.create({ url: interact.redirect });
  await chrome.storage.session.set({ walletTab: tab.id }); // tab ids do not outlive the browser
}

/** Brings the wallet's page to the front, or opens it again. */
async function show({ step, grant }) {
  if (step !== "waiting") return;
  const { walletTab } = await chrome.storage.session.get("walletTab");
  const tab = walletTab && (await chrome.tabs.update(walletTab, { active: true }).catch(() => undefined));
  if (!tab) return openTab(grant);
  await chrome.windows.update(tab.windowId, { focused: true });
}

/** The wallet has sent the person back: callback.html says with which address. */
async function callback(state, { url }, { tab }) {
  if (state.step !== "waiting") return;
  const { searchParams } = new URL(url);
  const { walletTab = tab.id } = await chrome.storage.session.get("walletTab");
  // Every site can open callback.html?result=…, so a refusal counts in the wallet's tab only. An approval has a hash.
  const isDecision = searchParams.has("interact_ref") || (searchParams.has("result") && tab.id === walletTab);
  if (!isDecision) return;
  const finishing = { ...state, step: "finishing", callbackUrl: url, problem: undefined };
  await save(finishing);
  await finish(finishing);
}

async function finish(state) {
  if (state.step !== "finishing") return;
  const { wallet, jwk, debitAmount, callbackUrl } = state;
  const client = await makeClient(state);
  try {
    const grant = await client.grant.finish(callbackUrl);
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("The wallet did not issue a token.");
    await save({ step: "connected", wallet, jwk, debitAmount, grant, receivedAt: Date.now() });
  } catch (error) {
    if (unproven.includes(error.code)) await save({ ...state, step: "waiting" }); // the wallet's callback is still to come
    if (over.includes(error.code)) await end(state, { then: "ready" }); // nothing must stay allowed that the person cannot see here
    throw error;
  }
}

const unproven = ["hash_mismatch", "interaction_failed"]; // what came back was not the wallet's callback
const over = ["interaction_rejected", "no_pending_grant", "finished_elsewhere", "request_denied", "user_denied", "invalid_continuation"];

/** Gives the grant back. Then the person may ask again, or, after "new", the key is deleted too. */
async function end(state, { then = state.then }) {
  if (state.step === "new") return;
  await save({ ...state, step: "ending", then, problem: undefined });
  if (state.grant) await giveBack(state);
  await leave(state, then);
}

async function giveBack({ wallet, grant }) {
  const client = await makeClient({ wallet });
  const { access_token: token, continue: next } = grant;
  if (token?.manage) await client.token.revoke({ url: token.manage, accessToken: token.value }).catch(ignoreGone);
  if (next) await client.grant.cancel({ url: next.uri, accessToken: next.access_token.value }, { ignoreGone: true });
}

/** Servers answer invalid_client for a token that they do not know any more. The cancellation that follows tells. */
function ignoreGone(error) {
  if (error.code !== "invalid_client") throw error;
}

/** Deletes without the wallet, when it cannot be reached or refuses. */
async function forget(state) {
  if (state.step === "ending") await leave(state, state.then);
}

async function leave({ wallet, jwk }, then) {
  if (then === "ready") return save({ step: "ready", wallet, jwk });
  await save({ step: "ending", then, wallet, jwk }); // no grant in it any more, in case that the worker is stopped here
  await deleteKey(keyName);
  await chrome.storage.local.clear();
}

/** What a page shows of an error: words, the command to try again, and the hosts that it may ask access to. */
async function problemOf(error, { step, wallet }, message) {
  const isRefusal = error.details?.result === "grant_rejected";
  const text = isRefusal ? "You declined at your wallet. Nothing is allowed." : (error.description ?? error.message);
  const unfinished = { finishing: "finish", ending: "end" }[step]; // can be tried again, whatever it was
  if (!error.retryable && !unfinished) return { text };
  const retry = unfinished ? { command: unfinished } : message;
  const isBlocked = error.code === "network_error" || error.code === "key_set_unreachable";
  return {
    text,
    retry,
    origins: isBlocked ? await withoutAccess([message.address && toWalletUrl(message.address), wallet?.id, wallet?.authServer]) : [],
  };
}

/** With access, an extension may read responses without CORS headers. Match patterns have no port. */
async function withoutAccess(urls) {
  const hosts = urls
    .filter(Boolean)
    .map((url) => new URL(url))
    .map(({ protocol, hostname }) => `${protocol}//${hostname}/*`);
  const origins = [...new Set(hosts)];
  return (await chrome.permissions.contains({ origins })) ? [] : origins;
}
