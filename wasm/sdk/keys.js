// From what people pass as a key to what the module signs with.

import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { call } from "./runtime.js";

const prepared = new WeakMap(); // key object → Promise of what prepare() made of it

/**
 * Returns { keyId, signer }: signer is a CryptoKey, or a function that signs. `path` names the
 * argument in errors.
 */
export function prepareKey(key, path = "key") {
  if (key === null || typeof key !== "object") {
    throw argumentError(path, "must be an object: { keyId, privateKey } or { keyId, sign }");
  }
  const { keyId, privateKey, sign } = key;
  if (typeof keyId !== "string" || !/^[ -~]+$/.test(keyId)) {
    throw argumentError(`${path}.keyId`, "must be a string of printable ASCII: the kid of the key in your published key set");
  }
  if (sign !== undefined) return { keyId, signer: checkedSign(sign, path) };
  if (isCryptoKey(privateKey)) return { keyId, signer: checkCryptoKey(privateKey, `${path}.privateKey`) };
  if (!prepared.has(key)) {
    const preparing = importPrivateKey(privateKey, `${path}.privateKey`).then((signer) => ({ keyId, signer }));
    prepared.set(key, preparing);
    preparing.catch(() => prepared.delete(key));
  }
  return prepared.get(key);
}

function checkedSign(sign, path) {
  if (typeof sign !== "function") throw argumentError(`${path}.sign`, "must be a function from bytes to an Ed25519 signature");
  return async (data) => {
    const signature = await sign(data);
    if (signature instanceof Uint8Array && signature.byteLength === 64) return signature;
    throw argumentError(`${path}.sign`, "must return a Uint8Array of 64 bytes, or a promise of one");
  };
}

const isCryptoKey = (value) => typeof CryptoKey !== "undefined" && value instanceof CryptoKey;

function checkCryptoKey(key, path) {
  if (key.algorithm.name !== "Ed25519") throw argumentError(path, `must be an Ed25519 key, not ${key.algorithm.name}`);
  if (key.type !== "private") throw argumentError(path, `must be a private key, not a ${key.type} one`);
  if (!key.usages.includes("sign")) throw argumentError(path, 'must have the usage "sign"');
  return key;
}

/** Makes a non-extractable CryptoKey of key material. Every copy of it that is ours is overwritten. */
async function importPrivateKey(privateKey, path) {
  const { material, isText } = toMaterial(privateKey, path);
  let parsed;
  try {
    parsed = await call("parseKey", material, isText);
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(error.message.replace('"privateKey"', `"${path}"`)) : error;
  } finally {
    material.fill(0);
  }
  try {
    return await webCrypto().importKey("pkcs8", parsed.pkcs8, "Ed25519", false, ["sign"]);
  } catch (cause) {
    throw noEd25519(cause);
  } finally {
    parsed.pkcs8.fill(0);
  }
}

function toMaterial(privateKey, path) {
  if (typeof privateKey === "string") return { material: new TextEncoder().encode(privateKey), isText: true };
  if (privateKey instanceof Uint8Array) return { material: privateKey.slice(), isText: false };
  if (privateKey?.kty !== undefined) return { material: new TextEncoder().encode(JSON.stringify(privateKey)), isText: true };
  throw argumentError(path, "must be a CryptoKey, a string (PKCS#8 PEM, base64 of PEM, JWK or hex), a JsonWebKey or a Uint8Array");
}

function webCrypto() {
  if (globalThis.crypto?.subtle) return globalThis.crypto.subtle;
  throw new Error("WebCrypto exists in secure contexts only: https:, or http: on localhost.");
}

function noEd25519(cause) {
  const description = "This browser's WebCrypto could not take an Ed25519 key. It needs Chrome 137, Firefox 129 or Safari 17, and a secure context.";
  return new OpenPaymentsClientError(description, { code: "invalid_key", description, cause });
}
