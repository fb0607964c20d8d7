// This package, with a key that WebCrypto holds.

import { continueGrant, init } from "open-payments-wasm";
import { importKey } from "../page/webcrypto.js";

export const about = { title: "open-payments-wasm, WebCrypto", signed: true };

export async function start(key) {
  const [privateKey] = await Promise.all([importKey(key), init()]);
  const signingKey = { keyId: key.id, privateKey };
  return ({ url, accessToken, interactRef }) => continueGrant({ url, accessToken, interactRef, key: signingKey });
}
