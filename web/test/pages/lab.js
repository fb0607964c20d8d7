// Puts the package, and what the tests need beside it, on the page as `lab`.

import { tableIndexWanted } from "./deferred.js";

const folder = new URLSearchParams(location.search).get("folder");
let instances = 0; // of Go, so far
const exported = []; // WeakRefs of what those export: none is kept alive
const { instantiate } = WebAssembly;
WebAssembly.instantiate = async (module, imports) => {
  if (imports.gojs) instances += 1;
  const instance = await instantiate.call(WebAssembly, module, imports);
  exported.push(new WeakRef(instance.exports));
  return instance;
};
const { fetch } = globalThis;
globalThis.fetch = (input, ...init) => fetch(input instanceof URL ? withTableIndex(input) : input, ...init);
const openPayments = await import(`${folder}/index.js`); // the one with faults exports call and start of wasm/sdk/runtime.js too

const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
const { kty, crv, x } = await crypto.subtle.exportKey("jwk", pair.publicKey);

globalThis.lab = {
  ...openPayments,
  instances: () => instances,
  /** How much memory instances have, in bytes. */
  memory: () => exported.reduce((sum, ref) => sum + (ref.deref()?.mem?.buffer.byteLength ?? 0), 0),
  pair,
  publicJwkOf: openPayments.publicJwk,
  key: { keyId: "page-key", privateKey: pair.privateKey },
  publicJwk: { kid: "page-key", alg: "EdDSA", kty, crv, x },
  outcome,
  import: (url) => import(url),
};

/** Tells the site, where the deferred module is asked for, which function an instance waits for. */
function withTableIndex(url) {
  const tableIndex = exported.map((ref) => tableIndexWanted(ref.deref() ?? {})).find((tableIndex) => tableIndex !== undefined);
  if (tableIndex !== undefined) url.searchParams.set("tableIndex", tableIndex);
  return url;
}

/** Makes a call: { value } or { error }, and in `texts` everything that the error says. */
async function outcome(makeCall) {
  try {
    return { value: await makeCall() };
  } catch (error) {
    return error instanceof Error ? { error: describe(error), texts: textsOf(error) } : { thrown: String(error), texts: [String(error)] };
  }
}

function describe(error) {
  const { name, message, description, status, code, details, validationErrors, retryable, cause } = error;
  const kind = error instanceof openPayments.OpenPaymentsClientError ? "OpenPaymentsClientError" : error.constructor.name;
  return {
    kind,
    name,
    message,
    description,
    status,
    code,
    details,
    validationErrors,
    retryable,
    cause: cause instanceof Error ? { name: cause.name, message: cause.message } : cause && String(cause),
  };
}

function textsOf(error) {
  const texts = [String(error), error.message, error.stack, error.description, JSON.stringify(error)];
  const cause = error.cause instanceof Error ? textsOf(error.cause) : [String(error.cause)];
  return [...texts, ...cause].map(String);
}
