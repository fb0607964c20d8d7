// What somebody who knows the RFCs would write by hand, for this one request.

import { body } from "../page/continuation.js";
import { importKey, signedHeaders } from "../page/webcrypto.js";

export const about = { title: "hand-written WebCrypto", signed: true };

export async function start(key) {
  const privateKey = await importKey(key);
  return async ({ url, accessToken, interactRef }) => {
    const text = body(interactRef);
    const headers = await signedHeaders({ url, accessToken, text, keyId: key.id, privateKey });
    const response = await fetch(url, { method: "POST", headers, body: text });
    if (!response.ok) throw new Error(`status ${response.status}`);
    return response.json();
  };
}
