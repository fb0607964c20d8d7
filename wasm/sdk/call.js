// One signed call: arguments are checked here by type, and by content in Go.

import { argumentError, fromGo, guarded } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { encodeFrame } from "./host.js";
import { prepareKey } from "./keys.js";
import { operations } from "./operations.js";
import { call, isRunning, start } from "./runtime.js";
import { join } from "./single-flight.js";
import { abortable, within } from "./abort.js";

export const defaultTimeoutMs = 30_000;

/**
 * Makes the call and returns the response, parsed. `operation` is a name in gnap.Operations or in
 * operations.js, `body` JSON text or undefined. Equal calls at the same time share a request, but for
 * those that make something: each of them is for a grant or a payment of its own. With `grant` (kept-grant.js) the
 * access token is the grant's.
 */
export async function send(operation, options, body) {
  checkGlobals();
  const { grant, signal, timeoutMs = defaultTimeoutMs } = options;
  checkControl(options);
  const request = prepareRequest(operation, options, body);
  const begin = (flight) =>
    grant ? grant.use(flight, (accessToken) => transmit({ ...request, accessToken }, flight)) : transmit(request, flight);
  const survives = cannotRepeat(operation, body);
  const isKept = ({ error }) => error === undefined || (error.status !== undefined && !error.retryable);
  const name = makesAnother(operation, body) ? Symbol(operation) : request.identity;
  return join(name, begin, { signal, timeoutMs, survives, isKept, tooSlow: tooSlow(operation, { grant }) });
}

/** What operations.js says of a call of a resource; undefined of those of grants and tokens. Object.prototype may have their names. */
const resourceOf = (operation) => (Object.hasOwn(operations, operation) ? operations[operation] : undefined);

/** Whether two equal calls make two things. A quote is paid once. */
function makesAnother(operation, body) {
  return operation === "request" || (resourceOf(operation)?.body && !paysQuote(operation, body));
}

const paysQuote = (operation, body) => operation === pay && JSON.parse(body).quoteId !== undefined;
const pay = "outgoingPayment.create";

/** Checks what a call is made of. `settings` are further members of its head. Throws a TypeError that names the argument. */
export function prepareRequest(operation, options, body) {
  const { url, key, fetch, grant, useHttp = false, validateResponses = true, settings = {} } = options;
  const isSigned = resourceOf(operation)?.token ?? !resourceOf(operation);
  const accessToken = isSigned ? options.accessToken : undefined;
  const isOptional = grant || (operation === "request" && [undefined, ""].includes(accessToken));
  if (isSigned && !isOptional) checkText(accessToken, "accessToken");
  const href = toHref(url, "url");
  const prepared = isSigned ? prepareKey(key) : {};
  if (prepared instanceof Promise) prepared.catch(() => {}); // who joins the work of another, or is aborted, does not wait for it
  const objects = [key, key?.sign, key?.privateKey, fetch].map(identityOf);
  const token = grant?.identity ?? accessToken;
  const identity = [operation, href, token, validateResponses, useHttp, key?.keyId, ...objects, JSON.stringify(settings), body].join("\n");
  return { operation, href, prepared, accessToken, settings, fetch, useHttp, validateResponses, body, identity };
}

const identities = new WeakMap(); // object → number
let objects = 0;

/** What tells one object from another, as text. */
export function identityOf(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return String(value);
  if (!identities.has(value)) identities.set(value, ++objects);
  return identities.get(value);
}

/** Sends a request as part of shared work, once module and key are ready. */
export async function transmit({ operation, href, prepared, accessToken, settings, fetch, useHttp, validateResponses, body }, flight) {
  const { keyId, signer } = prepared instanceof Promise ? await abortable(prepared, flight.signal) : prepared;
  if (!isRunning()) await abortable(start(), flight.signal);
  const head = {
    operation,
    url: href,
    keyId,
    accessToken,
    ...settings,
    left: flight.left,
    allowHTTP: useHttp,
    acceptAnyShape: !validateResponses,
  };
  const limits = { signal: flight.signal, onSend: flight.onSend, keepsResponse: ["continue", "rotate", pay].includes(operation) };
  const name = resourceOf(operation) ? "resource" : "send";
  const response = await call(name, [encodeFrame(head, body), signer, fetch], limits);
  return response === undefined ? undefined : JSON.parse(response);
}

/** Whether the server gives the response once, and not again when it is lost. */
const cannotRepeat = (operation, body) =>
  operation === "rotate" || (operation === "continue" && body !== undefined) || paysQuote(operation, body);

/**
 * The error of a call whose time is up. `makes` says whether it makes something, which may be there then, and be paid;
 * `grant` whether it had a token to keep usable.
 *
 * @returns {(flight: { sent?: any }) => Error}
 */
export const tooSlow =
  (operation, { makes = Boolean(resourceOf(operation)?.body), grant = undefined } = {}) =>
  ({ sent }) => {
    const description = sent?.response
      ? "The server has answered, but the call did not end in time: the response is in responseText."
      : sent
        ? "The server did not answer in time. It may have processed the request all the same."
        : grant
          ? "The module, the key, the store or a rotation of the token took too long. The server has processed nothing of this call."
          : "The module or the key was not ready in time. Nothing was sent.";
    const retryable = !(sent && makes);
    return fromGo({ operation, code: "timeout", description, retryable, ...sent?.response });
  };

const defaultPollTimeoutMs = 600_000; // as long as a wallet waits for a person, by and large

/** Polls until the grant is issued and returns it. */
export async function poll(options) {
  checkGlobals();
  const { url, key, signal, timeoutMs = defaultPollTimeoutMs, fetch, accessToken, wait, onProgress, useHttp = false } = options;
  checkText(accessToken, "accessToken");
  if (wait !== undefined && !(typeof wait === "number" && wait >= 0)) throw argumentError("wait", "must be a number of seconds");
  if (onProgress !== undefined && typeof onProgress !== "function") throw argumentError("onProgress", "must be a function");
  const href = toHref(url, "url");
  checkControl({ ...options, timeoutMs });
  const deadline = performance.now() + timeoutMs;
  const ready = () => Promise.all([prepareKey(key), start()]);
  const [{ keyId, signer }] = await within({ signal, timeoutMs, tooSlow: () => tooSlow("continue")({}) }, ready);
  const report = async (next) => {
    await undefined; // not on Go's stack: see attempt of host.js
    try {
      onProgress(next);
    } catch {
      // what the caller's function throws does not end the poll
    }
  };
  const progress =
    onProgress && ((uri, value, wait) => void report({ continue: { access_token: { value }, uri, ...(wait !== null && { wait }) } }));
  const left = Math.max(Math.ceil(deadline - performance.now()), 1);
  const seconds = wait && Math.min(wait, Number.MAX_VALUE); // JSON has no Infinity
  const frame = encodeFrame({ url: href, keyId, accessToken, left, allowHTTP: useHttp, wait: seconds });
  const limits = { signal, deadline, keepsResponse: true, late: notApproved };
  return JSON.parse(await call("poll", [frame, signer, fetch, progress], limits));
}

/** The error of a poll at its deadline: each response said that the grant is pending. */
function notApproved({ isWaiting, response }) {
  const last = isWaiting ? " The last request was not answered." : "";
  const further = "It can be polled further, with the continuation that onProgress was called with last.";
  const description = `The grant was still pending when the time of this call was up.${last} ${further}`;
  return fromGo({ operation: "continue", code: "timeout", description, retryable: true, responseText: response?.responseText });
}

export function toHref(url, name) {
  const isUrl = typeof url === "string" || typeof guarded(Object(url), name, `${name}.`).href === "string";
  if (!isUrl) throw argumentError(name, "must be a string or a URL");
  return parseUrl(url, name).href;
}

export function parseUrl(url, name) {
  try {
    return new URL(url);
  } catch {
    throw argumentError(name, "must be an absolute URL");
  }
}

/** Whether nobody on the way can read what is sent to a URL: https, or http on loopback. */
export function isSecure({ protocol, hostname }) {
  return protocol === "https:" || /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

/**
 * Returns an object that a caller gave, to be read (see guarded).
 *
 * @template T
 * @param {T} value
 * @returns {T}
 */
export function checkObject(value, name, path = "") {
  if (value === null || typeof value !== "object") throw argumentError(name, "must be an object");
  return guarded(value, name, path);
}

export function checkText(value, name) {
  if (typeof value !== "string" || value === "") throw argumentError(name, "must be a string that is not empty");
}

function isSignal(value) {
  return (
    typeof value?.aborted === "boolean" && ["addEventListener", "removeEventListener"].every((name) => typeof value[name] === "function")
  );
}

/**
 * `timeoutName` is what the caller calls timeoutMs.
 *
 * @param {import("./index.js").CallOptions & { validateResponses?: boolean }} options
 */
export function checkControl({ signal, timeoutMs = defaultTimeoutMs, fetch, useHttp, validateResponses }, timeoutName = "timeoutMs") {
  if (signal !== undefined && !isSignal(signal)) throw argumentError("signal", "must be an AbortSignal");
  if (!(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs < 2 ** 31)) {
    throw argumentError(timeoutName, "must be a number of milliseconds above 0 and below 2147483648");
  }
  if (fetch !== undefined && typeof fetch !== "function") throw argumentError("fetch", "must be a function like fetch");
  for (const [name, value] of Object.entries({ useHttp, validateResponses })) {
    if (value !== undefined && typeof value !== "boolean") throw argumentError(name, "must be true or false");
  }
}
