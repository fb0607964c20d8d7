// One signed call: arguments are checked here by type, and by content in Go.

import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { prepareKey } from "./keys.js";
import { call, isRunning, start } from "./runtime.js";

export const defaultTimeoutMs = 30_000;

/**
 * Makes the call and returns the answer, parsed. `operation` is one of gnap.Operation, `body` JSON
 * text or undefined.
 */
export async function send(operation, options, body) {
  const { accessToken } = options;
  if (operation !== "request" || (accessToken !== undefined && accessToken !== "")) checkText(accessToken, "accessToken");
  const { href, keyId, signer, left } = await prepare(defaultTimeoutMs, options);
  const { useHttp = false, validateResponses = true } = options;
  // One text costs less than seven values. A line break can only be in the last, where Go refuses it.
  const lines = [href, keyId, left, useHttp, operation, validateResponses, body, accessToken].join("\n");
  const answer = await call("send", lines, signer, given(options));
  return answer === undefined ? undefined : JSON.parse(answer);
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

/** Waits for the module, no longer than a call may take. */
export async function ready({ signal, timeoutMs = defaultTimeoutMs }) {
  checkControl({ signal, timeoutMs });
  if (!isRunning()) await patient(start(), { signal, timeoutMs });
}

/** Waits, unless the signal is aborted before. */
export async function pause(ms, signal) {
  signal?.throwIfAborted();
  if (!(ms > 0)) return;
  await new Promise((resolve, reject) => {
    const timer = setTimeout(end, ms);
    function end() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      signal?.aborted ? reject(signal.reason) : resolve();
    }
    signal?.addEventListener("abort", end);
  });
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

function tooSlow() {
  const description = "The module or the key was not ready in time. Nothing was sent.";
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
