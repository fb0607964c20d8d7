// @interledger/open-payments as browser extensions use it: an interceptor signs with noble, from a
// key that is bytes in memory. What it imports of Node is replaced by what bundle.mjs names.

import "../shims/buffer.js";
import { createAuthenticatedClient } from "@interledger/open-payments/dist/client";
import { signAsync } from "@noble/ed25519";
import { signMessage } from "http-message-signatures/lib/httpbis/index.js";
import { createContentDigestHeader } from "httpbis-digest-headers";
import { components } from "./webcrypto.js";

export function sdkClient(key) {
  const seed = Uint8Array.from(key.seed.match(/../g), (pair) => parseInt(pair, 16));
  const signer = { id: key.id, alg: "ed25519", sign: async (data) => Buffer.from(await signAsync(data, seed)) };
  return createAuthenticatedClient({
    walletAddressUrl: "https://wallet.example/client",
    validateResponses: false,
    requestTimeoutMs: 10_000,
    authenticatedRequestInterceptor: (request) => intercept(request, signer),
  });
}

async function intercept(request, signer) {
  const signed = request.clone();
  const message = { method: request.method, url: request.url, headers: {} };
  if (request.method === "POST") {
    const text = JSON.stringify(await request.json());
    signed.headers.set("content-type", "application/json");
    signed.headers.set("content-digest", createContentDigestHeader(text, ["sha-512"]));
    message.headers["content-length"] = String(new TextEncoder().encode(text).length);
  }
  Object.assign(message.headers, Object.fromEntries(signed.headers));
  if (request.method === "GET") delete message.headers["content-type"]; // there is nothing that it is the type of
  const fields = components.filter((name) => name.startsWith("@") || name in message.headers);
  const { headers } = await signMessage({ key: signer, name: "sig1", params: ["keyid", "created"], fields }, message);
  signed.headers.set("signature", headers.Signature);
  signed.headers.set("signature-input", headers["Signature-Input"]);
  return signed;
}
