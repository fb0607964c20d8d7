// @interledger/open-payments as browser extensions use it: an interceptor signs with noble, from a
// key that is bytes in memory. What it imports of Node is replaced by what bundle.mjs names.

import "../shims/buffer.js";
import { createAuthenticatedClient } from "@interledger/open-payments/dist/client";
import { signAsync } from "@noble/ed25519";
import { signMessage } from "http-message-signatures/lib/httpbis/index.js";
import { createContentDigestHeader } from "httpbis-digest-headers";
import { components } from "../page/webcrypto.js";

export const about = { title: "@interledger/open-payments, noble (SDK)", signed: true };

export async function start(key) {
  const seed = Uint8Array.from(key.seed.match(/../g), (pair) => parseInt(pair, 16));
  const signer = { id: key.id, alg: "ed25519", sign: async (data) => Buffer.from(await signAsync(data, seed)) };
  const client = await createAuthenticatedClient({
    walletAddressUrl: "https://wallet.example/client",
    validateResponses: false,
    requestTimeoutMs: 10_000,
    authenticatedRequestInterceptor: (request) => intercept(request, signer),
  });
  return ({ url, accessToken, interactRef }) => client.grant.continue({ url, accessToken }, { interact_ref: interactRef });
}

async function intercept(request, signer) {
  const signed = request.clone();
  const text = JSON.stringify(await request.json());
  signed.headers.set("content-type", "application/json");
  signed.headers.set("content-digest", createContentDigestHeader(text, ["sha-512"]));
  const length = String(new TextEncoder().encode(text).length);
  const { headers } = await signMessage(
    { key: signer, name: "sig1", params: ["keyid", "created"], fields: components },
    { method: request.method, url: request.url, headers: { ...Object.fromEntries(signed.headers), "content-length": length } },
  );
  signed.headers.set("signature", headers.Signature);
  signed.headers.set("signature-input", headers["Signature-Input"]);
  return signed;
}
