// The grants that were started and not finished yet, in a store.

import { pause } from "./call.js";
import { argumentError } from "./errors.js";

const storeKey = "open-payments-wasm.pending";
const lifetimeMs = 60 * 60 * 1000; // a wallet does not wait for a person longer than that

const arrivalMs = 250; // until another tab, in a process of its own, surely sees what was written to localStorage

const queues = new Map(); // name → the last task of this page

/** Runs a task when no other, in this page or another tab, runs under the same name. */
export function exclusively(name, task, { signal } = {}) {
  const lock = `${storeKey}.${name}`;
  if (globalThis.navigator?.locks) return underLock(lock, task, signal);
  return inTurn(lock, task, signal);
}

/** No Web Locks: this page at least takes turns. */
function inTurn(name, task, signal) {
  const before = queues.get(name) ?? Promise.resolve();
  const turn = before.then(() => {
    signal?.throwIfAborted();
    return task();
  });
  const over = turn.catch(() => {}).then(() => {
    if (queues.get(name) === over) queues.delete(name);
  });
  queues.set(name, over);
  return turn;
}

/** Locks travel faster between tabs than localStorage does, so the lock outlasts the task. */
function underLock(lock, task, signal) {
  return new Promise((resolve, reject) => {
    const run = async () => {
      await task().then(resolve, reject);
      await pause(arrivalMs);
    };
    navigator.locks.request(lock, { signal }, run).catch(reject);
  });
}

/** The pending grants of a store. */
export class PendingGrants {
  #store;

  constructor(store) {
    this.#store = checkStore(store);
  }

  async list() {
    const records = Object.values((await this.#store.get(storeKey)) ?? {});
    return records.filter((record) => isWhole(record) && Date.now() - record.began < lifetimeMs);
  }

  async has(id) {
    return (await this.list()).some((record) => record.id === id);
  }

  add(record) {
    return this.#change((records) => [...records, record]);
  }

  remove(id) {
    return this.#change((records) => records.filter((record) => record.id !== id));
  }

  #change(change) {
    return exclusively("store", async () => {
      const records = change(await this.list());
      if (records.length === 0) return this.#store.delete(storeKey);
      return this.#store.set(storeKey, Object.fromEntries(records.map((record) => [record.id, record])));
    });
  }
}

/** What lies in a store may be damaged, or have been put there by somebody else: it must not stand in the way of other grants. */
function isWhole(record) {
  const { id, url, finishUri, clientNonce, serverNonce, continue: next } = record ?? {};
  const texts = [id, url, finishUri, clientNonce, serverNonce, next?.uri, next?.access_token?.value];
  return texts.every((text) => typeof text === "string" && text !== "") && isUrl(finishUri);
}

function isUrl(text) {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}

function checkStore(store) {
  for (const method of ["get", "set", "delete"]) {
    if (typeof store?.[method] !== "function") throw argumentError("store", "must have the methods get, set and delete");
  }
  return store;
}
