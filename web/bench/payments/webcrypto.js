// A payment with fetch and WebCrypto alone: the requests that it needs, and nothing else.

import { byHand } from "../page/by-hand.js";
import { importKey, signedHeaders } from "../page/webcrypto.js";

export async function connect(key) {
  const privateKey = await importKey(key);

  async function send(method, { url, accessToken }, body) {
    const text = body && JSON.stringify(body);
    const headers = await signedHeaders({ method, url, accessToken, text, keyId: key.id, privateKey });
    return read(await fetch(url, { method, headers, body: text }));
  }

  const get = (target) => send("GET", target);
  const create = (path) => (target, body) => send("POST", { ...target, url: `${target.url}/${path}` }, body);
  const client = "https://wallet.example/client";
  return byHand({
    walletAddress: { get: async ({ url }) => read(await fetch(url, { headers: { accept: "application/json" } })) },
    grant: { request: (target, body) => send("POST", target, { ...body, client }), continue: (target, body) => send("POST", target, body) },
    incomingPayment: { create: create("incoming-payments"), get },
    quote: { create: create("quotes") },
    outgoingPayment: { create: create("outgoing-payments"), get },
  });
}

async function read(response) {
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.json();
}
