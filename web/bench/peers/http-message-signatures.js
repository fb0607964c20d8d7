// The npm package http-message-signatures, with WebCrypto as its signer.

import "../shims/buffer.js";
import { signMessage } from "http-message-signatures/lib/httpbis/index.js";
import { body } from "../page/continuation.js";
import { components, contentDigest, importKey, nonce } from "../page/webcrypto.js";

export const about = { title: "http-message-signatures, WebCrypto", signed: true };

export async function start(key) {
  const privateKey = await importKey(key);
  const signer = { id: key.id, sign: async (data) => Buffer.from(await crypto.subtle.sign("Ed25519", privateKey, data)) };
  return async ({ url, accessToken, interactRef }) => {
    const text = body(interactRef);
    const message = {
      method: "POST",
      url,
      headers: {
        accept: "application/json",
        authorization: `GNAP ${accessToken}`,
        "content-type": "application/json",
        "content-length": String(text.length),
        "content-digest": await contentDigest(text),
      },
    };
    const config = {
      key: signer,
      name: "sig1",
      fields: components,
      params: ["created", "nonce", "tag", "keyid"],
      paramValues: { nonce: nonce(), tag: "gnap" },
    };
    const { headers } = await signMessage(config, message);
    const response = await fetch(url, { method: "POST", headers, body: text });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
  };
}
