// Keys in IndexedDB, as structured clones of CryptoKeys: never their bytes.

import { argumentError, OpenPaymentsClientError } from "./errors.js";

const databaseName = "open-payments-wasm";
const storeName = "keys";

export async function saveKey(name, key) {
  checkName(name);
  if (key?.backing !== "webcrypto") {
    throw argumentError("key", 'must be a key with backing "webcrypto": one that the module holds, or that is held elsewhere, cannot be stored');
  }
  if (key.privateKey.extractable) throw argumentError("key", "must not be extractable: a script could read it from the store");
  await withStore("readwrite", (store) => store.put({ ...key }, name));
}

export async function loadKey(name) {
  checkName(name);
  const key = await withStore("readonly", (store) => store.get(name));
  return key && Object.freeze(key);
}

export async function listKeys() {
  return withStore("readonly", (store) => store.getAllKeys());
}

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
  if (cause instanceof OpenPaymentsClientError) return cause;
  const description = `The key store could not be used. ${advice[cause?.name] ?? cause?.message ?? ""}`.trim();
  return new OpenPaymentsClientError(description, { code: "storage_error", description, cause });
}
