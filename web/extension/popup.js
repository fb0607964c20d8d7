// The popup shows the state and sends commands. It may be closed at any moment: the worker goes on.

import { load, onChange, send } from "./state.js";
import { fromUnits } from "./wallet.js";

/** An element of the page, of whatever kind it is there. @returns {any} */
const element = (id) => document.getElementById(id);
const main = document.querySelector("main");
const sections = [...document.querySelectorAll("section")];
let renders = 0;
let shown; // the step that has the focus

const statuses = {
  new: "Not connected",
  publish: "The key is not added yet",
  ready: "Connected",
  waiting: "Waiting for your decision at the wallet",
  finishing: "Receiving the token…",
  connected: "Payments are allowed",
  ending: "Ending…",
};

onChange(render);
chrome.tabs.onRemoved.addListener(render);
/** @type {NodeListOf<HTMLElement>} */
const buttons = document.querySelectorAll("[data-command]");
for (const button of buttons) {
  button.addEventListener("click", () => command({ command: button.dataset.command, then: button.dataset.then }));
}
for (const form of document.forms) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    command({ command: form.id, ...Object.fromEntries(new FormData(form)) });
  });
}
element("retry").addEventListener("click", async () => command((await load()).problem.retry));
element("copy").addEventListener("click", copy);
await render();
document.body.dataset.ready = "";

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
  const state = await load();
  const isClosed = await isTabClosed(state);
  if (turn !== renders) return; // there is news already
  const { step, wallet, jwk, debitAmount, problem } = state;
  for (const section of sections) section.hidden = section.dataset.step !== step;
  element("wallet").hidden = !wallet;
  element("disconnect").hidden = step === "new" || step === "ending" || (step === "finishing" && !problem);
  element("forget").hidden = !problem;
  element("status").textContent = isClosed ? "The wallet’s page is not open" : statuses[step];
  if (wallet) {
    element("wallet").textContent = wallet.id.replace(/^https?:\/\//, "");
    element("asset").textContent = wallet.assetCode;
  }
  if (jwk) element("jwk").value = JSON.stringify(jwk, null, 2);
  if (debitAmount) {
    const limit = `${fromUnits(debitAmount.value, debitAmount.assetScale)} ${debitAmount.assetCode}`;
    for (const place of document.querySelectorAll(".limit")) place.textContent = limit;
  }
  if (step === "connected") showToken(state);
  showProblem(problem);
  if (main.inert) return;
  if (shown !== undefined && shown !== step) /** @type {HTMLElement} */ (document.querySelector("section:not([hidden]) h2")).focus();
  shown = step;
}

async function isTabClosed({ step }) {
  if (step !== "waiting") return false;
  const { walletTab } = await chrome.storage.session.get("walletTab");
  return (
    walletTab === undefined ||
    chrome.tabs.get(walletTab).then(
      () => false,
      () => true,
    )
  );
}

function showToken({ grant, receivedAt }) {
  const { value, expires_in: seconds } = grant.access_token;
  const until = new Date(receivedAt + (seconds ?? 0) * 1000);
  element("token").textContent = value;
  if (seconds === undefined) element("valid").textContent = "until it is ended";
  else
    element("valid").textContent =
      until > new Date() ? `until ${until.toLocaleTimeString([], { timeStyle: "short" })}` : "no longer: stop, and ask again";
}

function showProblem(problem) {
  element("problem").hidden = !problem;
  if (!problem) return;
  const { text, retry, origins = [] } = problem;
  element("problem-text").textContent = text;
  element("retry").hidden = !retry;
  element("allow").hidden = origins.length === 0;
  element("allow").textContent = `Allow access to ${origins.map((origin) => origin.split("/")[2]).join(" and ")}`;
  element("allow").onclick = () => allow(problem);
  if (retry?.address && !element("address").value) element("address").value = retry.address;
}

/** Asks the person for access to the hosts that could not be read: only a click may ask. */
async function allow({ origins, retry }) {
  if (await chrome.permissions.request({ origins })) await command(retry);
}

async function copy() {
  element("jwk").select();
  await navigator.clipboard.writeText(element("jwk").value);
  element("status").textContent = "Copied";
}
