// What both walks have in common: a key, requests that become steps, and the way back from the wallet.

import { generateKey, loadKey, saveKey, verifyInteractionHash } from "/dist/index.js";
import { breaks } from "./breaks.js";
import { recordingFetch } from "./exchange.js";
import { findTokens } from "./memory.js";
import { nameOf } from "./requests.js";
import { steps } from "./steps.js";

/** Takes the key of a walk, or makes it, and shows it. */
export async function takeKey({ setup: { keyName } }, { step, showKey }) {
  const began = performance.now();
  const kept = await loadKey(keyName);
  const key = kept ?? (await generateKey());
  if (!kept) await saveKey(keyName, key);
  step(kept ? "oldKey" : "newKey", { ms: performance.now() - began });
  await showKey(key, keyName);
  return key;
}

/** Returns a fetch that makes a step of every request, and breaks what the walk wants to have broken. */
export function steppingFetch(walk, { step, closePage }) {
  const { send = {}, receive = {}, says = {} } = breaks[walk.broken];
  const meddle = (sent) => {
    const name = nameOf(sent, walk);
    return { send: send[name], receive: receive[name] };
  };
  const keep = async (exchange) => {
    findTokens(exchange);
    const name = nameOf(exchange, walk);
    const isFirst = !walk.steps.some((made) => made.name === name);
    step(name, { exchange, ms: exchange.tookMs, text: says[name] ?? textOf(name, exchange) });
    if (walk.broken === "closed" && name === "pay" && isFirst) await closePage();
  };
  return recordingFetch(keep, meddle);
}

/** The sentence of a step: what the response says, if it says it. */
function textOf(name, { status, text }) {
  const { tells, text: otherwise } = steps[name];
  if (!tells || !(status >= 200 && status < 300)) return otherwise;
  try {
    return tells(JSON.parse(text));
  } catch {
    return otherwise; // the client says what is wrong with it
  }
}

/** Shows what came back from the wallet, unless the page was loaded again with it. The client checks all of it by itself. */
export async function showCallback(walk, callback, tools) {
  if (walk.steps.some(({ came }) => came === callback)) return;
  const came = new URL(callback).searchParams;
  const went = walk.steps.findLast(({ name }) => name === "go");
  tools.step(came.has("interact_ref") ? "back" : "declined", {
    came: callback,
    ms: went && Date.now() - went.at,
    parts: { "What the address carries": Object.fromEntries(came) },
  });
  const request = walk.steps.findLast(({ name }) => name === "request");
  if (!request || !came.has("interact_ref")) return;
  if (await showHash(request.exchange, came, tools)) showWait(request, tools);
}

/** Shows the hash and what it is made of. */
async function showHash({ url, signedBody, text }, came, { step }) {
  const made = {
    clientNonce: JSON.parse(signedBody).interact.finish.nonce,
    serverNonce: JSON.parse(text).interact.finish,
    interactRef: came.get("interact_ref"),
    grantEndpoint: url,
  };
  const hash = came.get("hash") ?? "none";
  const parts = {
    "What is hashed": {
      "nonce of this page": made.clientNonce,
      "nonce of the server": made.serverNonce,
      "reference that came": made.interactRef,
      "grant endpoint": made.grantEndpoint,
    },
    "The hash that came": hash,
  };
  const began = performance.now();
  const isRight = await verifyInteractionHash({ ...made, hash }).then(
    () => true,
    () => false,
  );
  step(isRight ? "hash" : "wrongHash", { ms: performance.now() - began, parts });
  return isRight;
}

/** Says how long the client is going to wait, where it has to. */
function showWait({ at, exchange }, { step, say }) {
  const { wait = 0 } = JSON.parse(exchange.text).continue;
  const left = at + wait * 1000 - Date.now();
  if (left < 50) return;
  step("wait", { ms: left });
  say(`The server wants ${wait} seconds before a continuation. The client waits.`);
}
