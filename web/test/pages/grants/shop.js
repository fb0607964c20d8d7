// A shop with three ways to the wallet.

import * as openPayments from "/dist/index.js";
import { authServer, client, key, request, show } from "./common.js";

const { openWalletPopup, pollGrant, redirectToWallet } = openPayments;
const button = (id) => document.getElementById(id);
const uri = new URL(`/grants/callback.html${location.search}`, location.href).href;
const start = () =>
  client.grant.start({ url: authServer }, { ...request, interact: { start: ["redirect"], finish: { method: "redirect", uri } } });
const aborter = new AbortController();

button("redirect").addEventListener("click", async () => redirectToWallet(await start()));

// The grant is there before the click: a popup must be opened at once.
button("prepare").addEventListener("click", async () => {
  globalThis.pending = await start();
  button("popup").disabled = false;
});
button("popup").addEventListener("click", () => {
  show(openWalletPopup(pending, { signal: aborter.signal }).then((url) => client.grant.finish(url)));
});
button("abort").addEventListener("click", () => aborter.abort(new DOMException("never mind", "NotNowError")));

button("poll").addEventListener("click", async () => {
  const {
    continue: { uri: url, access_token, wait },
    interact,
  } = await client.grant.request({ url: authServer }, { ...request, interact: { start: ["redirect"] } });
  button("wallet").href = interact.redirect;
  show(pollGrant({ url, accessToken: access_token.value, wait, key, signal: aborter.signal }));
});

globalThis.shop = openPayments;
