// What pages wait for right after their start: a wallet address, a grant that somebody has to approve, its callback, a continuation, with a
// key that WebCrypto holds. profile.mjs writes what it has run into wasm/npm/early.txt; budget.test.mjs checks that nothing else runs.

import { respond } from "../bench/payment-server.mjs";

const base = "http://127.0.0.1/pay/early"; // of the server: /pay/ and an id
const uri = "https://shop.example/callback";

/** Makes those calls of a package once. */
export async function callEarly({ createAuthenticatedClient, continueGrant, generateKey, memoryStorage }) {
  const key = await generateKey();
  const options = { walletAddressUrl: "https://shop.example/client", key, fetch, store: memoryStorage() };
  const client = await createAuthenticatedClient(options);
  const wallet = await client.walletAddress.get({ url: `${base}/wallet/payer` });
  const request = {
    access_token: { access: [{ type: "quote", actions: ["create", "read"] }] },
    interact: { start: ["redirect"], finish: { method: "redirect", uri } },
  };
  const grant = await client.grant.start({ url: wallet.authServer }, request);
  await client.grant.finish(new URL(grant.interact.redirect).searchParams.get("callback"));
  for (const url of [`${base}/continue`, "https://payer.example/pay/early/continue"]) {
    await continueGrant({ url, accessToken: "token", interactRef: "reference", key, fetch });
  }
}

// Members that servers may add: every kind of value leads to other functions.
const texts = String.raw`"", "é 😀", "\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"`;
const more = `{"x": [true, false, null, 0, 10, -1, 2.5, 1e9, 1E-9, ${texts}, [], {}, [[1]], {"y": {"z": "z"}}],`;

async function fetch(input, init) {
  const request = new Request(input, init);
  const { host, origin, pathname: url } = new URL(request.url);
  const { status, body } = respond({ method: request.method, url, headers: { host } }, await request.text());
  const text = JSON.stringify(body, null, 2).replaceAll(`http://${host}`, origin);
  return new Response(text.replace("{", more), { status, headers: { "content-type": "application/json; charset=utf-8" } });
}
