// A grant that stays usable. Its newest token lies in a store, which all tabs and workers share; when the token is over, one
// of them rotates it for all.
//
//   usable ── a rotation is begun ── usable, with another token
//      │               └── its response is lost: the next use finds out what became of it
//      └────── revoked
//
// A record is written by whoever has claimed its name (journal.js), and by nobody else.

/** @import { AuthenticatedClient } from "./index.js" */

import { abortable, within } from "./abort.js";
import { checkControl, checkObject, checkText, defaultTimeoutMs, identityOf, isSecure, prepareRequest, transmit } from "./call.js";
import { argumentError, explained, OpenPaymentsClientError } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { claim, defaultStore, inKey, Records } from "./journal.js";
import { operations } from "./operations.js";
import { resources } from "./resources.js";
import { start as startModule } from "./runtime.js";
import { join } from "./single-flight.js";

const lingers = 120_000; // ms that a rotation goes on when nobody waits for it: a token is worth it
const settleMs = 10_000;
const revokedMs = 30 * 24 * 60 * 60 * 1000; // how long a record says that its grant was revoked: every tab has seen it then
const mostTokens = 50; // that a record remembers
const room = " ".repeat(1024); // for what a new token is longer than the one before

/**
 * Makes withGrant of a client. `control` is what all calls of the client have in common, `addressOf` and `sendTo` are
 * those of client.js, `store` is the client's own.
 *
 * @returns {AuthenticatedClient["withGrant"]}
 */
export function keptGrants({ control, addressOf, sendTo, stringify, copyOf, store: ownStore }) {
  const { timeoutMs = defaultTimeoutMs } = control;
  const withGrant = async (given, options = {}) => {
    checkGlobals();
    given = checkObject(given, "grant");
    options = checkObject(options, "options");
    const isOpened = given.access_token === undefined && given.name !== undefined;
    const grant = isOpened ? {} : copyOf(given, "grant");
    if (!isOpened) checkGrant(grant, control);
    const { signal, store, name = grant.access_token?.manage } = isOpened ? { ...options, ...given } : options;
    checkText(name, "name");
    checkControl({ signal });
    const kept = new KeptGrant({ name, store: store ?? ownStore ?? defaultStore(), control, addressOf });
    const storing = (signal, task) => within({ signal, timeoutMs, tooSlow: storeTooSlow }, task);
    const isThere = await storing(signal, (signal) => (isOpened ? kept.open(signal) : kept.keep(grant, signal)));
    if (!isThere) return undefined;

    const sendWith = async (operation, target, body, settings) => {
      if (!operations[operation].token) return sendTo(operation, target, body, settings);
      target = checkObject(target, "target");
      if (target.accessToken !== undefined) throw argumentError("accessToken", "must not be given: it is the grant's");
      return sendTo(operation, target, body, { ...settings, grant: kept });
    };
    const usable = {
      ...resources({ sendTo: sendWith, stringify }),
      name,
      grant: async (options = {}) => {
        const { signal } = checkObject(options, "options");
        checkControl({ signal });
        const { grant } = await storing(signal, (signal) => kept.read(signal));
        return copyOf(grant, "grant");
      },
      revoke: async (options = {}) => {
        const { signal } = checkObject(options, "options");
        checkControl({ signal });
        return kept.revoke({ signal, timeoutMs });
      },
    };
    places.set(usable, { name, store: kept.store });
    return usable;
  };
  return /** @type {any} */ (withGrant);
}

const places = new WeakMap(); // what withGrant resolved with → { name, store }

/** Where what withGrant resolved with is kept: { name, store }, or undefined where it was not. */
export const placeOf = (usable) => places.get(usable);

/** The grant of one name in one store, as one client uses it. */
export class KeptGrant {
  /** Equal where calls may share a request: see send of call.js. */
  identity;
  #name;
  #claimName;
  /** Where it is kept. */
  store;
  #records;
  #given;

  constructor({ name, store, ...given }) {
    this.#name = name;
    this.#claimName = `token.${inKey(name)}`;
    this.store = store;
    this.#records = new Records(store, { kind: "grant", isWhole, lifetimeMs: Infinity });
    this.#given = given;
    this.identity = `grant ${identityOf(store)} ${name}`;
  }

  /** Keeps a grant, in place of another one of the name. One that is kept already stays as it is: its token may be newer. */
  async keep(grant, signal) {
    const isKept = async () => (await this.#records.get(this.#name, signal))?.tokens.includes(valueOf({ grant }));
    if (!(await isKept())) {
      await this.#alone(signal, async () => {
        if (await isKept()) return;
        const { keyId } = this.#given.control.key;
        const now = Date.now();
        await this.#put({ id: this.#name, began: now, keyId, grant, since: now, tokens: [valueOf({ grant })] }, signal);
      });
      this.#purge();
    }
    await this.read(signal);
    return true;
  }

  /** Whether there is a grant of the name that was not revoked. */
  async open(signal) {
    const record = await this.#records.get(this.#name, signal);
    if (!record || record.isRevoked) return false;
    this.#checkKey(record);
    return true;
  }

  /** The grant as JSON text, with a token whose time is not over, where the flight `renews` one; "" where there is none. */
  async text(flight) {
    if (!(await this.open(flight.signal))) return "";
    const record = await this.read(flight.signal);
    const mustRenew = flight.renews && (isOver(record) || unsaved.has(this.#rotationOf(record)));
    return JSON.stringify((mustRenew ? await this.#renew(record, flight) : record).grant);
  }

  /** The grant as JSON text with another token than the one that was used. */
  async renewed(used, flight) {
    const record = await this.read(flight.signal);
    return JSON.stringify((valueOf(record) === used ? await this.#renew(record, flight) : record).grant);
  }

  /** Reads the record. Throws where there is no grant (any more). */
  async read(signal) {
    const record = await this.#records.get(this.#name, signal);
    if (!record) throw notFound();
    if (record.isRevoked) throw revoked();
    this.#checkKey(record);
    return record;
  }

  /**
   * Makes a call as part of a flight (single-flight.js): `send` sends it with a token. What the server refuses because of its
   * token is sent once more, with another.
   */
  async use(flight, send) {
    let record = await this.read(flight.signal);
    if (isOver(record) || unsaved.has(this.#rotationOf(record))) record = await this.#renew(record, flight);
    try {
      const response = await send(valueOf(record));
      if (record.begun) this.#settle(record);
      return response;
    } catch (error) {
      if (!refusesToken(error, record)) throw error;
    }
    flight.sent = undefined; // nothing is under way, and nothing was done
    return send(valueOf(await this.#renew(record, flight)));
  }

  /** Revokes the token, and says so in the record. */
  revoke(control) {
    const begin = async (flight) => {
      await abortable(startModule(), flight.signal);
      return this.#alone(flight.signal, () => this.#revoke(flight));
    };
    return join(`revoke ${this.identity}`, begin, { ...control, survives: true, lingers, isKept: () => false, tooSlow: changeTooSlow });
  }

  async #revoke(flight) {
    const record = await this.#records.get(this.#name, flight.signal);
    if (record?.isRevoked) return;
    await this.#change("revoke", await this.read(flight.signal), flight).catch((error) => {
      throw record.begun && isRefusal(error) ? explained(error, lost[record.begun]) : error;
    });
    const { id, began, keyId, tokens } = record;
    const last = { id, began, keyId, tokens, since: Date.now(), isRevoked: true };
    await this.#put(last, flight.signal).catch(() => {}); // others find out from the server
  }

  /** Returns the record with another token than the one that was used: of this rotation, or of another's. */
  async #renew(used, flight) {
    const begin = async (rotation) => {
      const { signal } = rotation;
      await abortable(startModule(), signal); // before anything is written
      return this.#alone(signal, async () => {
        const record = await this.read(signal);
        return valueOf(record) === valueOf(used) ? this.#rotate(record, rotation) : record;
      });
    };
    const tooSlow = (rotation) => explained(changeTooSlow(rotation), "The server has processed nothing of this call.");
    const options = { signal: flight.signal, timeoutMs: flight.left, survives: true, lingers, isKept: () => false, tooSlow };
    return join(this.#rotationOf(used), begin, options);
  }

  /** The name of the rotation of a token. */
  #rotationOf(record) {
    return `rotate ${this.identity} ${valueOf(record)}`;
  }

  async #rotate(record, flight) {
    const name = this.#rotationOf(record);
    const rotated = unsaved.get(name) ?? withToken(record, await this.#requestToken(record, flight));
    unsaved.set(name, rotated);
    try {
      await this.#put(rotated, flight.signal);
    } catch (error) {
      throw notStored(error, rotated);
    }
    unsaved.delete(name);
    return rotated;
  }

  async #requestToken(record, flight) {
    try {
      const response = await this.#change("rotate", record, flight).catch(rescue);
      if (!isToken(response?.access_token)) throw noToken(response);
      return response.access_token;
    } catch (error) {
      if (!(error instanceof OpenPaymentsClientError)) throw error;
      throw isRefusal(error) ? ended(error, record.begun) : notRotated(error, flight);
    }
  }

  /** Sends a rotation or a revocation. Before it leaves, the record says that it is begun: whoever is killed meanwhile is recognised. */
  async #change(operation, record, flight) {
    const { control, addressOf } = this.#given;
    const { manage: url, value: accessToken } = record.grant.access_token;
    const request = prepareRequest(operation, { ...control, url: addressOf({ url }), accessToken });
    await this.#put({ ...record, begun: operation, room }, flight.signal);
    try {
      return await transmit(request, flight);
    } catch (error) {
      if (!flight.sent || isRefusal(error)) await this.#put(record, flight.signal).catch(() => {}); // then it was not begun
      throw error;
    }
  }

  /** A token that works has not been rotated or revoked by what was begun: says so in the record, for which nobody waits. */
  #settle(used) {
    const begin = ({ signal }) =>
      this.#alone(signal, async () => {
        const { begun, room, ...record } = await this.read(signal);
        if (begun && valueOf(record) === valueOf(used)) await this.#put(record, signal);
      });
    join(`settle ${this.identity}`, begin, { signal: undefined, timeoutMs: settleMs, tooSlow: storeTooSlow }).catch(() => {});
  }

  /** Removes the records of grants that were revoked long ago, for which nobody waits. Those of usable grants stay, however old. */
  #purge() {
    const begin = async ({ signal }) => {
      const old = (await this.#records.list(signal)).filter(isRevokedLongAgo);
      for (const { id } of old) await new KeptGrant({ name: id, store: this.store, ...this.#given }).#forget(signal);
    };
    const options = { signal: undefined, timeoutMs: settleMs, tooSlow: storeTooSlow };
    join(`purge ${identityOf(this.store)}`, begin, options).catch(() => {});
  }

  #forget(signal) {
    return this.#alone(signal, async () => {
      const record = await this.#records.get(this.#name, signal);
      if (record && isRevokedLongAgo(record)) await this.#records.remove(this.#name, signal); // else another grant has the name now
    });
  }

  /** Runs a task while nobody else, in whichever tab, changes the record. */
  async #alone(signal, task) {
    const claimed = await claim(this.#claimName, { store: this.store, signal, taken: notFound });
    try {
      return await task();
    } finally {
      claimed.end("free").catch(() => {});
    }
  }

  /** Writes the record, and makes sure that it is there. */
  #put(record, signal) {
    return this.#records.write(record, isSame, signal);
  }

  #checkKey({ keyId }) {
    const { key } = this.#given.control;
    if (keyId !== key.keyId) throw argumentError("key", `must be the one that requested the grant, with the key id ${keyId}`);
  }
}

/** Records with a new token that could not be stored, by the name of its rotation: this page tries again. */
const unsaved = new Map();

const valueOf = ({ grant }) => grant.access_token.value;

/** Whether the time of a token is over, counted from when it was stored. */
function isOver({ since, grant }) {
  const { expires_in: seconds } = grant.access_token;
  return typeof seconds === "number" && seconds > 0 && Date.now() - since >= seconds * 1000;
}

const isRevokedLongAgo = ({ isRevoked, since }) => isRevoked === true && Date.now() - since >= revokedMs;

// With a status of 401 or 403, what is no word of a server on a token.
const notOfTokens = ["insufficient_grant", "limit_exceeded", "not_found", "invalid_client"];
const notOfServers = ["timeout", "response_unreadable", "response_too_large", "module_unavailable", "internal_error"];

/** Whether the server has refused a call for its token, and so has done nothing. Words that nobody knows count when the token's time is over. */
function refusesToken(error, record) {
  if (!(error instanceof OpenPaymentsClientError)) return false;
  if (error.code === "inactive_token") return true;
  const isUnknown = [401, 403].includes(error.status) && ![...notOfTokens, ...notOfServers].includes(error.code);
  return isUnknown && isOver(record);
}

/** Whether the server's own code says that it does not rotate or revoke the token. */
function isRefusal({ status, code, retryable }) {
  return status >= 400 && status < 500 && !retryable && code !== "http_error" && !notOfServers.includes(code);
}

/** What a rotation was answered counts, though the module has failed. */
function rescue(error) {
  if (!["module_unavailable", "internal_error"].includes(error?.code) || error.status !== 200) throw error;
  try {
    return JSON.parse(error.responseText);
  } catch {
    throw error;
  }
}

function withToken({ begun, room, ...record }, token) {
  const [first, ...others] = record.tokens;
  const tokens = [first, ...others.slice(2 - mostTokens), token.value];
  return { ...record, grant: { ...record.grant, access_token: token }, since: Date.now(), tokens };
}

/** What lies in a store may be damaged, or have been put there by somebody else. */
function isWhole({ id, began, keyId, tokens, isRevoked, grant, since }) {
  return (
    [id, keyId].every((text) => typeof text === "string") &&
    typeof began === "number" &&
    tokens.length > 0 &&
    (isRevoked === true || (typeof since === "number" && isToken(grant.access_token)))
  );
}

function isToken(token) {
  return isTokenValue(token?.value) && typeof token.manage === "string" && /^https?:$/.test(protocolOf(token.manage));
}

const isTokenValue = (value) => typeof value === "string" && /^[!-~]+$/.test(value); // else no header could carry it
const protocolOf = (url) => (URL.canParse(url) ? new URL(url).protocol : "");

function isSame(found, record) {
  const parts = ({ begun, isRevoked, grant }) => [begun, isRevoked, grant?.access_token.value].join();
  return found !== undefined && parts(found) === parts(record);
}

function checkGrant({ access_token: token }, { useHttp }) {
  checkObject(token, "grant.access_token");
  if (!isTokenValue(token.value)) throw argumentError("grant.access_token.value", "must be printable ASCII without spaces");
  if (!isToken(token) || !(useHttp || isSecure(new URL(token.manage)))) {
    throw argumentError("grant.access_token.manage", "must be an https: URL, or http: on loopback: where the token is rotated");
  }
}

function failure(code, description, fields) {
  return new OpenPaymentsClientError(description, { code, description, ...fields });
}

const askAgain = "Ask for a new grant, and so the person again.";

const notFound = () => failure("grant_not_found", `The store has no grant of this name any more. Nothing was sent. ${askAgain}`);
const revoked = () => failure("grant_revoked", `The grant was revoked, here or in another tab. Nothing was sent. ${askAgain}`);

/** What may have become of a token, by the operation that was begun and whose response never came. */
const lost = {
  rotate: "An earlier rotation was begun and its response was lost: the server may have issued another token then, which nobody has.",
  revoke: "An earlier revocation was begun and its response was lost: the server may have revoked the token then.",
};

/** The server does not rotate the token. */
function ended(cause, begun) {
  const description =
    "The token is over, and the server refuses to rotate it, so it has processed nothing of this call. " +
    `${begun ? `${lost[begun]} ` : ""}${askAgain} It said (${cause.status} ${cause.code}): ${cause.description}`;
  return failure(begun === "revoke" ? "grant_revoked" : "grant_expired", description, { status: cause.status, cause });
}

/** It is not known whether the token was rotated, or it was not. */
function notRotated(cause, { sent }) {
  const isUnknown = sent && !(cause.status >= 400 && cause.status < 500);
  const next = isUnknown ? "Make it again, which finds out whether there is another token." : "The grant is kept.";
  const description = `The token is over, and could not be rotated, so the server has processed nothing of this call. ${next} ${cause.description}`;
  const { code, status, details, validationErrors, responseText } = cause;
  const retryable = isUnknown || cause.retryable;
  return failure(code, description, { status, details, validationErrors, responseText, retryable, cause });
}

function noToken(response) {
  const description = "The server has answered a rotation without a token and its manage URL (RFC 9635 §6.1).";
  return failure("invalid_response", description, { responseText: JSON.stringify(response) });
}

/** There is a new token, but not in the store. */
function notStored(error, { grant }) {
  if (!(error instanceof OpenPaymentsClientError)) return error;
  const what = "The token was rotated, and the new one could not be stored: this page has it, and the next call tries to store it first.";
  const responseText = JSON.stringify({ access_token: grant.access_token });
  return failure(error.code, `${what} ${error.description}`, { cause: error.cause, responseText, retryable: true });
}

function storeTooSlow() {
  const description = "The store, or another tab that changes this grant, did not answer in time. Nothing was sent.";
  return failure("timeout", description, { retryable: true });
}

function changeTooSlow({ sent }) {
  const description = sent?.response
    ? "The server has answered, but its response was not stored in time: it is in responseText. The next call goes on from there."
    : sent
      ? "The server did not answer the rotation or revocation of the token in time. It may have processed it: the next call finds out."
      : "The module, the store or another tab that changes this grant took too long. Nothing was sent.";
  return failure("timeout", description, { retryable: true, ...sent?.response });
}
