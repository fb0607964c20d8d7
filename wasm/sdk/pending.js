// The grants that were started and not finished yet, in a store.

import { argumentError } from "./errors.js";

const storeKey = "open-payments-wasm.pending";
const lifetimeMs = 60 * 60 * 1000; // a wallet does not wait for a person longer than that

const queues = new Map(); // name → the last task of this page

/** Runs a task when no other, in this page or another tab, runs under the same name. */
export function exclusively(name, task, { signal } = {}) {
  const lock = `${storeKey}.${name}`;
  if (globalThis.navigator?.locks) return navigator.locks.request(lock, { signal }, task);
  const turn = (queues.get(lock) ?? Promise.resolve()).then(task); // no Web Locks: this page at least takes turns
  queues.set(lock, turn.catch(() => {}));
  return turn;
}

/** The pending grants of a store. */
export class PendingGrants {
  #store;

  constructor(store) {
    this.#store = checkStore(store);
  }

  async list() {
    const records = Object.values((await this.#store.get(storeKey)) ?? {});
    return records.filter(({ began }) => Date.now() - began < lifetimeMs);
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

function checkStore(store) {
  for (const method of ["get", "set", "delete"]) {
    if (typeof store?.[method] !== "function") throw argumentError("store", "must have the methods get, set and delete");
  }
  return store;
}
