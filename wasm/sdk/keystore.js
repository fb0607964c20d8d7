// Keys in IndexedDB, as structured clones of CryptoKeys: never their bytes, unless the caller asks.

import { argumentError, guarded, OpenPaymentsClientError } from "./errors.js";
import { importKey, isCryptoKey } from "./keys.js";
import { call } from "./runtime.js";

const databaseName = "open-payments-wasm";
const storeName = "keys";

/** @type {typeof import("./index.js").saveKey} */
export async function saveKey(name, key, options = {}) {
  const { persist = false, plaintext = false } = guarded(Object(options), "options");
  checkName(name);
  const record = await storable(key, plaintext);
  await withStore("readwrite", (store) => store.put(record, name));
  if (persist) navigator.storage?.persist?.().catch(() => {}); // not awaited: Firefox asks the person
}

async function storable(key, plaintext) {
  if (key?.backing === "webcrypto" && isCryptoKey(key.privateKey)) {
    if (!key.privateKey.extractable) return { ...key };
    throw argumentError("key", "must not be extractable: a script could read it from the store");
  }
  if (key?.backing !== "wasm") throw argumentError("key", "must be a key from generateKey, importKey or loadKey");
  if (!plaintext) {
    throw argumentError(
      "key",
      "is held by the module, for want of Ed25519 in WebCrypto: it can be stored in plain text only, " +
        "where any script of this origin can read it. Pass { plaintext: true } to accept that",
    );
  }
  return { keyId: key.keyId, pkcs8: await call("exportKey", [key.wasmKey]) };
}

/** @type {typeof import("./index.js").loadKey} */
export async function loadKey(name) {
  checkName(name);
  const record = await withStore("readonly", (store) => store.get(name));
  if (record?.pkcs8) return importKey(record.pkcs8, { keyId: record.keyId });
  return record && Object.freeze(record);
}

/** @type {typeof import("./index.js").listKeys} */
export async function listKeys() {
  return withStore("readonly", (store) => store.getAllKeys());
}

/** @type {typeof import("./index.js").deleteKey} */
export async function deleteKey(name) {
  checkName(name);
  await withStore("readwrite", (store) => store.delete(name));
}

function checkName(name) {
  if (typeof name !== "string" || name === "") throw argumentError("name", "must be a string that is not empty");
}

/** Runs one request in a transaction of its own and waits until it is durable. */
async function withStore(mode, request) {
  const database = await open();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(storeName, mode);
      const asked = request(transaction.objectStore(storeName));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = () => reject(transaction.error);
    });
  } catch (cause) {
    throw storageError(cause);
  } finally {
    database.close();
  }
}

function open() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(databaseName, 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(storeName);
    opening.onblocked = () => reject(new Error("Another tab keeps an older version of the database open."));
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      opening.result.onversionchange = () => opening.result.close();
      resolve(opening.result);
    };
  }).catch((cause) => {
    throw storageError(cause);
  });
}

const advice = {
  QuotaExceededError: "The disk, or this site's share of it, is full.",
  InvalidStateError: "Storage is switched off, as in some private windows.",
  SecurityError: "Storage is switched off for this site.",
  DataCloneError: "This browser cannot store an Ed25519 CryptoKey: Firefox does since 136.",
};

function storageError(cause) {
  if (cause?.code === "storage_error") return cause;
  const description = `The key store could not be used. ${advice[cause?.name] ?? cause?.message ?? ""}`.trim();
  return new OpenPaymentsClientError(description, { code: "storage_error", description, cause });
}
