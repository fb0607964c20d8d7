// A server of tokens: it rotates and revokes them (RFC 9635 §6), and pays for those that are active. It checks no signatures.

import { createServer } from "node:http";
import { buffer } from "node:stream/consumers";
import { close, listen } from "./http.mjs";

const cors = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
  "access-control-allow-methods": "*",
};
const amount = { value: "1", assetCode: "EUR", assetScale: 2 };
const nothingSpent = { spentDebitAmount: null, spentReceiveAmount: null };
const inactive = { status: 403, body: { error: { code: "403", description: "Inactive Token" } } };
export const refused = { status: 401, body: { error: { code: "invalid_client", description: "invalid access token" } } };

/**
 * Starts it. `requestHandler`, where a test sets it, is called with every request before it is looked at, `responseHandler`
 * once it is answered: they may wait, throw, and then the connection breaks off, or return { status, body } to be answered instead.
 */
export async function startTokens() {
  const server = { requestHandler: undefined, responseHandler: undefined };
  const accounts = [];
  const http = createServer((req, res) => respond(server, accounts, req, res).catch(() => req.socket.destroy()));
  http.keepAliveTimeout = 0; // a client in this process may be too busy to notice that a connection was closed
  const origin = await listen(http);
  return Object.assign(server, {
    /** Issues a grant and returns what the server knows of it. Its first token is inactive, unless `isActive`. */
    issue({ isActive = false, expires_in = 600, ...members } = {}) {
      const id = accounts.length;
      const account = { url: `${origin}/${id}`, id, count: 0, isActive, isRevoked: false, expires_in, payments: 0, requests: [] };
      accounts.push(account);
      const next = { uri: `${origin}/${id}/continue`, access_token: { value: `continuation-of-${id}` } };
      account.grant = { access_token: tokenOf(account), continue: next, ...members };
      return account;
    },
    close: () => close(http),
  });
}

/** The newest token, as a grant has it. Tokens are numbered. */
function tokenOf({ url, id, count, expires_in }) {
  return {
    value: `token-of-grant-${id}-${count}`,
    manage: `${url}/token/${count}`,
    expires_in,
    access: [{ type: "quote", actions: ["read"] }],
  };
}

/** What came for a grant: "call 0" with its first token, "rotate 0", "call 1" with its second one. */
export const cameFor = (account) => account.requests.map(({ kind, number }) => `${kind} ${number}`);

async function respond(server, accounts, req, res) {
  if (req.method === "OPTIONS") return res.writeHead(204, cors).end();
  const [, id, what, ...rest] = req.url.split("?")[0].split("/");
  const account = accounts[Number(id)];
  const kind = what === "token" ? { POST: "rotate", DELETE: "revoke" }[req.method] : "call";
  const number = Number(req.headers.authorization.split("-").at(-1));
  const request = { account, kind, number, path: [what, ...rest].join("/"), method: req.method, url: req.url, headers: req.headers };
  request.body = JSON.parse((await buffer(req)).toString() || "null");
  account.requests.push(request);
  const instead = await server.requestHandler?.(request);
  const response = instead ?? answers[kind](account, request);
  const { status = 200, body } = (await server.responseHandler?.(request, response)) ?? response;
  res.writeHead(status, { ...cors, "content-type": "application/json" }).end(body && JSON.stringify(body));
}

const isNewest = (account, { number }) => number === account.count && !account.isRevoked;

const answers = {
  rotate(account, request) {
    if (!isNewest(account, request) || request.path !== `token/${account.count}`) return refused;
    account.count += 1;
    account.isActive = true;
    return { body: { access_token: tokenOf(account) } };
  },
  revoke(account, request) {
    if (!isNewest(account, request)) return refused;
    account.isRevoked = true;
    return { status: 204 };
  },
  call(account, request) {
    if (!isNewest(account, request) || !account.isActive) return inactive;
    return resources[`${request.method} ${request.path}`](account, request);
  },
};

const createdAt = "2026-11-28T12:00:00Z";

const resources = {
  "GET outgoing-payment-grant": () => ({ body: nothingSpent }),
  "POST outgoing-payments": (account, { body }) => {
    account.payments += 1;
    const sentAmount = { ...amount, value: "0" };
    const id = `${account.url}/outgoing-payments/${account.payments}`;
    const payment = { ...body, id, failed: false, receiver: `${account.url}/incoming-payments/1`, sentAmount, createdAt };
    return { status: 201, body: { ...payment, receiveAmount: amount, debitAmount: amount } };
  },
  "GET outgoing-payments": (account, { url }) => {
    const isLast = url.includes("cursor=");
    return { body: { pagination: { hasNextPage: !isLast, hasPreviousPage: isLast, endCursor: `cursor-${isLast}` }, result: [] } };
  },
};
