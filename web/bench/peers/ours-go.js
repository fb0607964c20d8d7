// This package in a browser whose WebCrypto knows no Ed25519: Go signs.

import { continueGrant, importKey, init } from "open-payments-wasm";
import { fromBase64 } from "../page/webcrypto.js";

export const about = { title: "open-payments-wasm, Go signs", signed: true };

export async function start(key) {
  const [handle] = await Promise.all([withoutEd25519(() => importKey(fromBase64(key.pkcs8), { keyId: key.id })), init()]);
  if (handle.backing !== "wasm") throw new Error(`the key is held by ${handle.backing}`);
  return ({ url, accessToken, interactRef }) => continueGrant({ url, accessToken, interactRef, key: handle });
}

/** Runs something while WebCrypto refuses to import Ed25519 keys, as older browsers do. */
async function withoutEd25519(run) {
  const { importKey } = SubtleCrypto.prototype;
  SubtleCrypto.prototype.importKey = async () => {
    throw new DOMException("Unrecognized name.", "NotSupportedError");
  };
  try {
    return await run();
  } finally {
    SubtleCrypto.prototype.importKey = importKey;
  }
}
