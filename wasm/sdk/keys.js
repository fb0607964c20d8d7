// Ed25519 keys: made, brought along, published, and handed to the module to sign with.

import { argumentError, guarded, OpenPaymentsClientError } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { call, generation } from "./runtime.js";

/** @type {typeof import("./index.js").generateKey} */
export async function generateKey(options = {}) {
  const { keyId, extractable = false, fallback = true } = guarded(Object(options), "options");
  if (keyId !== undefined) checkKeyId(keyId, "keyId");
  checkGlobals();
  let pair;
  try {
    pair = await webCrypto().generateKey("Ed25519", extractable, ["sign", "verify"]);
  } catch (cause) {
    if (!fallback) throw noEd25519(cause);
    const { id, publicKey } = await call("generateKey", [], { needsDeferred: true });
    return handle({ keyId, publicKey, wasmKey: id });
  }
  const publicKey = await exportPublic(pair.publicKey);
  return handle({ keyId, publicKey, privateKey: pair.privateKey });
}

/** @type {typeof import("./index.js").importKey} */
export async function importKey(material, options = {}) {
  const { keyId, fallback = true } = guarded(Object(options), "options");
  if (keyId !== undefined) checkKeyId(keyId, "keyId");
  const given = guarded(Object(material), "material", "material.");
  if (isCryptoKey(given)) return importCryptoKey(material, undefined, keyId);
  const { privateKey, publicKey } = given;
  if (isCryptoKey(privateKey)) return importCryptoKey(privateKey, publicKey, keyId);
  return importMaterial(material, { keyId, fallback, path: "material" });
}

/** @type {typeof import("./index.js").publicJwk} */
export function publicJwk(key) {
  const { keyId, publicKey } = checkHandle(key, "key");
  return { kty: "OKP", crv: "Ed25519", x: base64url(publicKey), alg: "EdDSA", use: "sig", kid: keyId };
}

/** @type {typeof import("./index.js").jwks} */
export function jwks(...keys) {
  const published = keys.map((key, i) => publicJwk(checkHandle(key, `keys[${i}]`)));
  const twice = published.find(({ kid }, i) => published.findIndex((other) => other.kid === kid) !== i);
  if (twice) throw argumentError("keys", "must have different key ids");
  return { keys: published };
}

/**
 * What backs a key: a CryptoKey, or a key inside the module by its name there.
 *
 * @typedef {{ privateKey?: CryptoKey, wasmKey?: unknown }} Backing
 */

/**
 * A key handle: a plain object, so that structured clone can store it, with no secret in it that can be read.
 *
 * @param {Backing & { keyId?: string, publicKey: any }} key
 * @returns {Promise<import("./index.js").KeyHandle & Backing>}
 */
async function handle({ keyId, publicKey, privateKey, wasmKey }) {
  return Object.freeze({
    keyId: keyId || (await thumbprint(publicKey)),
    backing: wasmKey === undefined ? /** @type {const} */ ("webcrypto") : /** @type {const} */ ("wasm"),
    publicKey,
    ...(wasmKey === undefined ? { privateKey } : { wasmKey }),
  });
}

function checkHandle(key, path) {
  if (key === null || typeof key !== "object" || viewOf(key.publicKey)?.byteLength !== 32 || typeof key.keyId !== "string") {
    throw argumentError(path, "must be a key from generateKey, importKey or loadKey that knows its public half");
  }
  return key;
}

/** The RFC 7638 thumbprint of an Ed25519 public key. */
async function thumbprint(publicKey) {
  const members = JSON.stringify({ crv: "Ed25519", kty: "OKP", x: base64url(publicKey) });
  return base64url(new Uint8Array(await webCrypto().digest("SHA-256", new TextEncoder().encode(members))));
}

function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

const prepared = new WeakMap(); // key object → { keyId, privateKey, handle: a promise, since: the generation of the module }

/**
 * Returns { keyId, signer }, or a promise of it. What signs is a CryptoKey, a function, or the
 * name of a key inside the module. `path` names the argument in errors.
 */
export function prepareKey(key, path = "key") {
  if (key === null || typeof key !== "object") {
    throw argumentError(path, "must be a key from generateKey, importKey or loadKey, { keyId, privateKey } or { keyId, sign }");
  }
  const { keyId, privateKey, sign, wasmKey } = guarded(key, path, `${path}.`);
  checkKeyId(keyId, `${path}.keyId`);
  if (wasmKey !== undefined) return { keyId, signer: wasmKey };
  if (sign !== undefined) return { keyId, signer: checkedSign(sign, `${path}.sign`) };
  if (isCryptoKey(privateKey)) return { keyId, signer: checkCryptoKey(privateKey, `${path}.privateKey`) };
  const known = prepared.get(key);
  const isSame = known?.keyId === keyId && known.privateKey === privateKey; // a caller may put another key there
  if (!isSame || known.since !== generation()) {
    // the module may have held it
    const imported = importMaterial(privateKey, { keyId, fallback: true, path: `${path}.privateKey` });
    const entry = { keyId, privateKey, handle: imported, since: generation() };
    prepared.set(key, entry);
    imported.catch(() => prepared.get(key) === entry && prepared.delete(key));
  }
  return prepared.get(key).handle.then((imported) => prepareKey(imported, path));
}

function checkKeyId(keyId, path) {
  if (typeof keyId !== "string" || !/^[ -~]+$/.test(keyId)) {
    throw argumentError(path, "must be a string of printable ASCII: the kid of the key in your published key set");
  }
}

function checkedSign(sign, path) {
  if (typeof sign !== "function") throw argumentError(path, "must be a function from bytes to an Ed25519 signature");
  return async (data) => {
    const signature = viewOf(await sign(data));
    if (signature?.byteLength === 64) return signature;
    throw argumentError(path, "must return 64 bytes in an ArrayBuffer or a view of one, or a promise of them");
  };
}

/**
 * Tells a CryptoKey of any realm by what it has. Whether it can sign is seen when it does.
 *
 * @returns {value is CryptoKey}
 */
export function isCryptoKey(value) {
  const { type, algorithm, usages, extractable } = Object(value);
  return typeof type === "string" && typeof algorithm?.name === "string" && Array.isArray(usages) && typeof extractable === "boolean";
}

/** A KeyObject of Node, which no browser has. */
function isKeyObject(value) {
  const { type, export: exported, asymmetricKeyType, symmetricKeySize } = Object(value);
  return typeof exported === "function" && typeof type === "string" && (asymmetricKeyType ?? symmetricKeySize) !== undefined;
}

/** The bytes of an ArrayBuffer or of a view, of any realm, as a Uint8Array of ours; undefined for anything else. */
function viewOf(value) {
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  const kind = Object.prototype.toString.call(value);
  return kind === "[object ArrayBuffer]" || kind === "[object SharedArrayBuffer]" ? new Uint8Array(value) : undefined;
}

function checkCryptoKey(key, path) {
  if (key.algorithm.name !== "Ed25519") throw argumentError(path, `must be an Ed25519 key, not ${key.algorithm.name}`);
  if (key.type !== "private") throw argumentError(path, `must be a private key, not a ${key.type} one`);
  if (!key.usages.includes("sign")) throw argumentError(path, 'must have the usage "sign"');
  return key;
}

async function importCryptoKey(privateKey, publicCryptoKey, keyId) {
  checkCryptoKey(privateKey, "material");
  if (privateKey.extractable) {
    const pkcs8 = new Uint8Array(await webCrypto().exportKey("pkcs8", privateKey));
    const imported = await importMaterial(pkcs8, { keyId, fallback: false, path: "material" }).finally(() => pkcs8.fill(0));
    if (publicCryptoKey) await checkHalves(imported.privateKey, publicCryptoKey);
    return imported;
  }
  if (!publicCryptoKey) {
    checkKeyId(keyId, "keyId"); // without the public half there is no thumbprint
    await trySign(privateKey, new Uint8Array(32));
    return Object.freeze({ keyId, backing: "webcrypto", privateKey });
  }
  await checkHalves(privateKey, publicCryptoKey);
  return handle({ keyId, publicKey: await exportPublic(publicCryptoKey), privateKey });
}

async function checkHalves(privateKey, publicKey) {
  const message = crypto.getRandomValues(new Uint8Array(32));
  const signature = await trySign(privateKey, message);
  const matches =
    publicKey.type === "public" &&
    (await webCrypto()
      .verify("Ed25519", publicKey, signature, message)
      .catch(() => false));
  if (!matches) throw argumentError("material.publicKey", "must be the public half of the private key");
}

/** Signs with what looks like a private CryptoKey. Throws a TypeError where WebCrypto refuses it. */
async function trySign(privateKey, message) {
  try {
    return await webCrypto().sign("Ed25519", privateKey, message);
  } catch (cause) {
    throw new TypeError(argumentError("material", "must be a CryptoKey that can sign: WebCrypto refused it").message, { cause });
  }
}

async function exportPublic(publicKey) {
  return new Uint8Array(await webCrypto().exportKey("raw", publicKey));
}

/** Makes a handle of key material. Every copy of the material that is ours is overwritten. */
async function importMaterial(given, { keyId, fallback, path }) {
  checkGlobals();
  const { material, isText } = toMaterial(given, path);
  let parsed, usesWebCrypto;
  try {
    usesWebCrypto = await hasEd25519();
    if (!usesWebCrypto && !fallback) throw noEd25519();
    parsed = await call("parseKey", [material, isText, usesWebCrypto], { needsDeferred: !usesWebCrypto });
  } catch (error) {
    throw error?.name === "TypeError" ? new TypeError(error.message.replace('"privateKey"', `"${path}"`)) : error;
  } finally {
    material.fill(0);
  }
  keyId ??= parsed.keyId;
  if (!usesWebCrypto) return handle({ keyId, publicKey: parsed.publicKey, wasmKey: parsed.id });
  try {
    const publicKey = await publicHalf(parsed.pkcs8);
    if (parsed.publicKey && base64url(parsed.publicKey) !== base64url(publicKey)) {
      throw argumentError(
        path,
        "cannot be used: expected the two halves of one key, found a public key that is not that of the private key",
      );
    }
    const privateKey = await webCrypto().importKey("pkcs8", parsed.pkcs8, "Ed25519", false, ["sign"]);
    return await handle({ keyId, publicKey, privateKey });
  } finally {
    parsed.pkcs8.fill(0);
  }
}

/** Lets WebCrypto compute the public key: in the module, copies of the seed would stay in memory. */
async function publicHalf(pkcs8) {
  const readable = await webCrypto().importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x } = await webCrypto().exportKey("jwk", readable);
  return Uint8Array.from(atob(x.replaceAll("-", "+").replaceAll("_", "/")), (char) => char.charCodeAt(0));
}

/** Returns a copy of what was given, for the module to read, as text or as bytes. */
function toMaterial(given, path) {
  if (typeof given === "string") return { material: encode(given), isText: true };
  const view = viewOf(given);
  if (view) return { material: new Uint8Array(view), isText: false };
  if (isKeyObject(given)) {
    throw argumentError(
      path,
      'must not be a KeyObject of Node, which only Node can read: pass what its export gives, key.export({ type: "pkcs8", format: "pem" })',
    );
  }
  if (isCryptoKey(given)) throw argumentError(path, "must be a private Ed25519 CryptoKey");
  if (given?.kty !== undefined || Array.isArray(given?.keys)) return { material: encode(JSON.stringify(given)), isText: true };
  throw argumentError(
    path,
    "must be a CryptoKey, a string (PKCS#8 PEM, a JWK, or base64 or hex of a key), a JsonWebKey, or the bytes of a key or of a key file",
  );
}

/** One copy, in a Uint8Array of this realm: that of a TextEncoder may be of another. */
function encode(text) {
  const buffer = new Uint8Array(3 * text.length);
  return buffer.subarray(0, new TextEncoder().encodeInto(text, buffer).written);
}

const basePoint = Uint8Array.from({ length: 32 }, (_, i) => (i === 0 ? 0x58 : 0x66)); // RFC 8032 §5.1

/** Tells whether WebCrypto can hold an Ed25519 key: it imports a public one that everybody knows. */
async function hasEd25519() {
  try {
    await webCrypto().importKey("raw", basePoint, "Ed25519", false, ["verify"]);
    return true;
  } catch {
    return false;
  }
}

function webCrypto() {
  if (globalThis.crypto?.subtle) return globalThis.crypto.subtle;
  const description = "WebCrypto exists in secure contexts only: https:, or http: on localhost.";
  throw new OpenPaymentsClientError(description, { code: "invalid_key", description });
}

function noEd25519(cause) {
  const description =
    "This browser's WebCrypto cannot hold an Ed25519 key. It needs Chrome 137, Firefox 129 or Safari 17, and a secure context.";
  return new OpenPaymentsClientError(description, { code: "invalid_key", description, cause });
}
