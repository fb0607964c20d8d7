// Leaving the page and coming back: a grant is started, the person goes to the wallet, the page
// is gone, and another one finishes the grant.

import { checkText, defaultTimeoutMs, parseUrl, pause, ready } from "./call.js";
import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { exclusively, PendingGrants } from "./pending.js";
import { call } from "./runtime.js";
import { webStorage } from "./stores.js";

const callbackParameters = ["hash", "interact_ref", "result"];

export function cleanCallbackUrl(url) {
  const clean = parseUrl(url, "url");
  for (const name of callbackParameters) clean.searchParams.delete(name);
  return clean.href;
}

/**
 * The methods of a client for grants with a finish redirect. `grant` makes the calls to the
 * addresses that `addressOf` says, `key` and `timeoutMs` are the client's.
 */
export function interactions({ grant, addressOf, key, store: ownStore, timeoutMs = defaultTimeoutMs }) {
  const grantsIn = (store) => new PendingGrants(store ?? ownStore ?? defaultStore());

  return {
    start: async (target, body, { store } = {}) => {
      const grants = grantsIn(store);
      const finish = checkFinish(body?.interact?.finish);
      const request = { ...body, interact: { ...body.interact, finish } };
      const answer = await grant.request(target, request);
      if (answer.interact && !answer.interact.finish) throw noServerNonce();
      if (answer.interact) await grants.add(recordOf({ answer, finish, endpoint: addressOf(target), key }));
      return answer;
    },

    finish: async (callbackUrl, { store, signal } = {}) => {
      const grants = grantsIn(store);
      const callback = readCallback(callbackUrl);
      if (callback.interactRef !== null) await ready({ signal, timeoutMs }); // to check the hash
      const record = await grantFor(callback, grants);
      checkKey(record, key);
      // The lock is held until the grant is forgotten: another tab, or a reload, finds it gone.
      return exclusively(`grant.${record.id}`, () => finishOnce({ record, grants, grant, signal, timeoutMs }), { signal });
    },

    pending: async ({ store } = {}) => {
      const records = await grantsIn(store).list();
      return records.map(({ id, url, keyId, began, finishUri }) => ({ id, url, keyId, finishUri, startedAt: new Date(began) }));
    },

    forget: async (id, { store } = {}) => {
      checkText(id, "id");
      await grantsIn(store).remove(id);
    },
  };
}

/** Workers have no sessionStorage. */
function defaultStore() {
  if (typeof sessionStorage === "undefined") throw argumentError("store", "must be given where there is no sessionStorage");
  return webStorage(sessionStorage);
}

function checkFinish(finish) {
  if (finish === null || typeof finish !== "object") {
    throw argumentError("body.interact.finish", 'must be { method: "redirect", uri }: where the wallet sends the person back to');
  }
  parseUrl(finish.uri, "body.interact.finish.uri");
  if (finish.nonce !== undefined) checkText(finish.nonce, "body.interact.finish.nonce");
  if (![undefined, "sha-256", "sha-512"].includes(finish.hash_method)) throw argumentError("body.interact.finish.hash_method", 'must be "sha-256" or "sha-512"');
  return { method: "redirect", ...finish, nonce: finish.nonce ?? newNonce() };
}

function newNonce() {
  return btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(18)))).replaceAll("+", "-").replaceAll("/", "_");
}

/** All that is needed to finish the grant, together with the key. */
function recordOf({ answer, finish, endpoint, key }) {
  return {
    id: crypto.randomUUID(),
    url: endpoint,
    keyId: key.keyId,
    finishUri: finish.uri,
    clientNonce: finish.nonce,
    hashMethod: finish.hash_method,
    serverNonce: answer.interact.finish,
    continue: answer.continue,
    began: Date.now(),
  };
}

function readCallback(callbackUrl) {
  const url = parseUrl(callbackUrl, "callbackUrl");
  const [hash, interactRef, result] = callbackParameters.map((name) => url.searchParams.get(name));
  if (interactRef === null && result === null) {
    throw argumentError("callbackUrl", "must be the address that the wallet sent the person back to, with interact_ref and hash, or result");
  }
  return { url, hash, interactRef, result };
}

/** Finds the grant that a callback is for, with the reference that came back. */
async function grantFor(callback, grants) {
  const candidates = (await grants.list()).filter(({ finishUri }) => samePage(finishUri, callback.url));
  if (candidates.length === 0) throw noPendingGrant();
  if (callback.interactRef === null) {
    if (candidates.length === 1) await grants.remove(candidates[0].id);
    throw rejected(callback.result);
  }
  return { ...(await matching(candidates, callback)), interactRef: callback.interactRef };
}

function checkKey({ keyId }, key) {
  if (keyId !== key.keyId) throw argumentError("key", `must be the one that requested the grant, with the key id ${keyId}`);
}

async function finishOnce({ record, grants, grant, signal, timeoutMs }) {
  if (!(await grants.has(record.id))) throw noPendingGrant();
  const wait = (record.continue.wait ?? 0) * 1000;
  const left = Math.min(wait, record.began + wait - Date.now()); // the clock may have been set back
  if (left > timeoutMs) throw tooFast(left);
  await pause(left, signal);
  const target = { url: record.continue.uri, accessToken: record.continue.access_token.value, signal };
  try {
    const finished = await grant.continue(target, { interact_ref: record.interactRef });
    await forgetIfPossible(record, grants);
    return finished;
  } catch (error) {
    const isFinal = error instanceof OpenPaymentsClientError && error.status !== undefined && !error.retryable; // the server has answered
    if (isFinal) await forgetIfPossible(record, grants);
    throw error;
  }
}

/** What the server said is worth more than what the store says: a reference works once, and the record expires. */
function forgetIfPossible({ id }, grants) {
  return grants.remove(id).catch(() => {});
}

/** Whether the callback came to a finish URI: its own query is kept, and more is added. */
function samePage(finishUri, callback) {
  const expected = new URL(finishUri);
  if (expected.origin !== callback.origin || expected.pathname !== callback.pathname) return false;
  return [...expected.searchParams].every(([name, value]) => callback.searchParams.getAll(name).includes(value));
}

/** The grant whose hash the callback has. Nothing is sent for any other. */
async function matching(candidates, { hash, interactRef }) {
  let mismatch = hashMissing();
  for (const record of hash ? candidates : []) {
    const { clientNonce, serverNonce, url: grantEndpoint, hashMethod } = record;
    try {
      await call("verifyHash", clientNonce, serverNonce, interactRef, grantEndpoint, hashMethod, hash);
      return record;
    } catch (error) {
      mismatch = error;
    }
  }
  throw mismatch;
}

function failure(code, description) {
  return new OpenPaymentsClientError(description, { code, description });
}

const hashMissing = () => failure("hash_mismatch", "The callback has no interaction hash, so it cannot be told who made it. Nothing was sent.");

const noServerNonce = () => failure(
  "invalid_response",
  "The server's answer lacks interact.finish, its nonce (RFC 9635 §3.3.5): no callback could be checked. Nobody should be sent to the wallet.",
);

function tooFast(leftMs) {
  const description = `The server wants another ${Math.ceil(leftMs / 1000)} s before the grant is continued, which is longer than requestTimeoutMs. Nothing was sent: call again then.`;
  return new OpenPaymentsClientError(description, { code: "too_fast", description, retryable: true });
}

const noPendingGrant = () => failure(
  "no_pending_grant",
  "No grant that was started here is waiting for this callback: it is finished already, it was started in another tab or browser, it is too old, or nobody asked for it. Nothing was sent.",
);

function rejected(result) {
  const reason = result === "grant_rejected" ? "The person declined the grant." : "The wallet ended the interaction without a decision.";
  return new OpenPaymentsClientError(`${reason} Nothing was sent.`, { code: "interaction_rejected", description: reason, details: { result } });
}
