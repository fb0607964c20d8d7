// Payments, from the order to the arrival. The steps are in Go (pkg/openpayments/payment): what is here lends it a journal, a
// key and fetch, and lets equal calls of a page share their work.

/** @import { AuthenticatedClient } from "./index.js" */

import { interactionEnded, mayBeFor, readCallback } from "./callback.js";
import { checkControl, checkObject, checkText, defaultTimeoutMs, identityOf, parseUrl } from "./call.js";
import { argumentError, dated, fromGo, guarded } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { encodeFrame, read } from "./host.js";
import { claim, defaultStore, inKey, randomBytes, Records, storageError } from "./journal.js";
import { KeptGrant, placeOf } from "./kept-grant.js";
import { prepareKey } from "./keys.js";
import { call, start as startModule } from "./runtime.js";
import { join } from "./single-flight.js";
import { abortable, anyOf, within } from "./abort.js";
import { toWalletAddress } from "./wallet-address.js";

const lingers = 120_000; // ms that a call goes on when nobody waits for it: what a person has approved is worth it
const shortestAccessMs = 5000; // that a signature or an access to the store may take, though the caller has less time
const patienceMs = 60_000;

/**
 * The methods of a client for payments. `control` is what all calls of the client have in common, `client` its wallet address,
 * `store` its own.
 *
 * @returns {AuthenticatedClient["payment"]}
 */
export function payments({ control, client, addressOf, copyOf, store: ownStore }) {
  const { key, fetch, useHttp = false, timeoutMs = defaultTimeoutMs } = control;

  /** Makes a call of Go as part of a flight, or by itself: `limits` has its signal, and the time that is left. */
  const pay = async (
    operation,
    fields,
    { body = "", store, progress = undefined, signal, left, onSend = undefined, onJournal = undefined },
  ) => {
    const { keyId, signer } = await abortable(Promise.resolve(prepareKey(key)), signal);
    await abortable(startModule(), signal);
    const keptGrant = (name) => new KeptGrant({ name, store, control, addressOf });
    const { fetch: lent, isWritten } = lend(fetch);
    const accessMs = Math.max(left, shortestAccessMs);
    const rotationMs = Math.min(left, accessMs - 1000); // less than that: it says itself that it took too long
    const journal = new Journal(store, { signal, left: rotationMs, accessMs, renews: operation !== "start" }, keptGrant, isWritten);
    onJournal?.(journal);
    const frame = encodeFrame({ operation, keyId, left, allowHTTP: useHttp, client, ...fields }, body);
    try {
      const args = [frame, inTime(signer, accessMs), lent, journal.functions, progress];
      const result = await call("payment", args, { signal, onSend, keepsResponse: true });
      return result === undefined ? undefined : JSON.parse(result);
    } finally {
      journal.end();
    }
  };

  /** Makes a call that others who make the same at the same time share. */
  const shared = (operation, fields, { body = undefined, options, name }) => {
    const { store = ownStore ?? defaultStore(), signal } = options;
    const begin = (flight) => pay(operation, fields, { body, store, signal: flight.signal, left: flight.left, onSend: flight.onSend });
    const flightOptions = {
      signal,
      timeoutMs,
      survives: true,
      lingers,
      lingersOnce: true,
      isKept: () => false,
      tooSlow: tooSlow(operation),
    };
    return join(`payment ${operation} ${identityOf(store)} ${key.keyId} ${name}`, begin, flightOptions);
  };

  /** Says in the journal that the caller has the outgoing payment. Nobody waits for it. */
  const handOver = (outgoing, { store = ownStore ?? defaultStore() }) => {
    pay("handOver", { id: outgoing.id }, { store, signal: undefined, left: timeoutMs }).catch(() => {});
    return outgoing;
  };

  /** The options of a call, read once: getters, or a caller who changes them, may say something else later. */
  const checked = (options) => {
    checkGlobals();
    const { signal, store, timeoutMs, onProgress } = checkObject(options, "options");
    checkControl({ signal });
    return { signal, store, timeoutMs, onProgress };
  };

  return {
    start: async (order, given = {}) => {
      const options = checked(given);
      const body = JSON.stringify(orderOf(order, copyOf));
      randomBytes(1); // what can fail here fails before anything is sent
      return dated(await shared("start", {}, { body, options, name: body }));
    },

    again: async (another, given = {}) => {
      const options = checked(given);
      const { grantStore, order } = anotherOf(another, copyOf);
      const { store = grantStore, signal } = options;
      if (store !== grantStore) throw argumentError("store", "must be the one that keeps the grant, or left out");
      const body = JSON.stringify(order);
      return handOver(await shared("again", {}, { body, options: { store, signal }, name: body }), { store });
    },

    finish: async (callbackUrl, given = {}) => {
      const options = checked(given);
      const callback = readCallback(callbackUrl);
      if (callback.interactRef === null) return reject(callback, await pending(options));
      const { hash, interactRef } = callback;
      if (hash === null) throw fromGo({ operation: "verify", code: "hash_mismatch", description: hashMissing });
      return handOver(await shared("finish", { hash, interactRef }, { options, name: `${hash} ${interactRef}` }), options);
    },

    resume: async (id, given = {}) => {
      checkText(id, "id");
      const options = checked(given);
      return handOver(await shared("resume", { id }, { options, name: id }), options);
    },

    watch: async (payment, options = {}) => {
      const { signal, store = ownStore ?? defaultStore(), timeoutMs: patience = patienceMs, onProgress } = checked(options);
      const id = typeof payment === "string" ? payment : guarded(Object(payment), "payment", "payment.").id;
      checkText(id, "payment");
      checkControl({ timeoutMs: patience });
      if (onProgress !== undefined && typeof onProgress !== "function") throw argumentError("onProgress", "must be a function");
      const progress = onProgress && reporter(onProgress);
      if (signal?.aborted) throw signal.reason;
      let journal;
      const own = new AbortController();
      const timer = setTimeout(() => own.abort(tooSlow("watch")({ sent: undefined })), timeoutMs); // until the journal has said what to watch
      const leave = () => own.abort(signal.reason);
      const onAbort = () => (journal ? journal.whenIdle(leave) : leave());
      signal?.addEventListener("abort", onAbort);
      const watching = pay(
        "watch",
        { id, patience: Math.ceil(patience) },
        {
          ...{ store, signal: own.signal, left: 2 ** 31 - 1, progress },
          onJournal: (begun) => {
            journal = begun;
            journal.onIdle = () => clearTimeout(timer);
          },
        },
      ).finally(() => clearTimeout(timer));
      return abortable(watching, signal).finally(() => signal?.removeEventListener("abort", onAbort));
    },

    pending,

    forget: async (id, given = {}) => {
      checkText(id, "id");
      const options = checked(given);
      return shared("forget", { id }, { options, name: id });
    },
  };

  async function pending(options = {}) {
    return (await shared("pending", {}, { options: checked(options), name: "" })).map(dated);
  }

  /** A callback without a reference proves nothing and changes nothing: everybody can make one. */
  async function reject({ url, result, message }, pending) {
    if (pending.some(({ interact, finishUri }) => interact && mayBeFor(finishUri, url))) throw interactionEnded(result, message);
    throw fromGo({ operation: "payment", code: "no_pending_payment", description: nobodyWaits });
  }
}

const hashMissing = "The callback has no interaction hash, so it cannot be told who made it. Nothing was sent.";
const nobodyWaits =
  "No payment that was started here waits for this callback. Nothing was sent. The callback of a grant goes to client.grant.finish.";

/** The members of an order that Go reads. */
function orderOf(order, copyOf) {
  const { key, from, to, debitAmount, receiveAmount, metadata, interval, finishUri } = checkObject(order, "order");
  checkKey(key);
  if (interval !== undefined) checkText(interval, "interval");
  return {
    key,
    from: toWalletAddress(from, "from"),
    to: toReceiver(to),
    debitAmount: checkedAmount(debitAmount, "debitAmount"),
    receiveAmount: checkedAmount(receiveAmount, "receiveAmount"),
    metadata: checkedMetadata(metadata, copyOf),
    interval,
    finishUri: String(parseUrl(finishUri, "finishUri")),
  };
}

/** What a kept grant pays besides, as Go reads it, and the store where the grant is kept. */
function anotherOf(another, copyOf) {
  const { grant, key, to, amount, metadata } = checkObject(another, "another");
  const place = placeOf(grant);
  if (!place) throw argumentError("grant", "must be what withGrant resolved with");
  checkKey(key);
  const order = { key, to: toReceiver(to), amount: checkedAmount(amount, "amount"), metadata: checkedMetadata(metadata, copyOf) };
  return { grantStore: place.store, order: { ...order, grant: place.name } };
}

function checkKey(key) {
  checkText(key, "key");
  if (/\p{Surrogate}/u.test(key)) throw argumentError("key", "must be well-formed text"); // Go would take two such for the same
}

function checkedMetadata(metadata, copyOf) {
  if (metadata === undefined) return undefined;
  checkObject(metadata, "metadata");
  return copyOf(metadata, "metadata");
}

/** A wallet address, or the id of an incoming payment, which may have a query. */
function toReceiver(to) {
  const text = typeof to === "string" ? to : guarded(Object(to), "to", "to.").href;
  const isIncoming = typeof text === "string" && text.includes("/incoming-payments/");
  return isIncoming ? parseUrl(text, "to") && text : toWalletAddress(to, "to");
}

function checkedAmount(amount, name) {
  if (amount === undefined) return undefined;
  const { value, assetCode, assetScale } = checkObject(amount, name, `${name}.`);
  checkText(value, `${name}.value`);
  checkText(assetCode, `${name}.assetCode`);
  if (!(Number.isInteger(assetScale) && assetScale >= 0 && assetScale <= 255))
    throw argumentError(`${name}.assetScale`, "must be a whole number from 0 to 255");
  return { value, assetCode, assetScale };
}

/** What the caller's function throws does not end the watch. */
const reporter = (onProgress) => {
  const report = async (text) => {
    await undefined; // not on Go's stack: see attempt of host.js
    try {
      onProgress(JSON.parse(text));
    } catch {
      // the next look comes all the same
    }
  };
  return (text) => void report(text);
};

const tooSlow =
  (operation) =>
  ({ sent }) => {
    const what = sent
      ? "A server did not answer in time. It may have processed the request all the same: call again, which goes on from there, and looks first."
      : "The module, the key, the store or another tab that works on this payment took too long. Nothing was sent.";
    return fromGo({ operation: `payment.${operation}`, code: "timeout", description: what, retryable: true, ...sent?.response });
  };

/**
 * The function of a caller that signs, whose promise may never settle: whoever calls again would join this call, and wait as well. A
 * key needs no bound.
 */
function inTime(signer, timeoutMs) {
  if (typeof signer !== "function") return signer;
  const tooSlow = () => new Error(`It did not sign within ${timeoutMs / 1000} s.`);
  return (data) => within({ signal: undefined, timeoutMs, tooSlow }, async () => signer(data));
}

const storeTooSlow = () => storageError(new Error("It took too long."));

const tokens = new Map(); // promises of responses that have tokens and are in no record yet, by their requests
const mostTokens = 50;
const mostBytes = 2 ** 20;

/**
 * Fetch as it is lent to one call. A server gives a token once: the response is read to its end whatever becomes of the call and the
 * module, and is that of the next equal request, of whichever call, until the one that has it `isWritten`.
 */
function lend(fetch) {
  const had = new Set();
  const ask = async (url, options) => {
    const signal = AbortSignal.timeout(lingers);
    const response = await (fetch ?? globalThis.fetch)(url, { ...options, signal });
    const { type, status, headers } = response;
    const body = read(response, mostBytes, signal);
    await body.catch(() => {}); // who reads it is told
    return { type, status, headers, arrayBuffer: () => body };
  };
  const lent = (url, options) => {
    if (!asksForToken(options)) return (fetch ?? globalThis.fetch)(url, options);
    const name = [url, options.headers.Authorization, options.body].join("\n"); // which another grant has not
    const asking = tokens.get(name) ?? ask(url, options);
    tokens.set(name, asking);
    const settle = (isToken) => (isToken ? had.add(name) : tokens.delete(name));
    asking.then(hasToken).then(settle, () => settle(false));
    for (const [first] of tokens) if (tokens.size > mostTokens) tokens.delete(first);
    return asking;
  };
  return { fetch: lent, isWritten: () => had.forEach((name) => tokens.delete(name)) };
}

/** Whether it is a continuation or a rotation (RFC 9635 §5.1, §6.1). */
const asksForToken = ({ method, headers, body }) =>
  method === "POST" && headers.Authorization && (body === undefined || body.includes('"interact_ref"'));

const hasToken = async ({ status, arrayBuffer }) =>
  status === 200 && Boolean(JSON.parse(new TextDecoder().decode(await arrayBuffer())).access_token);

const unsaved = new Map(); // { id, text, before } of records that could not be stored, by store and id: this page goes on from them

/** What lies in a store may be damaged, or have been put there by somebody else. Go looks at the text. */
const isWhole = ({ id, began, key, text }) =>
  typeof id === "string" && typeof began === "number" && (typeof key === "string" || isOf(id, text));

function isOf(id, text) {
  try {
    return JSON.parse(text).id === id;
  } catch {
    return false;
  }
}

/** The text of a record. Where it is damaged, another, which is not whole either: Go refuses to pay again what may have been sent. */
const textOf = ({ id, key, grant, tried, text }) => (isOf(id, text) ? text : JSON.stringify({ id, key, tried, order: { key, grant } }));

/** The journal of one call, and the grants: what jsJournal and jsGrants in wasm/payment_js.go call. */
class Journal {
  functions = {
    list: () => this.#list(),
    get: (id) => this.#get(id),
    put: (text) => this.#put(text).finally(this.#isWritten),
    remove: (id) => this.#remove(id),
    lock: (name) => this.#lock(name),
    grant: (name) => this.#access((signal) => this.#keptGrant(name).text({ ...this.#limits, signal }), this.#signal),
    keepGrant: async (name, text) => void (await this.#access((signal) => this.#keptGrant(name).keep(JSON.parse(text), signal))),
    renewGrant: (name, used) => this.#access((signal) => this.#keptGrant(name).renewed(used, { ...this.#limits, signal }), this.#signal),
  };
  #records;
  #stored = new Map(); // id → text, as it was last read or written
  #store;
  #limits;
  #keptGrant;
  #isWritten;
  /** Called when nothing is done alone any more. */
  onIdle;
  #claims = new Set();
  #controller = new AbortController(); // aborted at the end

  /**
   * `limits` are the signal of the call, how long a rotation may take, `left`, and an access to the store, `accessMs`, which is longer,
   * and whether it `renews` tokens of grants. `isWritten` is called after each put.
   */
  constructor(store, limits, keptGrant, isWritten) {
    this.#records = new Records(store, { kind: "payment", isWhole, lifetimeMs: Infinity });
    this.#store = store;
    this.#limits = limits;
    this.#keptGrant = keptGrant;
    this.#isWritten = isWritten;
  }

  /** Ends what Go has not ended: it has stopped, or did not wait for a claim any more. */
  end() {
    this.#controller.abort(new Error("Nobody waits for it any more."));
    for (const claimed of this.#claims) this.#unlock(claimed);
  }

  /** The caller's, which is aborted at the end too: Go may wait for something no longer than a part of the call. */
  get #signal() {
    return this.#limits.signal ? anyOf(this.#limits.signal, this.#controller.signal) : this.#controller.signal;
  }

  /** Accesses the store with a signal: the next call, which would wait for this one, gets its turn though the store is silent. */
  #access(task, signal = this.#limits.signal) {
    return within({ signal, timeoutMs: this.#limits.accessMs, tooSlow: storeTooSlow }, task);
  }

  async #list() {
    const records = await this.#access((signal) => this.#records.list(signal));
    this.#stored = new Map(records.map((record) => [record.id, textOf(record)]));
    const ofThisPage = [...unsaved].filter(([name, { id }]) => name === this.#nameOf(id)).map(([, { id }]) => id);
    const ids = new Set([...this.#stored.keys(), ...ofThisPage]);
    return `[${Array.from(ids, (id) => this.#latest(id))
      .filter(Boolean)
      .join()}]`;
  }

  async #get(id) {
    const record = await this.#access((signal) => this.#records.get(id, signal));
    this.#stored.set(id, record && textOf(record));
    return this.#latest(id) ?? "";
  }

  /**
   * What this page could not store, unless somebody else has gone on from what was stored before: they may have paid, or have
   * forgotten it.
   */
  #latest(id) {
    const stored = this.#stored.get(id);
    const own = unsaved.get(this.#nameOf(id));
    if (own?.before.has(stored)) return own.text;
    unsaved.delete(this.#nameOf(id));
    return stored;
  }

  /** Writes a record, and makes sure that it is there. */
  async #put(text) {
    const { id, began, key, tried, from, order } = JSON.parse(text);
    const record = { id, began, key, grant: order.grant, tried, text };
    const isNew = from === undefined; // nothing was sent for it
    try {
      await this.#access(async (signal) => {
        if (isNew) await this.#records.reserve(record, signal);
        await this.#records.write(record, (found) => found?.text === text, signal);
      });
      this.#stored.set(id, text);
      unsaved.delete(this.#nameOf(id));
    } catch (error) {
      if (!isNew) this.#keep(record);
      throw error;
    }
  }

  /** Keeps a record that could not be stored. `before` is what of it may be in the store, as long as nobody else changes it. */
  #keep({ id, text }) {
    const name = this.#nameOf(id);
    const before = unsaved.get(name)?.before ?? new Set([this.#stored.get(id)]);
    unsaved.set(name, { id, text, before: before.add(text) });
  }

  async #remove(id) {
    await this.#access((signal) => this.#records.remove(id, signal));
    unsaved.delete(this.#nameOf(id));
  }

  async #lock(name) {
    const claimed = await claim(`payment.${inKey(name)}`, { store: this.#store, signal: this.#signal, taken: () => new Error("Taken") });
    this.#claims.add(claimed);
    if (this.#controller.signal.aborted) this.#unlock(claimed); // it came as the call ended
    return () => this.#unlock(claimed);
  }

  /** Calls a function when nothing is done alone any more: a token that is rotated meanwhile is given once. */
  whenIdle(leave) {
    if (this.#claims.size === 0) return leave();
    this.onIdle = leave;
  }

  #unlock(claimed) {
    this.#claims.delete(claimed);
    claimed.end("free").catch(() => {});
    if (this.#claims.size === 0) this.onIdle?.();
  }

  #nameOf(id) {
    return `${identityOf(this.#store)} ${id}`;
  }
}
