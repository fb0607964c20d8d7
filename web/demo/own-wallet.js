// The form for a wallet address and a key of one's own. Private material that is pasted never
// stays in the page: it is imported at once, and the field is emptied.

import { checkPublished, deleteKey, generateKey, importKey, loadKey, saveKey } from "/dist/index.js";
import { byId } from "./dom.js";
import { showKey } from "./keycard.js";

const keyName = "demo-own";
let key;

export async function prepareOwnWallet({ start }) {
  const material = byId("own-material");
  material.addEventListener("paste", (event) => {
    event.preventDefault(); // it does not even get into the field
    attempt("own-key", () => importText(event.clipboardData.getData("text")));
  });
  material.addEventListener("change", () => {
    if (material.value.trim() !== "") attempt("own-key", () => importText(material.value));
  });
  byId("own-generate").addEventListener("click", () => attempt("own-key", async () => keep(await generateKey(keyId()))));
  byId("own-show").addEventListener("click", showCard);
  byId("own-forget").addEventListener("click", () => attempt("own-key", forget));
  byId("own-check").addEventListener("click", () => attempt("own-said", check));
  byId("own-form").addEventListener("submit", (event) => {
    event.preventDefault();
    attempt("own-said", async () => start(await setup()));
  });
  key = await loadKey(keyName).catch(() => undefined);
  offerKeyActions();
  if (key) say("own-key", described("kept from before"), "good");
}

/** Runs a task and puts its outcome, in words, where it belongs. */
async function attempt(place, task) {
  say(place, "…");
  try {
    say(place, (await task()) ?? "", "good");
  } catch (error) {
    say(place, error.code ? `${error.code}: ${error.description}` : error.message, "bad");
  }
}

function say(place, text, state = "") {
  byId(place).textContent = text;
  byId(place).dataset.state = state;
}

async function importText(text) {
  byId("own-material").value = "";
  return keep(await importKey(text, keyId()));
}

function keyId() {
  const typed = byId("own-key-id").value.trim();
  return typed === "" ? {} : { keyId: typed };
}

async function keep(made) {
  await saveKey(keyName, made);
  key = made;
  offerKeyActions();
  await showKey(key, keyName);
  return described("ready, and cannot be exported");
}

function described(how) {
  return `Key ${key.keyId}: ${how}.`;
}

function offerKeyActions() {
  for (const id of ["own-show", "own-forget"]) byId(id).hidden = !key;
}

async function showCard() {
  await showKey(key, keyName);
  byId("key").scrollIntoView();
}

async function forget() {
  await deleteKey(keyName);
  key = undefined;
  offerKeyActions();
  byId("key").hidden = true;
  return "Forgotten.";
}

async function check() {
  const { walletAddress } = await setup();
  await checkPublished(key, walletAddress);
  return `${walletAddress} publishes this key.`;
}

/** What a walk needs to know. The key id may have been typed after the key was made. */
async function setup() {
  if (!key) throw new Error("Paste a private key, or make one.");
  const { keyId: typed = key.keyId } = keyId();
  if (typed !== key.keyId) say("own-key", await keep(Object.freeze({ ...key, keyId: typed })), "good");
  return { own: true, keyName, walletAddress: walletAddress() };
}

function walletAddress() {
  const typed = byId("own-address").value.trim();
  const address = typed.replace(/^\$/, "https://"); // as wallets write it on their pages
  if (!URL.canParse(address)) throw new Error("Type a wallet address, such as https://wallet.example/alice.");
  const url = new URL(address);
  if (typed.startsWith("$") && url.pathname === "/") return new URL("/.well-known/pay", url).href; // a payment pointer without a path
  return address.replace(/\/$/, "");
}
