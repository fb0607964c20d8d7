// The client with the names of @interledger/open-payments, and what leaving the page needs.

import { checkControl, checkObject, checkText, send, toHref } from "./call.js";
import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { interactions } from "./interaction.js";
import { prepareKey } from "./keys.js";

export async function createAuthenticatedClient(options) {
  checkObject(options, "options");
  const { walletAddressUrl, useHttp = false, validateResponses = true, requestTimeoutMs, fetch, store } = options;
  toHref(walletAddressUrl, "walletAddressUrl"); // checked, and sent as it is spelled: servers compare it
  const client = String(walletAddressUrl);
  const key = options.key ?? { keyId: options.keyId, privateKey: options.privateKey };
  checkControl({ fetch, useHttp, validateResponses, timeoutMs: requestTimeoutMs }, "requestTimeoutMs");
  await prepareKey(key, options.key ? "key" : "options");
  const control = { key, fetch, useHttp, validateResponses, timeoutMs: requestTimeoutMs };

  const addressOf = (target) => {
    checkObject(target, "target");
    const href = toHref(target.url, "url");
    return useHttp ? href.replace(/^https:/, "http:") : href;
  };
  const sendTo = (operation, target, body) => {
    const { accessToken, signal } = target ?? {};
    return send(operation, { ...control, url: addressOf(target), accessToken, signal }, body);
  };

  const grant = {
    request: async (target, args, clientOverride) => {
      checkGrantRequest(args);
      return sendTo("request", target, JSON.stringify({ ...args, client: clientOverride ?? client }));
    },
    continue: async (target, args) => {
      if (args !== undefined) checkText(args?.interact_ref, "interact_ref");
      return sendTo("continue", target, args && JSON.stringify(args));
    },
    cancel: async (target, { rejectIfGone = false } = {}) => {
      await sendTo("cancel", target).catch((error) => {
        if (rejectIfGone || error.code !== "invalid_continuation") throw error;
      });
    },
  };
  const token = {
    rotate: async (target) => sendTo("rotate", target),
    revoke: async (target) => sendTo("revoke", target),
  };
  return { grant: { ...grant, ...interactions({ grant, addressOf, key, store, timeoutMs: requestTimeoutMs }) }, token };
}

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

function invalidRequest(description) {
  return new OpenPaymentsClientError("Invalid Grant Request", { description });
}
