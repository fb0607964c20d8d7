// Whether the world can see a key: what {wallet address}/jwks.json says of it.

import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { read } from "./host.js";
import { publicJwk } from "./keys.js";

const timeoutMs = 30_000;
const limit = 1 << 20; // bytes

export async function checkPublished(key, walletAddressUrl, { signal, fetch = globalThis.fetch } = {}) {
  const expected = publicJwk(key);
  const url = keySetUrl(walletAddressUrl);
  const keySet = await fetchKeySet(url, { signal, fetch });
  const published = keySet.keys.find((candidate) => candidate?.kid === expected.kid);
  if (!published) {
    throw failure("key_not_published", `${url} has no key with the kid ${expected.kid}. Add the public JWK of your key to it.`);
  }
  if (published.kty !== "OKP" || published.crv !== "Ed25519" || published.x !== expected.x) {
    throw failure("key_mismatch", `${url} has another key under the kid ${expected.kid}. Publish this key under it, or sign with that one.`);
  }
}

function keySetUrl(walletAddressUrl) {
  try {
    const url = new URL(walletAddressUrl);
    if (url.protocol === "https:" || url.protocol === "http:") return `${url.origin}${url.pathname.replace(/\/$/, "")}/jwks.json`;
  } catch {
    // falls through to the one error
  }
  throw argumentError("walletAddressUrl", "must be an absolute https: or http: URL");
}

async function fetchKeySet(url, { signal, fetch }) {
  let response, body;
  const ends = signal ?? AbortSignal.timeout(timeoutMs);
  try {
    response = await fetch(url, { signal: ends, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" });
    body = await read(response.body, limit, ends);
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw failure("key_set_unreachable", `${url} could not be reached in time, or its answer carried no CORS headers for this page.`, { cause, retryable: true });
  }
  if (!response.ok) throw failure("key_set_unreachable", `${url} answered with status ${response.status}.`, { status: response.status });
  if (body.length > limit) throw failure("key_set_invalid", `${url} is larger than 1 MiB.`);
  const keySet = parse(new TextDecoder().decode(body));
  if (!Array.isArray(keySet?.keys)) throw failure("key_set_invalid", `${url} is not a key set: expected JSON like {"keys":[…]}.`);
  return keySet;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function failure(code, description, fields) {
  return new OpenPaymentsClientError(description, { code, description, ...fields });
}
