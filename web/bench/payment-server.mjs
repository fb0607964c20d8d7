// The servers of a payment, as far as a client sees them: wallet addresses, grants, incoming payments, quotes and outgoing
// payments. What they say has the right shapes and the right interaction hash; nothing is verified, and nobody pays. Every
// payment has addresses of its own, below /pay/{id}, so that no browser knows their preflights.

import { createHash, randomUUID } from "node:crypto";

export const receiveAmount = { value: "1250", assetCode: "EUR", assetScale: 2 };
const debitAmount = { ...receiveAmount, value: "1275" };
const nothing = { ...receiveAmount, value: "0" };

const sent = {}; // by id: what came for a payment, in order, preflights included
const documents = new Map(); // by URL: the payments that were created, as they are read

/** The requests of a payment so far: { method, url, headers, body }. */
export const requestsOf = (id) => sent[id] ?? [];

/** Tells whether a request is for a server of a payment. */
export const isOfPayment = (req) => req.url.startsWith("/pay/");

/** What a request gets: { status, body }. `text` is its body. */
export function respond(req, text) {
  const url = `http://${req.headers.host}${req.url}`;
  const [, , id, path, item] = new URL(url).pathname.split("/");
  (sent[id] ??= []).push({ method: req.method, url, headers: req.headers, body: text });
  const base = `http://${req.headers.host}/pay/${id}`;
  const responses = {
    "GET wallet": () => ({ id: url, assetCode: "EUR", assetScale: 2, authServer: `${base}/auth`, resourceServer: base }),
    "POST auth": () => grant(base, JSON.parse(text)),
    "POST continue": () => issued(base, []),
    "POST incoming-payments": () => created(url, incomingPayment(JSON.parse(text)), { receivedAmount: receiveAmount, completed: true }),
    "POST quotes": () => created(url, quote(JSON.parse(text))),
    "POST outgoing-payments": () => created(url, outgoingPayment(base, JSON.parse(text)), { sentAmount: receiveAmount }),
  };
  if (req.method === "DELETE") return { status: 204 };
  const stored = documents.get(url.replace(/\/complete$/, ""));
  if (stored) return { status: 200, body: stored };
  const respond = item === undefined || path === "wallet" ? responses[`${req.method} ${path}`] : undefined;
  return respond
    ? { status: path.endsWith("s") ? 201 : 200, body: respond() }
    : { status: 404, body: { error: { code: "404", description: url } } };
}

function grant(base, { access_token, interact }) {
  if (!interact) return issued(base, access_token.access);
  const nonce = randomUUID();
  const reference = randomUUID();
  const callback = new URL(interact.finish.uri);
  const hashed = [interact.finish.nonce, nonce, reference, `${base}/auth`].join("\n");
  callback.searchParams.set("hash", createHash("sha256").update(hashed).digest("base64"));
  callback.searchParams.set("interact_ref", reference);
  return {
    interact: { redirect: `${base}/interact?${new URLSearchParams({ callback })}`, finish: nonce },
    continue: continuation(base),
  };
}

const issued = (base, access) => ({
  access_token: { value: randomUUID(), manage: `${base}/token/${randomUUID()}`, expires_in: 600, access },
  continue: continuation(base),
});

const continuation = (base) => ({ access_token: { value: randomUUID() }, uri: `${base}/continue` });

/** Makes a document, which is later read with the changes. */
function created(url, members, changes = {}) {
  const document = { id: `${url}/${randomUUID()}`, createdAt: new Date().toISOString(), ...members };
  documents.set(document.id, { ...document, ...changes });
  return document;
}

const incomingPayment = ({ walletAddress, incomingAmount, expiresAt, metadata }) => ({
  ...{ walletAddress, incomingAmount, expiresAt, metadata },
  receivedAmount: nothing,
  completed: false,
  methods: [{ type: "ilp", ilpAddress: "test.till.1", sharedSecret: "c2VjcmV0LW9mLXRoZS1yZWNlaXZlcg" }],
});

const quote = ({ walletAddress, receiver, method }) => ({
  ...{ walletAddress, receiver, method, receiveAmount, debitAmount },
  expiresAt: new Date(Date.now() + 300_000).toISOString(),
});

function outgoingPayment(base, { walletAddress, quoteId, metadata }) {
  const { receiver } = documents.get(quoteId);
  return { walletAddress, quoteId, metadata, receiver, receiveAmount, debitAmount, sentAmount: nothing, failed: false };
}
