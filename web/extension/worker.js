// The service worker (in Firefox: the event page) holds the client. The browser stops it whenever it likes, so nothing lives
// here: what is under way lies in storage, written down before it begins, and an alarm goes on with it.

import {
  checkPublished,
  createAuthenticatedClient,
  createUnauthenticatedClient,
  deleteKey,
  extensionStorage,
  generateKey,
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
  loadKey,
  publicJwk,
  saveKey,
  toAmountValue,
} from "./open-payments-wasm/index.js";
import { changePayment, changePayments, isOpen, startPayment } from "./payments.js";
import { problemOf, toAddress, wordsFor } from "./words.js";

const keyName = "wallet";
const alarm = "go on";
const finishUri = chrome.runtime.getURL("callback.html");
const { local, session } = chrome.storage;
const commands = { connect, check, ask, show, callback, finish, end, forget, pay, resume };
const questions = { look, offer, left };
const underWay = new Set(); // keys of payments
let last = Promise.resolve(); // the command before

// Listeners are registered at once, before anything is awaited: the event that woke the worker
// goes to those that are there by then.
chrome.runtime.onMessage.addListener((message, sender, reply) => {
  const replying = message.command in questions ? reading(message) : run(message, sender);
  replying.then(reply);
  return true; // the reply comes later; until then the browser keeps the worker
});
chrome.alarms.onAlarm.addListener(() => void run({ command: "resume" }));
chrome.runtime.onStartup.addListener(() => {}); // to be woken when the browser starts
run({ command: "resume" });

/** What changes nothing waits for nobody. The reply is { problem } where it fails. */
function reading(message) {
  return questions[message.command](message).catch(async (error) => ({ problem: await problemOf(error, { message, again: message }) }));
}

/**
 * All that the extension keeps itself: the wallet; what the wallet was asked for; the callback that is being finished; whether the
 * allowance is being given back, and what then; the payments.
 */
async function ownState() {
  const { wallet, asked, callback, ending, payments = [] } = await local.get(["wallet", "asked", "callback", "ending", "payments"]);
  return { wallet, asked, callback, ending, payments };
}

/** One after the other, so that none sees what another has half done. */
function run(message, sender) {
  last = last.then(() => attempt(message, sender));
  return last;
}

async function attempt(message, sender) {
  const isOfPerson = !["resume", "callback"].includes(message.command); // who has read what is shown
  try {
    await chrome.alarms.create(alarm, { periodInMinutes: 1 }); // first: the worker may be stopped at any moment from now on
    if (isOfPerson) await session.remove("problem");
    await commands[message.command](message, sender);
    if (await isAllDone()) await chrome.alarms.clear(alarm);
  } catch (error) {
    const { wallet, ending, callback } = await ownState();
    const unfinished = (ending && { command: "end" }) || (callback && { command: "finish" }); // can be tried again, whatever it was
    const again = unfinished ?? (error.retryable ? message : undefined);
    await session.set({ problem: await problemOf(error, { message, again, wallet }) });
  }
}

async function isAllDone() {
  const { ending, callback, payments } = await ownState();
  return !ending && !callback && !payments.some(isOpen);
}

/** Goes on with what was interrupted. What was refused waits for the person. */
async function resume() {
  const { ending, callback, payments } = await ownState();
  for (const { key } of payments.filter(isOpen)) settle(key);
  const { problem } = await session.get("problem");
  if (!(ending || callback) || (problem && !problem.isPassing)) return;
  await (ending ? end({}) : finish());
  await session.remove("problem");
}

// Connecting.

async function connect({ address }) {
  if ((await ownState()).wallet) return;
  const wallet = await readWallet(toAddress(address));
  if (!(await loadKey(keyName))) await saveKey(keyName, await generateKey()); // no script can read it, this one included
  await local.set({ wallet });
}

async function readWallet(url) {
  const client = await createUnauthenticatedClient();
  const { id, authServer, resourceServer, assetCode, assetScale } = await client.walletAddress.get({ url });
  return { id, authServer, resourceServer, assetCode, assetScale };
}

async function check() {
  const { wallet } = await ownState();
  if (!wallet || wallet.hasKey) return;
  await checkPublished(await ownKey(), wallet.id);
  await local.set({ wallet: { ...wallet, hasKey: true } });
}

async function ownKey() {
  const key = await loadKey(keyName);
  if (!key) throw new Error("The browser has lost the key of this extension. Disconnect, and connect again with a new key.");
  return key;
}

async function makeClient({ id }) {
  return createAuthenticatedClient({ walletAddressUrl: id, key: await ownKey(), store: extensionStorage(local) });
}

/** The grant that the person has given, as long as it was not given back. */
async function openGrant(client, asked) {
  return asked && client.withGrant({ name: asked.name });
}

/** How far it is, from what the extension and the library have kept. */
async function stepOf({ wallet, ending, callback, asked }) {
  if (!wallet) return "new";
  if (ending) return "ending";
  if (!(await loadKey(keyName))) return "lost";
  if (!wallet.hasKey) return "publish";
  if (callback) return "finishing";
  if (!asked) return "ready";
  const client = await makeClient(wallet);
  if (await openGrant(client, asked)) return "allowed";
  return (await client.grant.pending()).length > 0 ? "waiting" : "ready";
}

// Asking the wallet for an allowance.

async function ask({ amount }) {
  const state = await ownState();
  const { wallet } = state;
  if ((await stepOf(state)) !== "ready") return;
  const debitAmount = toAmount(amount, wallet);
  const client = await makeClient(wallet);
  await session.remove("walletTab");
  for (const { id } of await client.grant.pending()) await client.grant.forget(id); // begun by a worker that was stopped
  const limits = { debitAmount, interval: `R/${startOfMonth(0).toISOString()}/P1M` };
  const name = crypto.randomUUID(); // of its own: keys of payments count within one grant
  const grant = await client.grant.start(
    { url: wallet.authServer },
    {
      access_token: { access: [{ type: "outgoing-payment", actions: ["create", "read", "list"], identifier: wallet.id, limits }] },
      interact: { start: ["redirect"], finish: { method: "redirect", uri: finishUri } },
    },
  );
  if (!isPendingGrant(grant)) throw new Error("The wallet did not say where it asks you.");
  const asked = { name, limit: debitAmount, redirect: grant.interact.redirect, continue: grant.continue };
  await local.set({ asked });
  await openTab(asked);
}

/** What a person has typed, in the asset of the wallet. */
function toAmount(text, { assetCode, assetScale }) {
  const value = toAmountValue(text.trim().replace(",", "."), assetScale);
  if (value === "0") throw new TypeError('"amount" must be more than nothing');
  return { value, assetCode, assetScale };
}

/** The first moment of a month, this one or one that comes: there begin the intervals of the allowance. */
function startOfMonth(ahead) {
  const now = new Date();
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + ahead));
}

async function openTab({ redirect }) {
  if (!/^https?:/.test(redirect)) throw new Error("The wallet's page has no https: address.");
  const tab = await chrome.tabs.create({ url: redirect });
  await session.set({ walletTab: tab.id }); // tab ids do not outlive the browser
}

/** Brings the wallet's page to the front, or opens it again. */
async function show() {
  const state = await ownState();
  if ((await stepOf(state)) !== "waiting") return;
  const { walletTab } = await session.get("walletTab");
  const tab = walletTab && (await chrome.tabs.update(walletTab, { active: true }).catch(() => undefined));
  if (!tab) return openTab(state.asked);
  await chrome.windows.update(tab.windowId, { focused: true });
}

/** The wallet has sent the person back: callback.html says with which address. */
async function callback({ url }, { tab }) {
  if ((await stepOf(await ownState())) !== "waiting") return;
  const { searchParams } = new URL(url);
  const { walletTab = tab.id } = await session.get("walletTab");
  // Every site can open callback.html?result=…, so a refusal counts in the wallet's tab only. An approval has a hash.
  const isDecision = searchParams.has("interact_ref") || (searchParams.has("result") && tab.id === walletTab);
  if (!isDecision) return;
  await session.remove("problem");
  await local.set({ callback: url });
  await finish();
}

async function finish() {
  const { wallet, callback, asked } = await ownState();
  if (!callback) return;
  const client = await makeClient(wallet);
  try {
    if (!(await openGrant(client, asked))) await keep(await client.grant.finish(callback), { client, asked });
    await local.remove("callback");
  } catch (error) {
    if (unproven.includes(error.code)) await local.remove("callback"); // the wallet's own is still to come
    if (over.includes(error.code)) await end({ then: "ready" }); // nothing must stay allowed that the person cannot see here
    throw error;
  }
}

async function keep(grant, { client, asked }) {
  if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("The wallet did not issue a token.");
  await local.set({ asked: { ...asked, continue: grant.continue } });
  await client.withGrant(grant, { name: asked.name });
}

const unproven = ["hash_mismatch", "interaction_failed"]; // what came back was not the wallet's callback
const over = ["interaction_rejected", "no_pending_grant", "finished_elsewhere", "request_denied", "user_denied", "invalid_continuation"];

// Giving the allowance back.

/** Then the person may ask again, or, after "new", everything is deleted. */
async function end({ then = undefined }) {
  const { wallet, ending = then, asked } = await ownState();
  if (!wallet) return;
  await local.set({ ending });
  await changePayments(withoutGrant);
  const key = await loadKey(keyName); // without it nothing can be signed any more
  if (asked && key) await giveBack(await makeClient(wallet), asked);
  await leave(ending);
}

/** Without the grant it cannot be looked up any more whether it was paid. */
const withoutGrant = (payment) => (payment.state === "paying" ? { ...payment, state: "unknown", words: undefined } : payment);

async function giveBack(client, asked) {
  const kept = await openGrant(client, asked);
  await kept?.revoke().catch(ignoreGone);
  const { uri, access_token: token } = asked.continue;
  await client.grant.cancel({ url: uri, accessToken: token.value }, { ignoreGone: true });
}

/** What servers say of a token that they do not know any more. The cancellation that follows tells. */
function ignoreGone(error) {
  if (!["invalid_client", "grant_revoked"].includes(error.code)) throw error;
}

/** Deletes without the wallet, when it cannot be reached or refuses. */
async function forget() {
  const { ending } = await ownState();
  if (ending) await leave(ending);
}

async function leave(ending) {
  if (ending === "ready") return local.remove(["asked", "callback", "ending"]);
  await local.remove(["asked", "callback"]); // in case that the worker is stopped here
  await deleteKey(keyName);
  await local.clear();
}

// Paying.

/** Pays what was shown at the click. `key` was made for that click, so that a message that is sent again pays nothing more. */
async function pay({ key, to, name, amount }) {
  const state = await ownState();
  if ((await stepOf(state)) !== "allowed") throw new Error("No payments are allowed. Nothing was paid.");
  await startPayment({ key, to, name, amount: toAmount(amount, state.wallet) });
  settle(key);
}

/** Goes on with a payment until it has arrived. Nobody waits for it: what becomes of it, the list says. */
async function settle(key) {
  if (underWay.has(key)) return;
  underWay.add(key);
  try {
    await goOn(key);
  } catch (error) {
    await changePayment(key, { words: wordsFor(error) }).catch(() => {}); // the alarm tries again
  } finally {
    underWay.delete(key);
  }
}

async function goOn(key) {
  const { wallet, asked, payments } = await ownState();
  const payment = payments.find((other) => other.key === key);
  if (!payment || !isOpen(payment)) return;
  const client = await makeClient(wallet);
  const grant = await openGrant(client, asked);
  if (!grant) return changePayment(key, withoutGrant(payment));
  const { to, amount, state } = payment;
  try {
    const outgoing = await client.payment.again({ grant, to, amount, key, metadata: { key } });
    await changePayment(key, { state: "sent", words: undefined });
    await client.payment.watch(outgoing, { timeoutMs: 30_000 });
    await changePayment(key, { state: "arrived" });
  } catch (error) {
    await changePayment(key, await afterFailure(error, { client, key, isSent: state === "sent" }));
  }
}

/** What a failure makes of a payment. Where it may yet be paid, or may have been, it stays open. */
async function afterFailure(error, { client, key, isSent }) {
  if (error.code === "payment_failed") return { state: "failed", words: wordsFor(error) };
  if (error.code === "payment_pending" || isSent) return {};
  if (error.retryable || error.code === "outcome_unknown") return { words: wordsFor(error) };
  const begun = (await client.payment.pending()).find((other) => other.key === key);
  const paid = begun && (await client.payment.forget(begun.id)); // looks first whether it was paid all the same
  return paid ? { state: "sent", words: undefined } : { state: "unpaid", words: wordsFor(error) };
}

// What the pages show.

async function look() {
  const state = await ownState();
  const { wallet, asked, payments } = state;
  const { problem, walletTab } = await session.get(["problem", "walletTab"]);
  const step = await stepOf(state);
  const jwk = step === "publish" ? publicJwk(await ownKey()) : undefined;
  return { step, wallet, limit: asked?.limit, jwk, payments, problem, walletTab };
}

/** What the wallet of a receiver says of itself. */
async function offer({ url }) {
  const client = await createUnauthenticatedClient();
  const { publicName } = await client.walletAddress.get({ url });
  return { name: publicName };
}

/** What is left of the allowance of this month: by the wallet's limit, which may be less than what was asked for. */
async function left() {
  const { wallet, asked } = await ownState();
  const kept = await openGrant(await makeClient(wallet), asked);
  if (!kept) return {};
  const [{ access_token: token }, { spentDebitAmount: spent }] = await Promise.all([
    kept.grant(),
    kept.outgoingPayment.getGrantSpentAmounts({ url: wallet.resourceServer }),
  ]);
  const limit = token.access.find(({ type }) => type === "outgoing-payment")?.limits?.debitAmount ?? asked.limit;
  const rest = BigInt(limit.value) - BigInt(spent?.value ?? 0);
  return { limit, left: { ...limit, value: String(rest > 0n ? rest : 0n) }, opensAt: startOfMonth(1).toISOString() };
}
