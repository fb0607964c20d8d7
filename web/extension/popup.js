// The popup shows what the worker tells it, and sends commands. It may be closed at any moment: the worker goes on.

import { toDecimal } from "./open-payments-wasm/index.js";
import { send } from "./messages.js";
import { readReceiver } from "./page.js";
import { toDay } from "./words.js";

/** An element of the page, of whatever kind it is there. @returns {any} */
const element = (id) => document.getElementById(id);
const main = document.querySelector("main");
const sections = [...document.querySelectorAll("section")];
let renders = 0;
let shown; // the step that has the focus
let offered; // { key, to, name }: who is paid at the next click. Nothing that the page does changes it
let clicked; // the key of the payment that was made last in this popup
let offerProblem; // why it is not known who that is

const statuses = {
  new: "Not connected",
  publish: "The key is not added yet",
  ready: "Connected",
  waiting: "Waiting for your decision at the wallet",
  finishing: "Receiving the allowance…",
  allowed: "Payments are allowed",
  ending: "Ending…",
  lost: "Not connected any more",
};

const outcomes = {
  paying: ({ words }) => (words ? `Not finished: ${words} It is tried again.` : "Being paid…"),
  sent: () => "Sent, and on its way",
  arrived: () => "Arrived",
  failed: ({ words }) => `Failed: ${words}`,
  unpaid: ({ words }) => `Not paid: ${words}`,
  unknown: () => "You ended the allowance before it was known. Your wallet shows whether it was paid.",
};

const ours = ["wallet", "asked", "callback", "ending", "payments", "problem"];
chrome.storage.onChanged.addListener((changes) => void (ours.some((name) => name in changes) && render()));
chrome.tabs.onRemoved.addListener(() => void render());
/** @type {NodeListOf<HTMLElement>} */
const buttons = document.querySelectorAll("[data-command]");
for (const button of buttons) {
  button.addEventListener("click", () => command({ command: button.dataset.command, then: button.dataset.then }));
}
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(form.id, Object.fromEntries(new FormData(form)));
  });
}
element("copy").addEventListener("click", copy);
const reading = readReceiver(); // once, at the click that opened the popup
await render();
document.body.dataset.ready = "";

function submit(name, fields) {
  if (name !== "pay") return command({ command: name, ...fields });
  const message = { command: "pay", ...offered, ...fields };
  clicked = offered.key;
  offered = { ...offered, key: crypto.randomUUID() }; // a click pays once, and another click again
  return command(message);
}

/** Sends a command; meanwhile nothing else can be pressed. */
async function command(message) {
  const pressed = /** @type {HTMLElement} */ (document.activeElement);
  setBusy(true);
  element("problem").hidden = true;
  element("status").textContent = "One moment…"; // not inside main: what is inert is not read out
  try {
    await send(message);
  } finally {
    setBusy(false);
    pressed.focus(); // until the next step takes it
    await render();
  }
}

function setBusy(isBusy) {
  main.inert = isBusy;
  element("disconnect").disabled = isBusy;
}

async function render() {
  const turn = ++renders;
  const state = await send({ command: "look" });
  const isClosed = await isTabClosed(state);
  if (turn !== renders) return; // there is news already
  const { step, wallet, jwk, limit, payments = [], problem } = state;
  for (const section of sections) section.hidden = section.dataset.step !== step;
  element("wallet").hidden = !wallet;
  element("disconnect").hidden = !wallet || step === "ending" || (step === "finishing" && !problem);
  element("forget").hidden = !problem;
  element("status").textContent = isClosed ? "The wallet’s page is not open" : statuses[step];
  if (wallet) {
    element("wallet").textContent = wallet.id.replace(/^https?:\/\//, "");
    for (const place of document.querySelectorAll(".asset")) place.textContent = wallet.assetCode;
  }
  if (jwk) showKey(jwk);
  if (limit) for (const place of document.querySelectorAll(".limit")) place.textContent = inWords(limit);
  showPayments(payments);
  showProblem(problem ?? offerProblem);
  if (step === "allowed") {
    showOffer();
    showLeft(turn);
  }
  if (main.inert) return;
  if (shown !== undefined && shown !== step) /** @type {HTMLElement} */ (document.querySelector("section:not([hidden]) h2")).focus();
  shown = step;
}

function inWords(amount) {
  return `${toDecimal(amount)} ${amount.assetCode}`;
}

async function isTabClosed({ step, walletTab }) {
  if (step !== "waiting") return false;
  const isOpen = walletTab !== undefined && (await chrome.tabs.get(walletTab).catch(() => undefined));
  return !isOpen;
}

function showKey(jwk) {
  const text = JSON.stringify(jwk, null, 2);
  if (element("jwk").value !== text) element("jwk").value = text;
  element("jwk").style.height = `${element("jwk").scrollHeight + 2}px`; // all of it: nobody scrolls in a key
}

/** Shows who would be paid, once: the address that the page named when the popup was opened, and what its wallet says. */
async function showOffer() {
  const receiver = await reading;
  if (!receiver || offered) return;
  const { url, others } = receiver;
  offered = { key: crypto.randomUUID(), to: url };
  const { host, pathname, search } = new URL(url);
  element("to").replaceChildren(withTag("strong", host), `${pathname}${search}`.replace(/^\/$/, ""));
  element("name").textContent = "…";
  element("pay-button").disabled = true;
  element("nobody").hidden = true;
  element("pay").hidden = false;
  element("others").hidden = others === 0;
  element("others").textContent = `The page names ${others} more. This is the first that can be paid.`;
  await askName();
}

async function askName() {
  const { name, problem } = await send({ command: "offer", url: offered.to });
  offerProblem = problem && { ...problem, retry: askName };
  showProblem(offerProblem);
  if (problem) return;
  offered.name = plain(name ?? "");
  element("name").textContent = offered.name || "nothing";
  element("pay-button").disabled = false;
}

/** Words of others: short, on one line, and without what could change their direction. */
function plain(text) {
  const line = text.replace(/[\p{C}\p{Z}]+/gu, " ").trim();
  return line.length > 40 ? `${line.slice(0, 40)}…` : line;
}

async function showLeft(turn) {
  const { left, limit, opensAt, problem } = await send({ command: "left" });
  if (turn !== renders) return;
  element("left").textContent = problem
    ? "What is left cannot be read from your wallet now."
    : `${inWords(left)} of ${inWords(limit)} are left this month. The next ${inWords(limit)} come on ${toDay(opensAt)}.`;
}

function showPayments(payments) {
  element("history").hidden = payments.length === 0;
  element("payments").replaceChildren(...payments.map(toItem));
  const own = payments.find(({ key }) => key === clicked);
  element("paid").textContent = own ? `${inWords(own.amount)}: ${outcomes[own.state](own)}` : ""; // the list may be out of sight
}

function toItem(payment) {
  const { to, name, amount, at, state } = payment;
  const item = document.createElement("li");
  item.dataset.state = state;
  const time = new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  const who = withTag("span", to.replace(/^https?:\/\//, ""));
  who.title = name || "";
  item.append(
    withTag("strong", inWords(amount)),
    " to ",
    who,
    withTag("span", outcomes[state](payment), "outcome"),
    withTag("small", time),
  );
  return item;
}

function withTag(tag, text, name = "") {
  const made = Object.assign(document.createElement(tag), { className: name });
  made.textContent = text;
  return made;
}

function showProblem(problem) {
  element("problem").hidden = !problem;
  if (!problem) return;
  const { text, again, origins = [], retry = () => command(again) } = problem;
  element("problem-text").textContent = text;
  element("retry").hidden = !again;
  element("retry").onclick = retry;
  element("allow").hidden = origins.length === 0;
  element("allow").textContent = `Allow access to ${origins.map((origin) => origin.split("/")[2]).join(" and ")}`;
  element("allow").onclick = () => allow(origins, retry);
  if (again?.address && !element("address").value) element("address").value = again.address;
}

/** Asks the person for access to the hosts that could not be read: only a click may ask. */
async function allow(origins, retry) {
  if (await chrome.permissions.request({ origins })) await retry();
}

async function copy() {
  element("jwk").select();
  await navigator.clipboard.writeText(element("jwk").value);
  element("status").textContent = "Copied";
}
