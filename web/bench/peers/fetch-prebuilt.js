// The floor: the same bytes on the wire as a signed continuation, made before the clock starts.

import { body } from "../page/continuation.js";
import { importKey, signedHeaders } from "../page/webcrypto.js";

export const about = { title: "fetch, prebuilt headers (floor)", signed: true };

export async function start(key, { url, accessToken, interactRef }) {
  const text = body(interactRef);
  const headers = await signedHeaders({ url, accessToken, text, keyId: key.id, privateKey: await importKey(key) });
  return async () => {
    const response = await fetch(url, { method: "POST", headers, body: text });
    return response.json();
  };
}
