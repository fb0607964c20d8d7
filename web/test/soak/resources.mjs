// The resource calls of the run: how each is called in the page, and what the server responds. Both sides read it.

const wallet = "https://wallet.example/soak";
const receiver = "https://wallet.example/incoming-payments/soak";
const amount = { value: "1250", assetCode: "USD", assetScale: 2 };
const createdAt = "2026-01-01T00:00:00Z";

/** What a call appends to the address that it is given. */
const paths = {
  "walletAddress.getKeys": "/jwks.json",
  "walletAddress.getDIDDocument": "/did.json",
  "incomingPayment.create": "/incoming-payments",
  "incomingPayment.complete": "/complete",
  "incomingPayment.list": "/incoming-payments",
  "incomingPayment.all": "/incoming-payments",
  "quote.create": "/quotes",
  "outgoingPayment.create": "/outgoing-payments",
  "outgoingPayment.list": "/outgoing-payments",
  "outgoingPayment.all": "/outgoing-payments",
  "outgoingPayment.getGrantSpentAmounts": "/outgoing-payment-grant",
};
const unsigned = ["walletAddress.get", "walletAddress.getKeys", "walletAddress.getDIDDocument", "incomingPayment.getPublic"];

/** The names of all resource calls, with how often each is made. */
export const resourceCalls = {
  "walletAddress.get": 3,
  "walletAddress.getKeys": 2,
  "walletAddress.getDIDDocument": 1,
  "incomingPayment.get": 3,
  "incomingPayment.getPublic": 2,
  "incomingPayment.create": 3,
  "incomingPayment.complete": 2,
  "incomingPayment.list": 2,
  "incomingPayment.all": 2,
  "quote.get": 2,
  "quote.create": 3,
  "outgoingPayment.get": 3,
  "outgoingPayment.create": 3,
  "outgoingPayment.list": 2,
  "outgoingPayment.all": 2,
  "outgoingPayment.getGrantSpentAmounts": 2,
  "client.fetch": 4,
};

export const isResourceCall = (call) => call in resourceCalls;
/** Whether anybody may make a call: without a token and a signature. */
export const isUnsigned = (call) => unsigned.includes(call);
const isPaged = (call) => /\.(list|all)$/.test(call);
const isCreation = (call) => call.endsWith(".create");

const suffixes = [...new Set(Object.values(paths))].map((path) => path.slice(1));

/** The parts of a path without what a call has appended. */
export function withoutSuffix(parts) {
  return suffixes.includes(parts.at(-1)) ? parts.slice(0, -1) : parts;
}

// In the page.

const bodies = {
  "incomingPayment.create": { incomingAmount: amount, expiresAt: "2030-01-01T00:00:00Z" },
  "quote.create": { receiver, method: "ilp" },
  "outgoingPayment.create": { quoteId: "https://wallet.example/quotes/soak" },
};
const bodyOf = ({ call, salt }) => ({ walletAddress: wallet, ...bodies[call], metadata: { said: `<${salt}> & "` } });
const methodsOfFetch = ["GET", "POST", "PUT", "DELETE"];
const methodOfFetch = ({ index }) => methodsOfFetch[index % methodsOfFetch.length];
const bodyOfFetch = (script) => (["POST", "PUT"].includes(methodOfFetch(script)) ? `said ${script.salt}` : undefined);

/** Makes a resource call of a client. Resolves with what has the echo of its request. */
export async function callResource(client, script, { url, accessToken, signal }) {
  const { call } = script;
  if (call === "client.fetch") return signedFetch(client, script, { url, accessToken, signal });
  const [resource, name] = call.split(".");
  const method = client[resource][name];
  if (isUnsigned(call)) return method({ url, signal });
  const target = { url, accessToken, signal };
  if (name === "list") return method({ ...target, walletAddress: wallet }, { first: 2, cursor: "0 +&" });
  if (name === "all") return allOf(method({ ...target, walletAddress: wallet }, { first: 2 }));
  return isCreation(call) ? method(target, bodyOf(script)) : method(target);
}

async function allOf(items) {
  const all = [];
  for await (const item of items) all.push(item.metadata);
  return { echo: { ...all.at(-1)?.echo, items: all.map(({ place }) => place).join() } };
}

/** The response of client.fetch is there before its body: whether that comes is between the browser and the server. */
async function signedFetch(client, script, { url, accessToken, signal }) {
  const response = await client.fetch(url, { method: methodOfFetch(script), body: bodyOfFetch(script), accessToken, signal });
  const isWhole =
    [undefined, "slow"].includes(script.fetch) &&
    !["endless", "huge", "resetAfterHeaders", "resetInBody", "truncated"].includes(script.server?.[0]);
  if (!isWhole) Promise.resolve(response?.body?.cancel?.()).catch(() => {});
  const text = isWhole ? await response.text().catch(() => "") : "";
  signal?.throwIfAborted(); // it ends the body too
  return { echo: parsed(text)?.echo, status: response?.status };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What the response to a resource call repeats: the request as it must have been. */
export function expectedEcho(script, url, token) {
  const { call } = script;
  const steps = script.steps ?? 0;
  const expected = {
    url: url + (paths[call] ?? ""),
    method: "GET",
    authorization: isUnsigned(call) ? undefined : `GNAP ${token}`,
    said: null,
  };
  if (call === "client.fetch") return { ...expected, method: methodOfFetch(script), said: bodyOfFetch(script) ?? null };
  if (isCreation(call)) return { ...expected, method: "POST", said: JSON.stringify(bodyOf(script)) };
  if (call === "incomingPayment.complete") return { ...expected, method: "POST" };
  if (call.endsWith(".list")) return { ...expected, url: `${expected.url}?${query({ first: 2, cursor: "0 +&" })}` };
  if (!call.endsWith(".all")) return expected;
  const places = Array.from({ length: steps + 1 }, (_, page) => [`${page}a`, `${page}b`]).flat();
  return { ...expected, url: `${expected.url}?${query({ first: 2, ...(steps > 0 && { cursor: steps }) })}`, items: places.join() };
}

const query = (parameters) => new URLSearchParams({ ...parameters, "wallet-address": wallet });

// On the server.

const methods = [{ type: "ilp", ilpAddress: "test.wallet.soak", sharedSecret: "c29hay1zZWNyZXQ" }];
const none = { ...amount, value: "0" };

const incoming = (id) => ({ id, walletAddress: wallet, completed: false, incomingAmount: amount, receivedAmount: none, createdAt });
const outgoing = (id) => ({
  ...{ id, walletAddress: wallet, quoteId: `${id}/quote`, failed: false, receiver, receiveAmount: amount, debitAmount: amount },
  ...{ sentAmount: none, createdAt },
});
const quote = (id) => ({ id, walletAddress: wallet, receiver, receiveAmount: amount, debitAmount: amount, method: "ilp", createdAt });
const keySet = { keys: [{ kid: "soak", alg: "EdDSA", kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] };

/** The document of each call, of an address: that of the request without its query and what the call appends. */
const documents = {
  "walletAddress.get": (id) => ({
    id,
    assetCode: "USD",
    assetScale: 2,
    authServer: "https://auth.example",
    resourceServer: "https://wallet.example",
  }),
  "walletAddress.getKeys": () => keySet,
  "walletAddress.getDIDDocument": (id) => ({ id }),
  "incomingPayment.get": (id) => ({ ...incoming(id), methods }),
  "incomingPayment.getPublic": () => ({ receivedAmount: none, authServer: "https://auth.example" }),
  "incomingPayment.create": (id) => ({ ...incoming(`${id}/incoming-payments/1`), methods }),
  "incomingPayment.complete": (id) => ({ ...incoming(id), completed: true }),
  "quote.get": quote,
  "quote.create": (id) => quote(`${id}/quotes/1`),
  "outgoingPayment.get": outgoing,
  "outgoingPayment.create": (id) => ({ ...outgoing(`${id}/outgoing-payments/1`), grantSpentDebitAmount: none }),
  "outgoingPayment.getGrantSpentAmounts": () => ({ spentDebitAmount: amount, spentReceiveAmount: null }),
  "client.fetch": () => ({}),
};

/** The response of success to a resource call. `echo` is what the request said, `page` and `pages` are counted from 0. */
export function documentOf(call, { url, query, steps }, echo) {
  const id = url.split("?")[0].replace(/\/[^/]*$/, (last) => (suffixes.includes(last.slice(1)) ? "" : last));
  if (!isPaged(call)) return { ...documents[call](id), echo };
  const item = call.startsWith("incoming") ? incoming : outgoing;
  const page = pageOf(query);
  const items = ["a", "b"].map((place) => ({ ...item(`${id}/${page}${place}`), metadata: { place: `${page}${place}`, echo } }));
  return { result: items, pagination: { hasNextPage: page < steps, hasPreviousPage: page > 0, endCursor: String(page + 1) }, echo };
}

export const pageOf = (query) => parseInt(query.get("cursor") ?? "0", 10);
