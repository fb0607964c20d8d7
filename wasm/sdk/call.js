// One signed call: arguments are checked here by type, and by content in Go.

import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { prepareKey } from "./keys.js";
import { call, isRunning, start } from "./runtime.js";
import { join } from "./sharing.js";
import { abortable } from "./waiting.js";

export const defaultTimeoutMs = 30_000;

/**
 * Makes the call and returns the response, parsed. `operation` is one of gnap.Operation, `body` JSON
 * text or undefined. Equal calls at the same time share a request, but for grant requests: each of
 * them is for a grant of its own.
 */
export async function send(operation, options, body) {
  const { signal, timeoutMs = defaultTimeoutMs } = options;
  checkControl(options);
  const request = prepareRequest(operation, options, body);
  const survives = operation === "rotate" || (operation === "continue" && body !== undefined); // what is sent cannot be sent again
  const isKept = ({ error }) => error === undefined || (error.status !== undefined && !error.retryable);
  const name = operation === "request" ? Symbol(operation) : request.identity;
  return join(name, (work) => transmit(request, work), { signal, timeoutMs, survives, isKept, tooSlow });
}

/** Checks what a call is made of. Throws a TypeError that names the argument. */
export function prepareRequest(operation, { url, key, accessToken, fetch, useHttp = false, validateResponses = true }, body) {
  if (operation !== "request" || (accessToken !== undefined && accessToken !== "")) checkText(accessToken, "accessToken");
  const href = toHref(url, "url");
  const prepared = prepareKey(key);
  const objects = [key, key.sign, key.privateKey, fetch].map(identityOf);
  const identity = [operation, href, accessToken, validateResponses, useHttp, key.keyId, ...objects, body].join("\n");
  return { operation, href, prepared, accessToken, fetch, useHttp, validateResponses, body, identity };
}

const identities = new WeakMap(); // object → number
let objects = 0;

function identityOf(value) {
  if (value === null || (typeof value !== "object" && typeof value !== "function")) return String(value);
  if (!identities.has(value)) identities.set(value, ++objects);
  return identities.get(value);
}

/** Sends a request as part of shared work, once module and key are ready. */
export async function transmit({ operation, href, prepared, accessToken, fetch, useHttp, validateResponses, body }, work) {
  const { keyId, signer } = prepared instanceof Promise ? await abortable(prepared, work.signal) : prepared;
  if (!isRunning()) await abortable(start(), work.signal);
  // One text costs less than seven values. A line break can only be in the last, where Go refuses it.
  const lines = [href, keyId, work.left, useHttp, operation, validateResponses, body, accessToken].join("\n");
  const sending = (...args) => {
    work.onSend();
    return (fetch ?? globalThis.fetch)(...args);
  };
  const response = await call("send", lines, signer, { signal: work.signal, fetch: sending });
  return response === undefined ? undefined : JSON.parse(response);
}

const defaultPollTimeoutMs = 600_000; // as long as a wallet waits for a person, by and large

/** Polls until the grant is issued and returns it. */
export async function poll(options) {
  const { accessToken, wait = -1, onProgress, useHttp = false } = options;
  checkText(accessToken, "accessToken");
  if (options.wait !== undefined && !(typeof wait === "number" && wait >= 0)) throw argumentError("wait", "must be a number of seconds");
  if (onProgress !== undefined && typeof onProgress !== "function") throw argumentError("onProgress", "must be a function");
  const { href, keyId, signer, left } = await prepare(defaultPollTimeoutMs, options);
  const progress = onProgress && ((uri, value, wait) => {
    try {
      onProgress({ continue: { access_token: { value }, uri, ...(wait !== null && { wait }) } });
    } catch {
      // of no concern to the poll
    }
  });
  const lines = [href, keyId, left, useHttp, wait, accessToken].join("\n");
  return JSON.parse(await call("poll", lines, signer, given(options), progress));
}

/** What of these Go has to hold, if anything: each costs. */
function given({ signal, fetch }) {
  return signal || fetch ? { signal, fetch } : undefined;
}

/** Checks the options that all calls have, and gets the key and the module ready. */
async function prepare(defaultMs, { url, key, timeoutMs = defaultMs, ...control }) {
  const href = toHref(url, "url");
  const { signal } = control;
  checkControl({ timeoutMs, ...control });
  const prepared = prepareKey(key);
  if (isRunning() && !(prepared instanceof Promise)) return { href, ...prepared, left: Math.ceil(timeoutMs) };
  const deadline = performance.now() + timeoutMs;
  const [ready] = await patient(Promise.all([prepared, start()]), { signal, timeoutMs });
  return { href, ...ready, left: Math.max(Math.ceil(deadline - performance.now()), 1) };
}

/** Waits for what Go does not: the module and the key. */
function patient(promise, { signal, timeoutMs }) {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    const timer = setTimeout(() => reject(tooSlow()), timeoutMs);
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    });
  });
}

function tooSlow({ isSent } = {}) {
  const description = isSent
    ? "The server did not answer in time. It may have processed the request all the same."
    : "The module or the key was not ready in time. Nothing was sent.";
  return new OpenPaymentsClientError(description, { code: "timeout", description, retryable: true });
}

export function toHref(url, name) {
  if (typeof url !== "string" && !(url instanceof URL)) throw argumentError(name, "must be a string or a URL");
  return parseUrl(url, name).href;
}

export function parseUrl(url, name) {
  try {
    return new URL(url);
  } catch {
    throw argumentError(name, "must be an absolute URL");
  }
}

export function checkObject(value, name) {
  if (value === null || typeof value !== "object") throw argumentError(name, "must be an object");
}

export function checkText(value, name) {
  if (typeof value !== "string" || value === "") throw argumentError(name, "must be a string that is not empty");
}

/** `timeoutName` is what the caller calls timeoutMs. */
export function checkControl({ signal, timeoutMs = defaultTimeoutMs, fetch, useHttp, validateResponses }, timeoutName = "timeoutMs") {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw argumentError("signal", "must be an AbortSignal");
  if (!(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs < 2 ** 31)) {
    throw argumentError(timeoutName, "must be a number of milliseconds above 0 and below 2147483648");
  }
  if (fetch !== undefined && typeof fetch !== "function") throw argumentError("fetch", "must be a function like fetch");
  for (const [name, value] of Object.entries({ useHttp, validateResponses })) {
    if (value !== undefined && typeof value !== "boolean") throw argumentError(name, "must be true or false");
  }
}
