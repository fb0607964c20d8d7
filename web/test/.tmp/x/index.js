// open-payments-wasm: Open Payments grants in the browser. See index.d.ts for the documentation.

import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { prepareKey } from "./keys.js";
import { call, load, start } from "./runtime.js";

export { OpenPaymentsClientError };

const defaultTimeoutMs = 30_000;

export async function init({ wasm } = {}) {
  await load(checkWasm(wasm));
}

export async function continueGrant(options) {
  checkObject(options, "options");
  const { interactRef } = options;
  if (interactRef !== undefined) checkText(interactRef, "interactRef");
  const body = interactRef === undefined ? undefined : JSON.stringify({ interact_ref: interactRef });
  return send("continue", options, body);
}

export const isPendingGrant = (grant) => Boolean(grant.interact);
export const isFinalizedGrant = (grant) => Boolean(grant.access_token);
export const isFinalizedGrantWithAccessToken = (grant) => Boolean(grant.access_token);
export const isFinalizedGrantWithSubject = (grant) => Boolean(grant.subject);

/** Makes one signed call: its arguments are checked here by type, and by content in Go. */
async function send(operation, options, body) {
  const { accessToken, signal, timeoutMs = defaultTimeoutMs, fetch } = options;
  const url = toHref(options.url, "url");
  checkText(accessToken, "accessToken");
  checkControl({ signal, timeoutMs, fetch });
  const deadline = performance.now() + timeoutMs;
  const preparing = Promise.all([prepareKey(options.key), start()]);
  const [{ keyId, signer }] = await patient(preparing, { signal, timeoutMs });
  const left = Math.max(deadline - performance.now(), 1);
  const answer = await call("send", operation, url, accessToken, body, keyId, signer, left, signal, fetch, false);
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

function toHref(url, name) {
  if (typeof url !== "string" && !(url instanceof URL)) throw argumentError(name, "must be a string or a URL");
  try {
    return new URL(url).href;
  } catch {
    throw argumentError(name, "must be an absolute URL");
  }
}

function checkObject(value, name) {
  if (value === null || typeof value !== "object") throw argumentError(name, "must be an object");
}

function checkText(value, name) {
  if (typeof value !== "string" || value === "") throw argumentError(name, "must be a string that is not empty");
}

function checkControl({ signal, timeoutMs, fetch }) {
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw argumentError("signal", "must be an AbortSignal");
  if (!(typeof timeoutMs === "number" && timeoutMs > 0 && timeoutMs < 2 ** 31)) {
    throw argumentError("timeoutMs", "must be a number of milliseconds above 0 and below 2147483648");
  }
  if (fetch !== undefined && typeof fetch !== "function") throw argumentError("fetch", "must be a function like fetch");
}

function checkWasm(wasm) {
  const kinds = [URL, Response, WebAssembly.Module, ArrayBuffer];
  if (wasm === undefined || typeof wasm === "string" || ArrayBuffer.isView(wasm) || kinds.some((kind) => wasm instanceof kind)) return wasm;
  throw argumentError("wasm", "must be a URL, a Response, a BufferSource or a WebAssembly.Module");
}
