// The demo page: it begins a walk (walk.js), lets the person go to the wallet, finishes the walk
// when they are back, and shows every step as it happens.

import { cleanCallbackUrl, init, loadKey } from "/dist/index.js";
import { adviceFor, breaks } from "./breaks.js";
import { byId, h } from "./dom.js";
import { showKey } from "./keycard.js";
import { prepareOwnWallet } from "./own-wallet.js";
import { Picture } from "./picture.js";
import { steps } from "./steps.js";
import { showTimings } from "./timings.js";
import { begin, finish } from "./walk.js";

const picture = new Picture(byId("steps"));
let walk; // what this walk is made of; until the person is back, it is in sessionStorage too

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
  picture.clear();
  document.body.dataset.phase = "walking";
  byId("timings").hidden = true;
  byId("status").focus({ preventScroll: true });
  say("The page prepares its key, and asks for a grant.");
  await begin(walk, { step, showKey, caught: (error) => step("failure", failureOf(error)) });
  memory.set(walk);
  offerWallet();
  byId("wallet").focus({ preventScroll: true });
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
  await finish(walk, { step, say });
  memory.clear();
  say("Done. The page has an access token.", "good");
  end();
}

function end() {
  document.body.dataset.phase = "done";
  showTimings(walk.steps);
  byId("start").textContent = "Start again";
  offer("start", "break-it");
}

function openBreaks() {
  byId("break").open = true;
  byId("break").scrollIntoView();
  chosenBreak().focus({ preventScroll: true });
}

function startOver() {
  memory.clear();
  picture.clear();
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
  say(`${failure.title}. There is no token.`, "bad");
  end();
}

function failureOf(error) {
  const { code, status, description, message } = error;
  const declined = code === "interaction_rejected";
  return {
    from: placeOf(error),
    to: placeOf(error),
    state: "bad",
    title: titleOf(error),
    text: declined ? "There is no token, and nothing was sent." : undefined,
    failure: { code, status, description: description ?? message, protects: protectionFrom(code), todo: adviceFor(code) },
  };
}

function placeOf({ code, status }) {
  if (code === "interaction_rejected") return "person";
  return status ? "server" : "page";
}

function titleOf({ code, status, details }) {
  if (code === "interaction_rejected") return details?.result === "grant_rejected" ? "You declined" : "There was no decision";
  if (code === "hash_mismatch") return "The page stops, and sends nothing";
  return status ? "The server refuses" : "This did not work";
}

/** What protected the person: known for what was broken on purpose, and for what speaks for itself. */
function protectionFrom(code) {
  const own = breaks[walk.broken];
  if (own.code === code) return own.protects;
  return Object.values(breaks).find((one) => one.code === code && code !== "invalid_client")?.protects;
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
