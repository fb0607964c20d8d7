// What must outlive the page: records, and claims to work on something that must not be done twice.
// It knows nothing of grants.

import { database, hasDatabase } from "./database.js";
import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { memoryStorage } from "./stores.js";
import { abortable, pause, within } from "./abort.js";

const prefix = "open-payments-wasm.";
const recordBytes = 4096; // what a record may come to, by and large

/** Whole records of one kind in a store, each under a key of its own. */
export class Records {
  #store;
  #prefix;
  #isWhole;
  #lifetimeMs;
  #index;

  /** `kind` is part of the keys, `isWhole` tells whether what lies in the store is such a record. */
  constructor(store, { kind, isWhole, lifetimeMs }) {
    this.#store = checkStore(store);
    this.#index = `${prefix}${kind}`;
    this.#prefix = `${this.#index}.`;
    this.#isWhole = (record) => {
      try {
        return isWhole(record);
      } catch {
        return false; // its getters throw
      }
    };
    this.#lifetimeMs = lifetimeMs;
  }

  /** Lists the records, the oldest first. Entries that are damaged or not ours are left out. */
  async list(signal) {
    const values = await this.#values(signal);
    return values.filter((record) => this.#isWhole(record) && !this.#isOld(record)).sort((a, b) => a.began - b.began);
  }

  async #values(signal) {
    if (this.#store === database) return attempt(() => database.all(this.#prefix), signal);
    const ids = await this.#ids(signal);
    return abortable(Promise.all(ids.map((id) => this.#read(id))), signal); // one listener on the signal, however many
  }

  /** Returns the record of an id, or undefined. */
  async get(id, signal) {
    const record = await this.#read(id, signal);
    return this.#isWhole(record) && !this.#isOld(record) ? record : undefined;
  }

  /** Makes room for a record that is to come, and so finds out whether the store works. Throws storage_error where it does not. */
  async reserve({ id, began }, signal) {
    const reserved = { id, began, reserved: " ".repeat(recordBytes) };
    await this.put(reserved, signal);
    if (this.#store === database) return; // see write
    const [found, ids] = await Promise.all([this.#read(id, signal), this.#ids(signal)]);
    if (found?.id !== id || found.reserved !== reserved.reserved || !ids.includes(id)) {
      throw storageError(new Error("It returned something else than what was written."));
    }
  }

  async put(record, signal) {
    await attempt(() => this.#store.set(this.#prefix + record.id, record), signal);
    await this.#changeIndex((ids) => (ids.includes(record.id) ? ids : [...ids, record.id]), signal);
  }

  /**
   * Writes a record, and makes sure that it is there: what comes back `isSame`. A transaction of our own database that has completed
   * has written it; any other store may say so and not have done it.
   */
  async write(record, isSame, signal) {
    await this.put(record, signal);
    if (this.#store === database) return;
    const found = await this.get(record.id, signal);
    if (!isSame(found, record)) throw storageError(new Error("It returned something else than what was written."));
  }

  async remove(id, signal) {
    await attempt(() => this.#store.delete(this.#prefix + id), signal);
    await this.#changeIndex((ids) => ids.filter((other) => other !== id), signal);
  }

  /** Removes what is too old to be listed. */
  async purge(signal) {
    for (const id of await this.#ids(signal)) {
      const record = await this.#read(id, signal);
      if (!record || typeof record.began !== "number" || this.#isOld(record)) await this.remove(id, signal);
    }
  }

  #isOld({ began }) {
    return Date.now() - began >= this.#lifetimeMs;
  }

  #read(id, signal) {
    return attempt(() => this.#store.get(this.#prefix + id), signal);
  }

  async #ids(signal) {
    if (!this.#store.keys) return (await this.#readIndex(signal)).filter((id) => typeof id === "string");
    return (await keysOf(this.#store, this.#prefix, signal)).map((key) => key.slice(this.#prefix.length));
  }

  async #readIndex(signal) {
    const ids = await attempt(() => this.#store.get(this.#index), signal);
    return isList(ids) ? [...ids] : []; // damaged: as good as empty
  }

  /** For stores that cannot list their keys, one entry has the list of ids. Callers change it one after the other. */
  async #changeIndex(change, signal) {
    if (this.#store.keys) return;
    await inTurn(
      this.#index,
      async () => {
        const ids = change(await this.#readIndex(signal));
        if (ids.length === 0) return attempt(() => this.#store.delete(this.#index), signal);
        return attempt(() => this.#store.set(this.#index, ids), signal);
      },
      signal,
    );
  }
}

const isList = (value) => typeof value === "object" && typeof value?.[Symbol.iterator] === "function";

/** Lists the keys of a store that begin with a prefix. */
function keysOf(store, prefix, signal) {
  const list = async () => {
    const keys = await store.keys();
    if (!isList(keys)) throw new Error("keys() returned no list.");
    return [...keys].filter((key) => typeof key === "string" && key.startsWith(prefix));
  };
  return attempt(list, signal);
}

/** Accesses a store, no longer than the signal lets it. What the store throws becomes storage_error. */
function attempt(access, signal) {
  const accessing = (async () => access())().catch((cause) => {
    throw storageError(cause);
  });
  accessing.catch(() => {}); // it may fail when nobody waits any more
  return abortable(accessing, signal);
}

function checkStore(store) {
  const methods = { get: undefined, set: undefined, delete: undefined, keys: undefined, add: undefined };
  try {
    for (const name of Object.keys(methods)) methods[name] = store?.[name];
  } catch (cause) {
    throw storageError(cause);
  }
  if (["get", "set", "delete"].some((name) => typeof methods[name] !== "function")) {
    throw argumentError("store", "must have the methods get, set and delete");
  }
  return store;
}

const advice = {
  QuotaExceededError: "It is full.",
  InvalidStateError: "It is switched off here, as in some private windows.",
  SecurityError: "It is switched off for this site, or in this frame.",
};

/** Says what a store failed at. `cause` is what it threw. */
export function storageError(cause) {
  if (cause instanceof OpenPaymentsClientError && cause.code === "storage_error") return cause;
  const why = advice[cause?.name] ? `${advice[cause.name]} ` : "";
  const description =
    `The store could not be used. ${why}` +
    'Another one may be given as "store": memoryStorage() works everywhere, as long as the page stays.';
  return new OpenPaymentsClientError(description, { code: "storage_error", description, cause });
}

/** The store for those who give none. Workers, tabs and windows of the origin share it. */
export function defaultStore() {
  if (globalThis.indexedDB) return database;
  throw storageError(new Error("There is no IndexedDB here."));
}

// Claims. A claimant adds an entry under the name of the work, with a number that is one higher than the last. The
// store adds an entry atomically, so of two claimants one succeeds. Whether a claimant lives is told by a Web Lock that it
// holds while it works; where there are no Web Locks, by the age of its claim.
//
//   working ──── free     the work failed: other claimants may try
//      ├──────── kept     the page of the claimant keeps a result for its next caller
//      └──────── done     the work must not be done again

const renewMs = 20_000; // how often a claim without a lock is renewed
const aliveMs = 60_000; // how old such a claim is when its page is thought dead
const claimLifetimeMs = 2 * 60 * 60 * 1000;
const endMs = 10_000; // how long the end of a claim waits for the store, before others may try

const over = new Set(); // owners of claims of this page that have ended, where the store could not be told

const ofThisPage = memoryStorage(); // claims, where no store that pages share can add atomically

/** The store for claims: that of the records if it can add atomically, so that all who see the records see the claims. */
async function placeFor(store) {
  if (store.add && store.keys) return store;
  return (await hasDatabase()) ? database : ofThisPage;
}

/**
 * Claims a name: waits while another claimant works, and resolves with a claim when it is the caller's
 * turn. Rejects with what `taken` returns when it is done, or is kept by another page that lives.
 */
export async function claim(name, { store, signal, taken }) {
  const place = await abortable(placeFor(store), signal);
  const owner = newId();
  const holding = hold(owner);
  try {
    const unlock = await abortable(holding, signal);
    for (;;) {
      const last = await lastClaim(place, name, signal);
      if (last.state === "done") throw taken(last);
      const isFree = last.state === undefined || last.state === "free" || !(await isAlive(last));
      if (isFree) {
        const entry = { owner, isLocked: unlock !== undefined, at: Date.now(), state: "working" };
        const key = keyOf(name, last.number + 1);
        if (await add(place, key, entry, signal)) return new Claim({ place, key, entry, unlock, last });
      } else if (last.state === "kept") {
        throw taken(last);
      } else {
        await abortable(released(last), signal);
      }
    }
  } catch (error) {
    holding.then((unlock) => unlock?.());
    throw error;
  }
}

/** Adds a claim. A claim that is added after its caller has given up is freed at once. */
async function add(place, key, entry, signal) {
  const adding = attempt(() => place.add(key, entry));
  return abortable(adding, signal).catch((error) => {
    adding.then((isAdded) => isAdded && place.set(key, { ...entry, state: "free" })).catch(() => {});
    throw error;
  });
}

class Claim {
  /** The claim before this one, if there was one: { state, isSent }. */
  last;
  #place;
  #key;
  #entry;
  #unlock;
  #renewing;

  constructor({ place, key, entry, unlock, last }) {
    this.last = last;
    this.#place = place;
    this.#key = key;
    this.#entry = entry;
    this.#unlock = unlock;
    if (!unlock) this.#renewing = setInterval(() => this.mark(entry.state).catch(() => {}), renewMs);
    purge(place).catch(() => {});
  }

  /** Writes down what became of the work so far. */
  async mark(state, fields) {
    Object.assign(this.#entry, { state, at: Date.now() }, fields);
    await attempt(() => this.#place.set(this.#key, { ...this.#entry }));
  }

  /** Ends the work: "free" or "done". */
  async end(state, fields) {
    clearInterval(this.#renewing);
    const tooSlow = () => storageError(new Error("It took too long."));
    try {
      await within({ signal: undefined, timeoutMs: endMs, tooSlow }, () => this.mark(state, fields));
    } catch (error) {
      over.add(this.#entry.owner);
      throw error;
    } finally {
      this.#unlock?.();
    }
  }
}

/** Whether something was done already, as far as it is known here. */
export async function isDone(name, { store, signal }) {
  const place = await abortable(placeFor(store), signal);
  return (await lastClaim(place, name, signal)).state === "done";
}

/** A name as part of a key: names of claims end in a dot and a number. */
export function inKey(name) {
  try {
    return encodeURIComponent(name).replaceAll(".", "%2E");
  } catch {
    throw argumentError("name", "must be well-formed text");
  }
}

const claimPrefix = `${prefix}claim.`;
const keyOf = (name, number) => `${claimPrefix}${name}.${number}`;

/** Returns the claim with the highest number: { number, state, … }, and { number: 0 } where there is none. */
async function lastClaim(place, name, signal) {
  const start = `${claimPrefix}${name}.`;
  const keys = await keysOf(place, start, signal);
  const number = Math.max(0, ...keys.map((key) => Number(key.slice(start.length)) || 0));
  const entry = number > 0 ? await attempt(() => place.get(keyOf(name, number)), signal) : undefined;
  return { ...entry, number };
}

const purgeEveryMs = 10 * 60 * 1000;
const purged = new WeakMap(); // when the claims of a store were purged last by this page

async function purge(place) {
  if (Date.now() - purged.get(place) < purgeEveryMs) return;
  purged.set(place, Date.now());
  for (const key of await place.keys()) {
    if (typeof key !== "string" || !key.startsWith(claimPrefix)) continue;
    const { at } = (await place.get(key)) ?? {};
    if (Date.now() - at > claimLifetimeMs) await place.delete(key);
  }
}

const lockOf = (owner) => `${prefix}${owner}`;

/** Holds a Web Lock. Resolves with the function that releases it, or with undefined where Web Locks are missing or denied. */
function hold(owner) {
  return new Promise((resolve) => {
    const work = () => new Promise((release) => resolve(release));
    requestLock(lockOf(owner), {}, work).catch(() => resolve(undefined));
  });
}

async function requestLock(name, options, task) {
  return navigator.locks.request(name, options, task);
}

async function isAlive({ owner, isLocked, at }) {
  if (over.has(owner)) return false;
  const byAge = Math.abs(Date.now() - at) < aliveMs; // the clock may have been set back
  if (!isLocked) return byAge;
  return requestLock(lockOf(owner), { mode: "shared", ifAvailable: true }, (lock) => lock === null).catch(() => byAge);
}

const lookAgainMs = 1000;

/** Waits until a claimant releases its lock, or until it is time to read its claim again. */
async function released({ owner, isLocked }) {
  if (!isLocked) return pause(250);
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), lookAgainMs);
  await requestLock(lockOf(owner), { mode: "shared", signal: controller.signal }, () => {}).catch(() => pause(100));
  clearTimeout(timer);
}

const turns = new Map(); // name → the last turn of this page

/** Runs a task when no other of this name runs, in this page or, with Web Locks, in another. */
function inTurn(name, task, signal) {
  const before = turns.get(name) ?? Promise.resolve();
  const turn = abortable(before, signal).then(() => locked(name, task, signal));
  const over = Promise.allSettled([before, turn]).then(() => {
    if (turns.get(name) === over) turns.delete(name);
  });
  turns.set(name, over);
  return abortable(turn, signal);
}

async function locked(name, task, signal) {
  let hasBegun = false;
  const run = () => {
    hasBegun = true;
    return task();
  };
  try {
    return await requestLock(name, signal ? { signal } : {}, run);
  } catch (error) {
    if (hasBegun) throw error;
    if (signal?.aborted) throw signal.reason;
    return task(); // no Web Locks here
  }
}

/** A new id, as crypto.randomUUID makes them in secure contexts only. */
export function newId() {
  const hex = Array.from(randomBytes(16), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-a$4-$5");
}

export function randomBytes(count) {
  try {
    return crypto.getRandomValues(new Uint8Array(count));
  } catch (cause) {
    const description = "This browser gives no random numbers (crypto.getRandomValues). Nothing was sent.";
    throw new OpenPaymentsClientError(description, { code: "random_unavailable", description, cause });
  }
}
