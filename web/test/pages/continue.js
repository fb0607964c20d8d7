// Continues a grant with a new key, wherever it runs, and says what came of it.

import { continueGrant } from "/dist/index.js";

export async function continueHere({ url, accessToken, interactRef }) {
  const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  const { kty, crv, x } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const key = { keyId: "worker-key", privateKey: pair.privateKey };
  const grant = await continueGrant({ url, accessToken, interactRef, key });
  return { grant, jwk: { kty, crv, x } };
}
