// The demo page: it begins a walk (walk.js), lets the person go to the wallet, finishes the walk
// when they are back, pays with its token (pay.js), and shows every step as it happens.

import { cleanCallbackUrl, init, loadKey } from "/dist/index.js";
import { adviceFor, breaks, protectionFrom } from "./breaks.js";
import { byId, h } from "./dom.js";
import { showKey } from "./keycard.js";
import { prepareOwnWallet } from "./own-wallet.js";
import { askCost, find, money, newOrder, pay, payAgain, standings, watch } from "./pay.js";
import { Picture } from "./picture.js";
import { links, steps } from "./steps.js";
import { showTimings } from "./timings.js";
import { begin, finish } from "./walk.js";

const picture = new Picture(byId("steps"));
let walk; // what this walk is made of; until the person is back, it is in sessionStorage too
let order; // what is paid with the token, once there is one

const memory = {
  get: () => JSON.parse(sessionStorage.getItem("demo") ?? "null"),
  set: (value) => sessionStorage.setItem("demo", JSON.stringify(value)),
  clear: () => sessionStorage.removeItem("demo"),
};

init().catch(() => {}); // the module loads while the person reads; a failure shows up at the first call
offerBreaks();
for (const id of ["start", "break-start"]) byId(id).addEventListener("click", () => run(() => start({ own: false, keyName: "demo" })));
byId("break-it").addEventListener("click", openBreaks);
byId("restart").addEventListener("click", startOver);
byId("wallet").addEventListener("click", leave);
byId("quote").addEventListener("click", () => run(showCost));
byId("pay").addEventListener("click", () => run(payOrder));
byId("look").addEventListener("click", () => run(lookForPayment));
prepareOwnWallet({ start: (setup) => run(() => start(setup)) });
await run(resume);

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

async function resume() {
  const came = new URL(location.href);
  const isBack = came.searchParams.has("interact_ref") || came.searchParams.has("result");
  walk = memory.get() ?? { setup: { own: false, keyName: "demo" }, broken: "none", steps: [] };
  if (isBack) {
    history.replaceState(null, "", cleanCallbackUrl(came)); // the reference does not belong in the history
    walk.callback ??= came.href;
    if (memory.get()) memory.set(walk);
  }
  if (!walk.callback && !walk.pending) return getReady();
  document.body.dataset.phase = "walking";
  for (const step of walk.steps) picture.add(step, { restored: true });
  const key = await loadKey(walk.setup.keyName);
  if (key) await showKey(key, walk.setup.keyName);
  if (!walk.callback) return offerWallet();
  await complete();
}

function getReady() {
  document.body.dataset.phase = "ready";
  say("Ready when you are.");
  offer("start");
}

async function start(setup) {
  walk = { setup, broken: chosenBreak().value, steps: [] };
  order = undefined;
  picture.clear();
  byId("timings").hidden = true;
  goOn("The page prepares its key, and asks for a grant.");
  await begin(walk, { step, showKey, caught: (error) => step("failure", failureOf(error)) });
  memory.set(walk);
  offerWallet();
  byId("wallet").focus({ preventScroll: true });
}

/** Says what the page does now, to who came by a button that is gone. */
function goOn(text) {
  document.body.dataset.phase = "walking";
  byId("status").focus({ preventScroll: true });
  say(text);
}

function offerWallet() {
  const { wallet = "approve or decline" } = breaks[walk.broken];
  say(`Your turn: go to the wallet, and ${wallet}.`);
  byId("wallet").href = walk.pending.interact.redirect;
  offer("wallet", "restart");
}

function leave() {
  if (walk.wentAt) return; // the wallet was visited before
  walk.wentAt = Date.now();
  step("go");
  memory.set(walk);
}

/** Back from the wallet. From here nothing is written to sessionStorage: it would be the token. */
async function complete() {
  say("You are back. The page checks who sent you.");
  const token = await finish(walk, { step, say });
  memory.clear();
  if (walk.setup.own) {
    say("Done. The page has an access token. It is not used: the shop of the sandbox cannot be paid from elsewhere.", "good");
    return end();
  }
  order = await newOrder(walk, token, { step });
  const { decimal, currency } = order.price;
  byId("quote").textContent = `See what paying ${decimal}\u00a0${currency} costs`;
  say("The page has an access token, and can pay the shop with it.", "good");
  end("quote", "restart");
}

async function showCost() {
  goOn("The page asks the shop for a bill, and your wallet for a quote.");
  await askCost(order);
  const { receiveAmount, debitAmount } = order.quote;
  byId("pay").textContent = `Pay ${money(receiveAmount)}: ${money(debitAmount)} is debited, fee included`;
  say(`It costs ${money(debitAmount)}, fee included. Nothing is paid yet.`);
  end("pay", "restart");
}

async function payOrder() {
  goOn("The page pays.");
  await pay(order);
  await follow();
}

/** A payment may have been made, though the page does not know. It is looked for before anything is paid again. */
async function lookForPayment() {
  goOn("The page looks for the payment.");
  if (!order.payment) await find(order);
  if (order.payment) return follow();
  say("There is no such payment: nothing was paid.");
  end("pay", "restart");
}

async function follow() {
  await watch(order);
  if (order.standing === "accepted") {
    say("The payment is still under way.");
    return end("look", "restart");
  }
  if (order.standing === "failed") {
    say(standings.failed, "bad");
    return end();
  }
  if (walk.broken === "twice") await payAgain(order);
  say(`Done. The shop has its ${money(order.quote.receiveAmount)}.`, "good");
  end();
}

/** Ends the walk, or a part of it, and offers what can be done next. */
function end(...actions) {
  document.body.dataset.phase = "done";
  showTimings(walk.steps);
  byId("start").textContent = "Start again";
  offer(...(actions.length > 0 ? actions : ["start", "break-it"]));
}

function openBreaks() {
  byId("break").open = true;
  byId("break").scrollIntoView();
  chosenBreak().focus({ preventScroll: true });
}

function startOver() {
  memory.clear();
  order = undefined;
  picture.clear();
  byId("timings").hidden = true;
  getReady();
  byId("start").focus();
}

/** Adds a step to the walk and to the picture. */
function step(name, more = {}) {
  const made = { name, ...steps[name], ...more };
  walk.steps.push(made);
  picture.add(made);
}

function fail(error) {
  memory.clear();
  document.body.dataset.phase = "walking";
  const failure = failureOf(error);
  step("failure", failure);
  say(`${failure.title}. ${order ? standings[order.standing] : "There is no token."}`, "bad");
  const isOpen = ["unknown", "accepted"].includes(order?.standing);
  end(...(isOpen ? ["look", "restart"] : []));
}

function failureOf(error) {
  const { code, status, description, message } = error;
  const declined = code === "interaction_rejected";
  const place = placeOf(error);
  const link = place === "server" ? links.errors : links.resources;
  return {
    from: place,
    to: place,
    state: "bad",
    title: titleOf(error, place),
    text: declined ? "There is no token, and nothing was sent." : undefined,
    failure: {
      code,
      status,
      link,
      description: description ?? message,
      protects: protectionFrom(code, walk.broken),
      todo: adviceFor(code),
    },
  };
}

function placeOf({ code, status }) {
  if (code === "interaction_rejected") return "person";
  return status ? walk.steps.at(-1).to : "page"; // who was asked last
}

function titleOf({ code, status, details }, place) {
  if (code === "interaction_rejected") return details?.result === "grant_rejected" ? "You declined" : "There was no decision";
  if (code === "hash_mismatch") return "The page stops, and sends nothing";
  if (!(status >= 400)) return "This did not work";
  return place === "server" ? "The server refuses" : "The wallet refuses";
}

function offerBreaks() {
  const asked = new URLSearchParams(location.search).get("break");
  const preset = Object.hasOwn(breaks, asked) ? asked : "none";
  const option = ([name, { label, hint }]) =>
    h(
      "label",
      { class: "option" },
      h("input", { type: "radio", name: "break", value: name, checked: name === preset }),
      h("span", {}, h("b", {}, label), h("span", { class: "help" }, hint)),
    );
  byId("breaks").append(...Object.entries(breaks).map(option));
  byId("break").open = preset !== "none";
}

const chosenBreak = () => /** @type {HTMLInputElement} */ (document.querySelector("input[name=break]:checked"));

/** Shows some of the actions, and hides the others. */
function offer(...names) {
  for (const action of byId("actions").children) action.hidden = !names.includes(action.id);
}

function say(text, state = "") {
  byId("status").textContent = text;
  byId("status").dataset.state = state;
}
