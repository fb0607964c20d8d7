// The demo: key → grant request → wallet → continuation → access token.

import {
  cleanCallbackUrl, createAuthenticatedClient, generateKey, init, isFinalizedGrantWithAccessToken, jwks, loadKey, saveKey,
} from "/dist/index.js";
import { recordingFetch } from "./exchange.js";

const keyName = "demo";
const element = (id) => document.getElementById(id);
const progress = {
  // What must outlive the visit to the wallet, for this tab only.
  get: () => JSON.parse(sessionStorage.getItem("demo") ?? "null"),
  set: (value) => sessionStorage.setItem("demo", JSON.stringify(value)),
  clear: () => sessionStorage.removeItem("demo"),
};

init().catch(() => {}); // the module loads while the person reads; a failure shows up at the first call
element("start").addEventListener("click", () => run(start));
element("restart").addEventListener("click", () => {
  progress.clear();
  location.replace(location.pathname);
});
await run(resume);

async function run(task) {
  element("actions").querySelectorAll("*").forEach((action) => { action.hidden = true; });
  try {
    await task();
  } catch (error) {
    showError(error);
  }
}

async function resume() {
  const saved = progress.get();
  saved?.steps.forEach(show);
  const callback = new URL(location.href);
  const cameBack = callback.searchParams.has("interact_ref") || callback.searchParams.has("result");
  if (cameBack && saved) return finish(callback, saved);
  if (saved?.pending) return offerWallet(saved.pending);
  say("Ready. The first step creates a key and asks the wallet for a grant.");
  element("start").hidden = false;
}

/** Creates and publishes the key, requests the grant, and offers the way to the wallet. */
async function start() {
  const config = await (await fetch("/config.json")).json();
  const saved = { config, steps: [] };
  const step = (made) => {
    saved.steps.push(made);
    show(made);
    progress.set(saved);
  };
  say("Creating a key…");
  const { value: key, tookMs } = await timed(ownKey);
  const published = jwks(key);
  saved.walletAddress = await publish(config, key, published);
  step({
    title: "A key that no script can read", tookMs,
    text: `Ed25519, held by ${key.backing}, not extractable, kept in IndexedDB. Its public half is published at the client's wallet address.`,
    parts: { "Published key set": JSON.stringify(published, null, 2) },
  });

  say("Requesting the grant…");
  const client = await makeClient(saved, key, (exchange) => step(signedStep("The grant request, signed", exchange)));
  const grant = await client.grant.start({ url: config.authServer }, grantRequest(config));
  saved.pending = grant;
  step({ title: "The grant is pending", text: "It becomes an access token when you approve it.", parts: { "Pending grant": JSON.stringify(grant, null, 2) } });
  offerWallet(grant);
}

async function ownKey() {
  const kept = await loadKey(keyName);
  if (kept) return kept;
  const key = await generateKey();
  await saveKey(keyName, key);
  return key;
}

/** The sandbox hosts the wallet address of this page's client; elsewhere that is your own server. */
async function publish(config, key, keySet) {
  const response = await fetch(`${config.clients}${encodeURIComponent(`demo-${key.keyId.slice(0, 8)}`)}/jwks.json`, {
    method: "PUT", headers: { "content-type": "application/json" }, body: JSON.stringify(keySet),
  });
  if (!response.ok) throw new Error(`The sandbox refused the key set: ${await response.text()}`);
  return (await response.json()).id;
}

function makeClient({ walletAddress }, key, keep) {
  return createAuthenticatedClient({ walletAddressUrl: walletAddress, key, fetch: recordingFetch(keep) });
}

function grantRequest(config) {
  return {
    access_token: {
      access: [{
        type: "outgoing-payment",
        actions: ["create", "read", "list"],
        identifier: config.walletAddress,
        limits: { debitAmount: { value: "500", assetCode: "USD", assetScale: 2 } },
      }],
    },
    interact: { start: ["redirect"], finish: { method: "redirect", uri: location.origin + location.pathname } },
  };
}

function offerWallet(grant) {
  say("Waiting for you: approve or decline at the wallet.");
  element("wallet").href = grant.interact.redirect;
  element("wallet").hidden = false;
  element("restart").hidden = false;
}

/** Back from the wallet: the client checks who sent us and continues the grant. */
async function finish(callback, saved) {
  history.replaceState(null, "", cleanCallbackUrl(callback)); // the reference does not belong in the history
  progress.clear();
  const { wait } = saved.pending.continue;
  say(`Back from the wallet.${wait ? ` The server asks clients to wait ${wait} s before they continue…` : ""}`);
  const genuine = once(() => show({
    title: "You approved, and the way back is genuine",
    text: "The interaction hash binds this redirect to the request that this page made. Nothing is sent before it is checked.",
    parts: { "Callback": callback.search },
  }));
  const client = await makeClient(saved, await loadKey(keyName), (exchange) => {
    genuine();
    show(signedStep("The continuation, signed", exchange));
  });
  const { value: grant, tookMs } = await timed(() => client.grant.finish(callback));
  if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("The server did not issue a token yet.");
  show({ title: "The access token", state: "good", tookMs, text: grant.access_token.value, id: "token", parts: { "Grant": JSON.stringify(grant, null, 2) } });
  say("Done. The page holds an access token.", "good");
  element("restart").hidden = false;
}

function once(task) {
  let done = false;
  return () => {
    if (!done) task();
    done = true;
  };
}

async function timed(task) {
  const began = performance.now();
  const value = await task();
  return { value, tookMs: performance.now() - began };
}

function signedStep(title, exchange) {
  const tooFast = exchange.answer.includes('"too_fast"');
  return {
    title: tooFast ? "Too early: the client waits as long as the server asks, and signs again" : title, tookMs: exchange.tookMs, state: exchange.status < 400 || tooFast ? undefined : "bad",
    text: `${exchange.method} ${exchange.url}: answered with ${exchange.status}.`,
    parts: {
      "Signature base": exchange.base,
      "Signed headers": Object.entries(exchange.headers).map(([name, value]) => `${name.toLowerCase()}: ${value}`).sort().join("\n"),
      ...(exchange.body && { "Body": exchange.body }),
      "Answer": exchange.answer,
    },
  };
}

function show({ title, text, tookMs, parts = {}, state, id }) {
  const item = document.createElement("li");
  if (state) item.dataset.state = state;
  const heading = item.appendChild(document.createElement("h2"));
  heading.append(title);
  if (tookMs !== undefined) {
    const took = heading.appendChild(document.createElement("span"));
    took.className = "took";
    took.textContent = `${tookMs.toFixed(1)} ms`;
  }
  const paragraph = item.appendChild(document.createElement("p"));
  paragraph.textContent = text;
  if (id) paragraph.id = id;
  for (const [name, content] of Object.entries(parts)) {
    const details = item.appendChild(document.createElement("details"));
    details.open = name === "Signature base";
    details.appendChild(document.createElement("summary")).textContent = name;
    details.appendChild(document.createElement("pre")).textContent = content;
  }
  element("steps").append(item);
}

function say(text, state) {
  element("status").textContent = text;
  element("status").dataset.state = state ?? "";
}

function showError(error) {
  if (error.code === "interaction_rejected") {
    show({ title: "Declined", state: "bad", text: `The wallet says: ${error.details.result}. There is no token, and nothing was sent.` });
    say("You declined the grant.", "bad");
    element("restart").hidden = false;
    return;
  }
  show({ title: "This did not work", state: "bad", text: `${error.description ?? error.message}${error.code ? ` (${error.code})` : ""}` });
  say("Something failed; the last step says what.", "bad");
  element("restart").hidden = false;
}
