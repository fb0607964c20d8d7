// The client with the names of @interledger/open-payments, and what leaving the page needs.

/** @import { AuthenticatedClient } from "./index.js" */

import { checkControl, checkObject, checkText, defaultTimeoutMs, prepareRequest, send, toHref, transmit } from "./call.js";
import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { interactions } from "./interaction.js";
import { keptGrants } from "./kept-grant.js";
import { prepareKey } from "./keys.js";
import { payments } from "./payment.js";
import { publicResources, resources } from "./resources.js";
import { signedFetch } from "./signed-fetch.js";
import { toWalletAddress } from "./wallet-address.js";

/** @type {typeof import("./index.js").createAuthenticatedClient} */
export async function createAuthenticatedClient(given) {
  const options = checkObject(given, "options");
  const { walletAddressUrl, useHttp = false, validateResponses = true, requestTimeoutMs, fetch, store } = options;
  const client = toWalletAddress(walletAddressUrl, "walletAddressUrl");
  const hasMaterial = options.keyId !== undefined || options.privateKey !== undefined;
  const key = options.key ?? (hasMaterial ? { keyId: options.keyId, privateKey: options.privateKey } : undefined);
  checkControl({ fetch, useHttp, validateResponses, timeoutMs: requestTimeoutMs }, "requestTimeoutMs");
  await prepareKey(key, hasMaterial && !options.key ? "options" : "key");
  const control = { key, fetch, useHttp, validateResponses, timeoutMs: requestTimeoutMs };
  const { addressOf, sendTo } = sender(control);
  const requestGrant = async (target, args, timeoutMs, clientOverride) => {
    args = copyOf(args, "args");
    checkGrantRequest(args);
    const request = { ...withWalletAddresses(args), client: clientOverride ?? client };
    return sendTo("request", target, stringify(request, "args"), { timeoutMs });
  };

  /** @type {Pick<AuthenticatedClient["grant"], "request" | "continue" | "cancel">} */
  const grant = {
    request: async (target, args, clientOverride) => requestGrant(target, args, requestTimeoutMs, clientOverride),
    continue: async (target, args) => {
      if (args === undefined) return sendTo("continue", target);
      const given = copyOf(args, "args");
      checkText(given?.interact_ref, "interact_ref");
      return sendTo("continue", target, stringify(given, "args"));
    },
    cancel: async (target, options = {}) => {
      checkGlobals();
      const { ignoreGone = false, store } = checkObject(options, "options");
      const until = performance.now() + (requestTimeoutMs ?? defaultTimeoutMs);
      const forget = () => forgetCancelled(target, { store, timeoutMs: Math.max(until - performance.now(), 1) });
      try {
        await sendTo("cancel", target);
      } catch (error) {
        if (error?.code !== "invalid_continuation") throw error;
        await forget();
        if (!ignoreGone) throw error;
        return;
      }
      await forget();
    },
  };
  const token = {
    rotate: async (target) => sendTo("rotate", target),
    revoke: async (target) => sendTo("revoke", target),
  };
  const continueGrant = (target, args, flight) =>
    transmit(prepareRequest("continue", { ...control, ...target, url: addressOf(target) }, JSON.stringify(args)), flight);
  const { forgetCancelled, ...interaction } = interactions({
    requestGrant,
    continueGrant,
    copyOf,
    addressOf,
    key,
    store,
    timeoutMs: requestTimeoutMs,
    useHttp,
  });
  const routes = resources({ sendTo, stringify });
  const withGrant = keptGrants({ control, addressOf, sendTo, stringify, copyOf, store });
  const payment = payments({ control, client, addressOf, copyOf, store });
  return { ...routes, grant: { ...grant, ...interaction }, token, withGrant, payment, fetch: signedFetch(control) };
}

/** @type {typeof import("./index.js").createUnauthenticatedClient} */
export async function createUnauthenticatedClient(options = {}) {
  const { useHttp = false, validateResponses = true, requestTimeoutMs: timeoutMs, fetch } = checkObject(options, "options");
  checkControl({ fetch, useHttp, validateResponses, timeoutMs }, "requestTimeoutMs");
  const { sendTo } = sender({ fetch, useHttp, validateResponses, timeoutMs });
  return publicResources({ sendTo, stringify });
}

/**
 * What sends a call to its target, { url, accessToken, signal }. `control` is what all calls of a client have in common; a
 * `grant` among the settings (kept-grant.js) has the access token.
 */
function sender(control) {
  const addressOf = (target) => {
    const href = toHref(checkObject(target, "target").url, "url");
    return control.useHttp ? href.replace(/^https:/, "http:") : href;
  };
  const sendTo = (operation, target, body, options = {}) => {
    const { timeoutMs = control.timeoutMs, grant, ...settings } = /** @type {any} */ (options);
    const { url, accessToken, signal } = checkObject(target, "target");
    return send(operation, { ...control, url: addressOf({ url }), accessToken, grant, signal, timeoutMs, settings }, body);
  };
  return { addressOf, sendTo };
}

function stringify(value, name) {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    const problem = "must be data that JSON can carry: no BigInt, no object inside itself, and nothing nested too deep";
    throw Object.assign(argumentError(name, problem), { cause });
  }
}

/** What servers see of a value: read once. */
const copyOf = (value, name) => JSON.parse(stringify(value, name) ?? "null");

function checkGrantRequest(args) {
  checkObject(args, "args");
  if (!args.access_token && !args.subject) {
    throw invalidRequest('Grant request must include at least one of "access_token" or "subject".');
  }
  const access = args.access_token?.access ?? [];
  if (!Array.isArray(access)) throw argumentError("access_token.access", "must be an array");
  const payment = access.find((item) => item?.type === "outgoing-payment");
  if (payment?.limits?.debitAmount && payment.limits.receiveAmount) {
    throw invalidRequest('Only one of "debitAmount" or "receiveAmount" may be specified.');
  }
}

/** The request as servers must see it, where a wallet address is given as a payment pointer. */
function withWalletAddresses(args) {
  const { access } = args.access_token ?? {};
  const isPointer = (item) => typeof item?.identifier === "string" && item.identifier.startsWith("$");
  if (!access?.some(isPointer)) return args;
  const named = access.map((item, i) => {
    return isPointer(item) ? { ...item, identifier: toWalletAddress(item.identifier, `access_token.access[${i}].identifier`) } : item;
  });
  return { ...args, access_token: { ...args.access_token, access: named } };
}

function invalidRequest(description) {
  return new OpenPaymentsClientError("Invalid Grant Request", { code: "invalid_request", description });
}
