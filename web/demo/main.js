// The demo page: it begins a walk, lets the person go to the wallet, and finishes the walk when they are back. Every step is
// shown as it happens. With the sandbox a walk is a payment (pay.js), with a wallet of one's own it is a grant (grant.js).

import { cleanCallbackUrl, init, loadKey } from "/dist/index.js";
import { chosenBreak, offerBreaks } from "./break-drawer.js";
import { breaks } from "./breaks.js";
import { byId } from "./dom.js";
import { failureOf, standingOf } from "./failure.js";
import * as grants from "./grant.js";
import { showKey } from "./keycard.js";
import * as memory from "./memory.js";
import { prepareOwnWallet } from "./own-wallet.js";
import * as payments from "./pay.js";
import { Picture } from "./picture.js";
import { steps } from "./steps.js";
import { showTimings } from "./timings.js";
import { money } from "./words.js";

const sandboxSetup = { own: false, keyName: "demo" };

/** What is known of a payment that was interrupted, by its step. */
const interruptions = {
  preparing: "You were not asked yet.",
  continuing: "You have decided, and nothing was paid yet.",
  approved: "You have approved it, and nothing was paid yet.",
  paying: "It may have been paid.",
  accepted: "Your wallet has accepted it.",
  ended: "It will not be paid.",
};

const picture = new Picture(byId("steps"));
let walk = newWalk(sandboxSetup, "none");

init().catch(() => {}); // the module loads while the person reads; a failure shows up at the first call
offerBreaks();
for (const id of ["start", "break-start"]) byId(id).addEventListener("click", () => run(() => start(sandboxSetup, chosenBreak())));
byId("restart").addEventListener("click", startOver);
byId("wallet").addEventListener("click", () => toolsOf(walk).step("go"));
byId("go-on").addEventListener("click", () => run(goOn));
prepareOwnWallet({ start: (setup) => run(() => start(setup, "none")) });
await run(load);

/**
 * All that a walk is: where its payment stands is in the client's journal under `key`, and `interact` is the way to the wallet.
 *
 * @typedef {{
 *   setup: { own: boolean, keyName: string, walletAddress?: string }, broken: string, steps: any[],
 *   key?: string, interact?: { redirect: string }, isAccepted?: boolean, isOver?: boolean, shop?: string,
 * }} Walk
 *
 * @returns {Walk}
 */
function newWalk(setup, broken) {
  return { setup, broken, steps: [] };
}

/** Runs one task at a time: while it runs, nothing can be started. */
async function run(task) {
  offer();
  setStartable(false);
  try {
    await task();
  } catch (error) {
    fail(error);
  } finally {
    setStartable(true);
  }
}

function setStartable(startable) {
  for (const id of ["break-start", "own-start"]) byId(id).disabled = !startable;
}

/** Finds out where the walk stands: before its start, at the wallet, back from it, or interrupted somewhere. */
async function load() {
  walk = memory.load() ?? walk;
  const isBack = ["interact_ref", "result"].some((name) => new URLSearchParams(location.search).has(name));
  const payment = isBack || walk.setup.own ? undefined : await payments.find(walk, toolsOf(walk));
  const isAtWallet = walk.setup.own && walk.interact;
  if (!isBack && !payment && !isAtWallet) return getReady();
  document.body.dataset.phase = "walking";
  picture.restore(walk.steps);
  const key = await loadKey(walk.setup.keyName);
  if (key) await showKey(key, walk.setup.keyName);
  if (isBack) return complete();
  if (isAtWallet) return offerWallet(walk);
  walk.key = payment.key;
  if (payment.interact) return offerWallet(payment);
  say(`A payment was interrupted here. ${interruptions[payment.step]}`);
  offer("go-on", "restart");
}

function getReady() {
  memory.clear();
  walk = newWalk(sandboxSetup, "none");
  document.body.dataset.phase = "ready";
  say("Ready when you are.");
  offer("start");
}

async function start(setup, broken) {
  giveUp();
  walk = newWalk(setup, broken);
  comeIn(setup.own ? "The page prepares its key, and asks for a grant." : "The page asks for a bill, a quote, and a grant to pay.");
  const begun = await walkOf(walk).begin(walk, toolsOf(walk));
  offerWallet(begun);
  byId("wallet").focus({ preventScroll: true });
}

/** Says what the page does now, to who came by a button that is gone. */
function comeIn(text) {
  document.body.dataset.phase = "walking";
  byId("status").focus({ preventScroll: true });
  say(text);
}

function walkOf({ setup }) {
  return setup.own ? grants : payments;
}

/** @param {{ interact?: { redirect: string }, quote?: import("/dist/index.js").Quote }} begun */
function offerWallet({ interact, quote }) {
  const { wallet = "approve or decline" } = breaks[walk.broken];
  const cost = quote ? `It costs ${money(quote.debitAmount)}, fee included. ` : "";
  say(`${cost}Your turn: go to the wallet, and ${wallet}.`);
  walk.interact = interact;
  memory.save(walk);
  byId("wallet").href = interact.redirect;
  offer("wallet", "restart");
}

/** Back from the wallet. Until the walk is finished, its reference stays in the address: the page may be loaded again. */
async function complete() {
  say("You are back. The page checks who sent you.");
  try {
    const outgoing = await walkOf(walk).finish(walk, location.href, toolsOf(walk));
    if (!walk.setup.own) return await follow(outgoing);
  } finally {
    history.replaceState(null, "", cleanCallbackUrl(location.href));
  }
  say("Done. The page has an access token. It is not used: the shop of the sandbox cannot be paid from elsewhere.", "good");
  end();
}

async function goOn() {
  comeIn("The page goes on from where it was.");
  toolsOf(walk).step("again");
  await follow(await payments.resume(walk, toolsOf(walk)));
}

async function follow(outgoing) {
  walk.isAccepted = true;
  say("Your wallet has accepted the payment. The page waits until it has arrived.");
  const received = await payments.watch(walk, outgoing, toolsOf(walk));
  say(`Done. The shop has its ${money(received)}.`, "good");
  end();
}

/** Ends the walk. */
function end() {
  walk.isOver = true;
  memory.clear();
  rest("start", "break-it");
}

function rest(...actions) {
  document.body.dataset.phase = "done";
  showTimings(walk.steps);
  offer(...actions);
}

function startOver() {
  giveUp();
  getReady();
  byId("start").focus();
}

/** Forgets the walk that was, and what was asked for. Nobody waits for it. */
function giveUp() {
  picture.clear();
  byId("timings").hidden = true;
  if (walk.key && !walk.isOver) payments.forget(walk, toolsOf(walk)).catch(() => {});
}

/** What a walk does to the page: nothing any more, once another walk has begun. */
function toolsOf(one) {
  const step = (name, more = {}) => {
    const made = { name, at: Date.now(), ...steps[name], ...more };
    one.steps.push(made);
    if (one !== walk) return;
    const isAfterwards = document.body.dataset.phase === "done"; // what was granted is given back, and nobody waits for it
    picture.add(made, { quiet: isAfterwards });
    if (isAfterwards) showTimings(one.steps);
    if (!one.isOver) memory.save(one);
  };
  const caught = (error) => step("failure", failureOf(error, one));
  const closePage = () => new Promise(() => location.replace(location.pathname)); // it never comes back here
  return { step, say, showKey, caught, closePage };
}

function fail(error) {
  if (error.code === "interaction_required") return offerWallet(error.payment);
  toolsOf(walk).caught(error);
  say(`${walk.steps.at(-1).title}. ${standingOf(error, walk)}`, "bad");
  rest(...(error.retryable && walk.key ? ["go-on", "restart"] : ["start", "break-it"]));
}

/** Shows some of the actions, and hides the others. */
function offer(...names) {
  for (const action of byId("actions").children) action.hidden = !names.includes(action.id);
}

function say(text, state = "") {
  byId("status").textContent = text;
  byId("status").dataset.state = state;
}
