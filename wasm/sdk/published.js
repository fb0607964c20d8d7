// Whether the world can see a key: what {wallet address}/jwks.json says of it to a server.

import { argumentError, guarded, OpenPaymentsClientError } from "./errors.js";
import { read } from "./host.js";
import { publicJwk } from "./keys.js";
import { toWalletAddress } from "./wallet-address.js";

const timeoutMs = 30_000;
const limit = 1 << 20; // bytes

/**
 * Looks at a published key set as a server does: at the address as it will be sent, for the key of the
 * kid, whatever else is in the set (RFC 7517 §5). Codes of its errors: `key_exposed` (the set shows a
 * private key), `key_not_published`, `key_mismatch` (another key has the kid), `key_set_invalid` (what
 * is published cannot be used, and why), `key_set_unreachable`.
 *
 * @type {typeof import("./index.js").checkPublished}
 */
export async function checkPublished(key, walletAddressUrl, options = {}) {
  const { signal, fetch = globalThis.fetch } = guarded(Object(options), "options");
  const expected = publicJwk(key);
  const url = keySetUrl(walletAddressUrl);
  const { keys } = await fetchKeySet(url, { signal, fetch });
  const problem = exposure(url, keys) ?? problemOf(url, keys, expected);
  if (problem) throw problem;
}

function keySetUrl(walletAddressUrl) {
  const address = toWalletAddress(walletAddressUrl, "walletAddressUrl");
  if (address.endsWith("/")) {
    throw argumentError(
      "walletAddressUrl",
      "must not end in a slash: servers append /jwks.json to it as it is, and two slashes lead elsewhere",
    );
  }
  return `${address}/jwks.json`;
}

/** A private key of whatever kind: d of OKP, EC and RSA, k of symmetric keys (RFC 7518 §6), priv of AKP. */
function exposure(url, keys) {
  const exposed = keys.find((key) => key?.d !== undefined || key?.k !== undefined || key?.priv !== undefined);
  if (!exposed) return undefined;
  const which = typeof exposed.kid === "string" ? `the kid ${exposed.kid}` : "no kid";
  return failure(
    "key_exposed",
    `${url} shows everyone the private half of the key with ${which}. Take it down and make a new key: this one is lost.`,
  );
}

function problemOf(url, keys, expected) {
  const { kid } = expected;
  const named = keys.filter((key) => key?.kid === kid);
  if (named.length === 0) {
    return failure("key_not_published", `${url} has no key with the kid ${kid}. Add the public JWK of your key to it.`);
  }
  if (named.length > 1) {
    return failure(
      "key_set_invalid",
      `${url} has the kid ${kid} more than once, and servers take either. Give every key a kid of its own.`,
    );
  }
  const [published] = named;
  const { kty, crv, x } = published;
  if (kty !== "OKP" || crv !== "Ed25519" || toBase64url(x) !== expected.x) {
    return failure("key_mismatch", `${url} has another key under the kid ${kid}. Publish this key under it, or sign with that one.`);
  }
  const fault = x === expected.x ? forbidden(published) : "its x is the right key in another base64: write it as base64url without padding";
  return fault && failure("key_set_invalid", `${url} has the key with the kid ${kid}, but servers cannot use it: ${fault}.`);
}

function toBase64url(x) {
  return typeof x === "string"
    ? x
        .replaceAll("+", "-")
        .replaceAll("/", "_")
        .replace(/[=\s]+/g, "")
    : undefined;
}

/** What of a JWK says that its key does not verify signatures (RFC 7517 §4.2 to §4.4, RFC 9864 §2.2). */
function forbidden({ use, alg, key_ops: operations }) {
  if (alg !== undefined && alg !== "EdDSA" && alg !== "Ed25519") return 'its alg must be "EdDSA"';
  if (use !== undefined && use !== "sig") return 'its use must be "sig"';
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) {
    return 'its key_ops must hold "verify", or be left out';
  }
  return undefined;
}

async function fetchKeySet(url, { signal, fetch }) {
  let response, body;
  const ends = signal ?? AbortSignal.timeout(timeoutMs);
  try {
    response = await fetch(url, { signal: ends, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" });
    body = await read(response, limit, ends);
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    throw failure("key_set_unreachable", `${url} could not be reached in time, or its response carried no CORS headers for this page.`, {
      cause,
      retryable: true,
    });
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
