// Leaving the page and coming back: a grant is started, the person goes to the wallet, the page
// is gone, and another one finishes the grant.

/** @import { AuthenticatedClient, GrantOrTokenRequestArgs, Store } from "./index.js" */

import { interactionEnded, mayBeFor, readCallback } from "./callback.js";
import { checkControl, checkObject, checkText, defaultTimeoutMs, isSecure, parseUrl } from "./call.js";
import { argumentError, explained, OpenPaymentsClientError } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { claim, defaultStore, isDone, newId, randomBytes, Records } from "./journal.js";
import { call, start as startModule } from "./runtime.js";
import { join } from "./single-flight.js";
import { abortable, pause, within } from "./abort.js";

const lifetimeMs = 60 * 60 * 1000; // a wallet does not wait for a person longer than that
const cleanUpMs = 10_000;

/**
 * The methods of a client for grants with a finish redirect. `requestGrant` requests one at the
 * address that `addressOf` says, `continueGrant` continues one as part of a flight (single-flight.js); `key`, `store`,
 * `timeoutMs` and `useHttp` are the client's.
 *
 * @returns {Pick<AuthenticatedClient["grant"], "start" | "finish" | "pending" | "forget"> & {
 *   forgetCancelled(target: GrantOrTokenRequestArgs, options: { store?: Store, timeoutMs: number }): Promise<void>,
 * }}
 */
export function interactions({
  requestGrant,
  continueGrant,
  copyOf,
  addressOf,
  key,
  store: ownStore,
  timeoutMs = defaultTimeoutMs,
  useHttp,
}) {
  const storeOf = (store) => store ?? ownStore ?? defaultStore();
  const recordsIn = (store) => new Records(storeOf(store), { kind: "pending", isWhole, lifetimeMs });
  const storing = (signal, task) => within({ signal, timeoutMs, tooSlow: storeTooSlow }, task);

  return {
    start: async (target, body, options = {}) => {
      checkGlobals();
      const { store } = checkObject(options, "options");
      target = checkObject(target, "target");
      body = copyOf(body, "body");
      const records = recordsIn(store);
      const finish = checkFinish(body?.interact?.finish, useHttp);
      const request = { ...body, interact: { ...body.interact, finish } };
      const draft = {
        id: newId(),
        url: addressOf(target),
        keyId: key.keyId,
        finishUri: String(finish.uri),
        clientNonce: finish.nonce,
        hashMethod: finish.hash_method,
        began: Date.now(),
      };
      checkControl({ signal: target.signal });
      const until = performance.now() + timeoutMs;
      await storing(target.signal, async (signal) => {
        records.purge(signal).catch(() => {});
        await records.reserve(draft, signal); // what can fail here fails before anything is sent
      });
      const left = () => Math.max(until - performance.now(), 1);
      const response = await requestGrant(target, request, left()).catch((error) => {
        drop(records, draft.id);
        throw error;
      });
      if (!response?.interact) {
        drop(records, draft.id);
        return response;
      }
      const record = { ...draft, serverNonce: response.interact.finish, continue: response.continue, began: Date.now() };
      if (!isWhole(record)) {
        drop(records, draft.id);
        throw notContinuable(response);
      }
      await within({ signal: target.signal, timeoutMs: left(), tooSlow: storeTooSlow }, (signal) => records.put(record, signal)).catch(
        (error) => {
          throw notRemembered(error, record, response);
        },
      );
      return response;
    },

    finish: async (callbackUrl, options = {}) => {
      checkGlobals();
      const { store, signal, pending } = checkObject(options, "options");
      const callback = readCallback(callbackUrl);
      checkControl({ signal });
      if (pending !== undefined && !isWhole(pending))
        throw argumentError("pending", "must be the record that an error of start carries as pending");
      const records = recordsIn(store);
      if (callback.interactRef === null) {
        return within({ signal, timeoutMs, tooSlow: storeTooSlow }, (signal) => reject(callback, { records, pending, signal }));
      }
      const finishing = new Finishing({ callback, records, place: storeOf(store), pending, key, continueGrant });
      const name = `finish ${key.keyId} ${callback.hash} ${callback.interactRef}`;
      const control = { signal, timeoutMs, ...finishing.flightOptions };
      return join(name, finishing.begin, control).catch((error) => {
        // Another call's store may not have had what this one's has.
        const mayDiffer = !finishing.hasBegun && ["no_pending_grant", "hash_mismatch", "storage_error"].includes(error?.code);
        if (!mayDiffer) throw error;
        return join(Symbol(name), finishing.begin, control);
      });
    },

    pending: async (options = {}) => {
      const { store, signal } = checkObject(options, "options");
      checkControl({ signal });
      const records = await storing(signal, (signal) => recordsIn(store).list(signal));
      return records.map(({ id, url, keyId, began, finishUri }) => ({ id, url, keyId, finishUri, startedAt: new Date(began) }));
    },

    /** Forgets the cancelled grant: the one with both this URI and this token. A failing store is ignored: the server has cancelled it. */
    forgetCancelled: async ({ url, accessToken, signal }, { store, timeoutMs }) => {
      const isIt = ({ continue: next }) => addressOf({ url: next.uri }) === addressOf({ url }) && next.access_token.value === accessToken;
      try {
        await within({ signal, timeoutMs, tooSlow: storeTooSlow }, async (signal) => {
          const records = recordsIn(store);
          for (const { id } of (await records.list(signal)).filter(isIt)) await records.remove(id, signal);
        });
      } catch {
        // the record is removed when it is too old
      }
    },

    forget: async (id, options = {}) => {
      checkText(id, "id");
      const { store, signal } = checkObject(options, "options");
      checkControl({ signal });
      await storing(signal, (signal) => recordsIn(store).remove(id, signal));
    },
  };
}

/** One finish, for all who call it with the same callback at the same time. */
class Finishing {
  /** Whether this one began the flight, and did not join another's. */
  hasBegun = false;
  flightOptions = {
    survives: true,
    lingers: 120_000, // longer than other calls: with the response an approval would be lost
    isKept: ({ error }) => error === undefined || isOver(error),
    cleanUp: (result) => this.#cleanUp(result),
    tooSlow: finishTooSlow,
  };
  #given;
  #name; // of the claim: the callback's hash, of which each reference has one
  #record;
  #claim;
  #isSent;
  #keeping;

  constructor(given) {
    this.#given = given;
    this.#name = `grant.${given.callback.hash?.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
  }

  begin = async (flight) => {
    this.hasBegun = true;
    const { place, key, continueGrant } = this.#given;
    await abortable(startModule(), flight.signal); // Go checks the hash
    const { record, interactRef } = await this.#match(flight.signal);
    checkKey(record, key);
    if (finishedHere.has(record.id)) throw noPendingGrant(); // even where the store could not remove the record
    const wait = waitOf(record);
    if (wait > flight.left) throw tooFast(wait);
    this.#claim = await claim(this.#name, { store: place, signal: flight.signal, taken: () => this.#taken() });
    this.#record = record;
    if (this.#claim.last.state !== undefined) this.#record = await this.#reread(record, flight.signal);
    if (isIssued(this.#record.response)) return this.#record.response; // kept by a page that died before anybody took it
    await pause(waitOf(this.#record), flight.signal);
    const { uri, access_token: token } = this.#record.continue;
    const target = { url: uri, accessToken: token.value };
    try {
      const response = await continueGrant(target, { interact_ref: interactRef }, flight);
      if (!flight.isWaitedFor) this.#keeping = this.#keep(response);
      return response;
    } catch (error) {
      this.#isSent = Boolean(flight.sent);
      throw isOver(error) && mayHaveBeenLost(this.#claim.last) ? explained(error, afterLostResponse) : error;
    }
  };

  /** Keeps a response that nobody waits for: this page has it for its next call, and the record for others, should this page die. */
  async #keep(response) {
    const signal = AbortSignal.timeout(cleanUpMs);
    const isStored = await this.#write(response, signal).catch(() => false);
    await abortable(this.#claim.mark("kept", { isLost: !isStored }), signal).catch(() => {}); // other tabs need not wait for this page
  }

  /**
   * Writes a response into the record: the whole of it where it has the token, else where the grant is continued. Resolves with whether
   * it is there: a grant that was forgotten or cancelled meanwhile does not come back.
   */
  async #write(response, signal) {
    const { records, pending } = this.#given;
    const record = { ...this.#record, ...(isIssued(response) ? { response } : { continue: response?.continue }) };
    if (!isWhole(record) || !(pending ?? (await records.get(record.id, signal)))) return false;
    await records.put(record, signal);
    return true;
  }

  /** Finds the grant whose hash the callback has, among all that are pending. Nothing is sent for any other. */
  async #match(signal) {
    const { callback, records, pending } = this.#given;
    const candidates = pending ? [pending] : await records.list(signal);
    let mismatch = callback.hash ? noPendingGrant() : hashMissing();
    for (const record of callback.hash ? candidates : []) {
      for (const interactRef of new Set([callback.interactRef, callback.interactRef.replaceAll(" ", "+")])) {
        const { clientNonce, serverNonce, url: grantEndpoint, hashMethod } = record;
        try {
          await abortable(call("verifyHash", [clientNonce, serverNonce, interactRef, grantEndpoint, hashMethod, callback.hash]), signal);
          return { record, interactRef };
        } catch (error) {
          if (error.code !== "hash_mismatch") throw error;
          mismatch = error;
        }
      }
    }
    throw (await this.#isDone(signal)) ? this.#taken() : explained(candidates.length > 0 ? mismatch : noPendingGrant(), ofPayment);
  }

  /** Reads the record again: the claimant before may have stored another continuation, or removed the record. */
  async #reread({ id }, signal) {
    const { records, pending } = this.#given;
    const record = (await records.list(signal)).find((other) => other.id === id) ?? pending;
    if (!record) throw noPendingGrant();
    return record;
  }

  async #isDone(signal) {
    const { callback, place } = this.#given;
    return Boolean(callback.hash) && isDone(this.#name, { store: place, signal }).catch(() => false);
  }

  /** The error for a grant that was finished before: by another page, or by this one, also before it was reloaded. */
  #taken() {
    const isOwn = finishedHere.has(this.#name) || !isFirstVisit();
    return isOwn ? noPendingGrant() : finishedElsewhere();
  }

  /** Runs once the caller has the result: removes the record of a grant that is over, and frees the claim of one that is not. */
  async #cleanUp({ value, error }) {
    if (!this.#claim) return;
    await this.#keeping; // else it would come back
    const signal = AbortSignal.timeout(cleanUpMs);
    const { records } = this.#given;
    if (error !== undefined) {
      if (isOver(error)) await records.remove(this.#record.id, signal).catch(() => {});
      return abortable(this.#claim.end("free", { isLost: this.#isSent && isLost(error) }), signal);
    }
    if (!isIssued(value)) {
      const isMoved = await this.#write(value, signal).catch(() => false);
      return abortable(this.#claim.end("free", { isLost: !isMoved }), signal);
    }
    finishedHere.add(this.#name).add(this.#record.id);
    // Begun in this order, so that a page that finds no record finds the claim done.
    await Promise.allSettled([abortable(this.#claim.end("done"), signal), records.remove(this.#record.id, signal)]);
  }
}

const finishedHere = new Set(); // names of claims and ids of records

/** Whether this page was opened by a navigation, and not reloaded. False in workers, which have no such entry. */
function isFirstVisit() {
  /** @type {any} */
  const navigation = globalThis.performance?.getEntriesByType?.("navigation")[0];
  return navigation?.type === "navigate";
}

/** Whether the server's GNAP code says that the grant is over. */
function isOver(error) {
  const codes = ["invalid_continuation", "request_denied", "user_denied"];
  return error instanceof OpenPaymentsClientError && error.status !== undefined && codes.includes(error.code);
}

/** Whether a request that was sent may have been processed although it failed. */
function isLost({ status, code }) {
  return !(status >= 400 && status < 500 && status !== 408) || code === "response_unreadable";
}

/** Whether the response to the attempt before this one may have been lost: its page died, or the connection broke. */
const mayHaveBeenLost = ({ state, isLost }) => state === "working" || Boolean(isLost);

/** Whether a response has the token or the subject. With validateResponses: false it may be any JSON. */
const isIssued = (grant) => Boolean(grant?.access_token || grant?.subject);

/** Milliseconds until the server allows the next request. */
function waitOf({ continue: { wait = 0 }, began }) {
  const ms = wait * 1000;
  return Math.max(Math.min(ms, began + ms - Date.now()), 0); // the clock may have been set back
}

/** A callback without a reference proves nothing and changes nothing: everybody can make one. */
async function reject({ url, result, message }, { records, pending, signal }) {
  const candidates = pending ? [pending] : await records.list(signal);
  if (!candidates.some(({ finishUri }) => mayBeFor(finishUri, url))) throw noPendingGrant();
  throw interactionEnded(result, message);
}

/** What lies in a store may be damaged, or have been put there by somebody else. */
function isWhole(record) {
  const { id, url, keyId, finishUri, clientNonce, serverNonce, hashMethod, continue: next, began } = record ?? {};
  const texts = [id, url, keyId, finishUri, clientNonce, serverNonce, next?.uri, next?.access_token?.value];
  const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
  return (
    texts.every((text) => typeof text === "string" && text !== "") &&
    URL.canParse(finishUri) &&
    isWebAddress(next.uri) &&
    /^[!-~]+$/.test(next.access_token.value) && // else no header could carry it
    [undefined, null, "sha-256", "sha-512"].includes(hashMethod) &&
    isNumber(began) &&
    ([undefined, null].includes(next.wait) || isNumber(next.wait))
  );
}

function isWebAddress(text) {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

function checkFinish(finish, useHttp) {
  if (finish === null || typeof finish !== "object") {
    throw argumentError("body.interact.finish", 'must be { method: "redirect", uri }: where the wallet sends the person back to');
  }
  const url = parseUrl(finish.uri, "body.interact.finish.uri");
  const { protocol, username, password } = url;
  const isPage = !/^(javascript|data|blob):$/.test(protocol) && !username && !password; // payments ask the same
  if (!isPage) throw argumentError("body.interact.finish.uri", "must be the URL of a page of yours, without a user name");
  const isInTheClear = protocol === "http:" && !isSecure(url); // which the reference and the hash come back with
  if (isInTheClear && !useHttp) throw argumentError("body.interact.finish.uri", "must be an https: URL, or http: on loopback");
  if (finish.nonce !== undefined) checkText(finish.nonce, "body.interact.finish.nonce");
  if (![undefined, "sha-256", "sha-512"].includes(finish.hash_method))
    throw argumentError("body.interact.finish.hash_method", 'must be "sha-256" or "sha-512"');
  return { method: "redirect", ...finish, nonce: finish.nonce ?? newNonce() };
}

function newNonce() {
  return btoa(String.fromCharCode(...randomBytes(18)))
    .replaceAll("+", "-")
    .replaceAll("/", "_");
}

function checkKey({ keyId }, key) {
  if (keyId !== key.keyId) throw argumentError("key", `must be the one that requested the grant, with the key id ${keyId}`);
}

/** Removes the reserved record of a grant that needs no interaction, or failed. The call does not wait for it. */
function drop(records, id) {
  records.remove(id, AbortSignal.timeout(cleanUpMs)).catch(() => {});
}

function failure(code, description, fields) {
  return new OpenPaymentsClientError(description, { code, description, ...fields });
}

const hashMissing = () =>
  failure("hash_mismatch", "The callback has no interaction hash, so it cannot be told who made it. Nothing was sent.");

function notContinuable(response) {
  const missing = response.interact.finish ? "what a continuation needs (RFC 9635 §3.1)" : "interact.finish, its nonce (RFC 9635 §3.3.5)";
  const description = `The server's response lacks ${missing}: no callback could be checked. Nobody should be sent to the wallet.`;
  return failure("invalid_response", description, { responseText: JSON.stringify(response) });
}

function tooFast(leftMs) {
  const description =
    `The server wants another ${Math.ceil(leftMs / 1000)} s before the grant is continued, ` +
    "which is longer than requestTimeoutMs. Nothing was sent: call again then.";
  return failure("too_fast", description, { retryable: true });
}

const ofPayment = "The callback of a payment goes to client.payment.finish.";

const noPendingGrant = () =>
  failure(
    "no_pending_grant",
    "No grant that was started here is waiting for this callback: it is finished already, it was started in another browser or store, " +
      "it is too old, or nobody asked for it. Nothing was sent.",
  );

const finishedElsewhere = () =>
  failure(
    "finished_elsewhere",
    "Another tab, or a page that was here before, has finished this grant: its token went there. Nothing was sent. " +
      "This page can go on without it, or start a new grant.",
  );

const afterLostResponse =
  "An earlier attempt to finish this grant was sent and its response was lost, so this need not be the person's refusal: " +
  "the server may have issued the token then. Start a new grant.";

function storeTooSlow() {
  return failure("timeout", "The store did not answer in time. Nothing was sent.", { retryable: true });
}

function finishTooSlow({ sent }) {
  const description = sent
    ? "The server did not answer in time. It may have processed the request all the same: call finish again, which takes its response if it comes."
    : "The module, the store or another tab that finishes this grant took too long. Nothing was sent.";
  return failure("timeout", description, { retryable: true });
}

/** The grant exists at the server, but is not remembered here: the error carries what finish needs. */
function notRemembered(error, pending, response) {
  if (!(error instanceof OpenPaymentsClientError)) return error; // the caller's own reason
  const what = 'The server has answered, but the grant could not be remembered: keep the error\'s "pending" and pass it to finish.';
  const description = `${what} ${error.description}`;
  return failure(error.code, description, { cause: error.cause, pending, responseText: JSON.stringify(response) });
}
