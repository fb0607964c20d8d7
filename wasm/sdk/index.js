// open-payments-wasm: Open Payments grants in the browser. index.d.ts documents what is exported.

import { checkObject, checkText, poll, send } from "./call.js";
import { argumentError } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { call, load } from "./runtime.js";
import { isSource } from "./source.js";

export { buildInfo } from "./build-info.js";
export { toAmountValue, toDecimal } from "./amounts.js";
export { createAuthenticatedClient, createUnauthenticatedClient } from "./client.js";
export { OpenPaymentsClientError } from "./errors.js";
export { cleanCallbackUrl } from "./callback.js";
export { generateKey, importKey, jwks, publicJwk } from "./keys.js";
export { deleteKey, listKeys, loadKey, saveKey } from "./keystore.js";
export { checkPublished } from "./published.js";
export { extensionStorage, memoryStorage, webStorage } from "./stores.js";
export { openWalletPopup, openWalletTab, redirectToWallet, returnToOpener } from "./wallet.js";

/** @type {typeof import("./index.js").init} */
export async function init(options = {}) {
  const { wasm, deferred } = checkObject(options, "options");
  await load({ wasm: checkSource("wasm", wasm), deferred: checkSource("deferred", deferred) });
}

function checkSource(name, source) {
  if (source === undefined || isSource(source)) return source;
  throw argumentError(name, "must be a URL, a Response, a BufferSource or a WebAssembly.Module");
}

/** @type {typeof import("./index.js").continueGrant} */
export async function continueGrant(given) {
  checkGlobals();
  const options = checkObject(given, "options");
  const { interactRef } = options;
  if (interactRef !== undefined) checkText(interactRef, "interactRef");
  return send("continue", options, interactRef && JSON.stringify({ interact_ref: interactRef }));
}

/** @type {typeof import("./index.js").pollGrant} */
export async function pollGrant(options) {
  return poll(checkObject(options, "options"));
}

/** @type {typeof import("./index.js").verifyInteractionHash} */
export async function verifyInteractionHash(given) {
  const options = checkObject(given, "options");
  const { clientNonce, serverNonce, interactRef, hashMethod, hash } = options;
  const grantEndpoint = /** @type {any} */ (options.grantEndpoint)?.href ?? options.grantEndpoint; // as it was sent: not parsed again
  for (const [name, value] of Object.entries({ clientNonce, serverNonce, interactRef, grantEndpoint, hash })) checkText(value, name);
  if (hashMethod !== undefined) checkText(hashMethod, "hashMethod");
  await call("verifyHash", [clientNonce, serverNonce, interactRef, grantEndpoint, hashMethod, hash]);
}

/** @returns {grant is import("./index.js").PendingGrant} */
export const isPendingGrant = (grant) => Boolean(grant?.interact);
/** @returns {grant is import("./index.js").Grant} */
export const isFinalizedGrant = (grant) => Boolean(grant?.access_token);
/** @returns {grant is import("./index.js").GrantWithAccessToken} */
export const isFinalizedGrantWithAccessToken = (grant) => Boolean(grant?.access_token);
/** @returns {grant is import("./index.js").GrantWithSubject} */
export const isFinalizedGrantWithSubject = (grant) => Boolean(grant?.subject);

export const AccessType = Object.freeze({ IncomingPayment: "incoming-payment", OutgoingPayment: "outgoing-payment", Quote: "quote" });
export const AccessAction = Object.freeze({
  Create: "create",
  Read: "read",
  ReadAll: "read-all",
  Complete: "complete",
  List: "list",
  ListAll: "list-all",
});
