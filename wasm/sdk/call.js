// One signed call: arguments are checked here by type, and by content in Go.

import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { prepareKey } from "./keys.js";
import { call, start } from "./runtime.js";

const defaultTimeoutMs = 30_000;

/**
 * Makes the call and returns the answer, parsed. `operation` is one of gnap.Operation, `body` JSON
 * text or undefined.
 */
export async function send(operation, { url, accessToken, key, signal, timeoutMs = defaultTimeoutMs, fetch, useHttp = false }, body) {
  const href = toHref(url, "url");
  if (operation !== "request") checkText(accessToken, "accessToken");
  checkControl({ signal, timeoutMs, fetch });
  const deadline = performance.now() + timeoutMs;
  const preparing = Promise.all([prepareKey(key), start()]);
  const [{ keyId, signer }] = await patient(preparing, { signal, timeoutMs });
  const left = Math.max(deadline - performance.now(), 1);
  const answer = await call("send", operation, href, accessToken, body, keyId, signer, left, signal, fetch, useHttp);
  return answer === undefined ? undefined : JSON.parse(answer);
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
  try {
    return new URL(url).href;
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

function checkControl({ signal, timeoutMs, fetch }) {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw argumentError("signal", "must be an AbortSignal");
  if (!(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs < 2 ** 31)) {
    throw argumentError("timeoutMs", "must be a number of milliseconds above 0 and below 2147483648");
  }
  if (fetch !== undefined && typeof fetch !== "function") throw argumentError("fetch", "must be a function like fetch");
}
