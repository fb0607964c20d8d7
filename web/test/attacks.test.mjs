// Servers that mean harm, and callbacks that somebody has made: what they can have the client send, and what they cannot. In Node,
// with functions in place of the servers.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { interactionHash, withParameters } from "./harness/grants.mjs";
import { dist } from "./harness/packages.mjs";

const timeout = 60_000;
const finishUri = "https://shop.example/callback";
const request = { access_token: { access: [] }, interact: { start: ["redirect"], finish: { method: "redirect", uri: finishUri } } };

/** Authorization servers, and what was sent to all of them. */
class Servers {
  sent = [];
  #responses = new Map(); // address → function that makes the response of a request's body

  /** Adds a server: it begins and continues one grant. `changes` are made to its responses. */
  add(origin, changes = {}) {
    const server = {
      origin,
      endpoint: `${origin}/`,
      nonce: `nonce of ${origin}`,
      reference: `reference of ${origin}`,
      clientNonce: undefined,
    };
    const next = { uri: `${origin}/continue`, access_token: { value: `continue-${new URL(origin).hostname}` } };
    const token = { value: `token-${new URL(origin).hostname}`, manage: `${origin}/token`, access: [] };
    this.#responses.set(server.endpoint, ({ interact }) => {
      server.clientNonce = interact.finish.nonce;
      return { interact: { redirect: `${origin}/interact`, finish: server.nonce }, continue: next, ...changes.pending };
    });
    this.#responses.set(next.uri, () => ({ access_token: token, continue: next, ...changes.issued }));
    this.#responses.set(token.manage, () => ({ access_token: { ...token, value: `${token.value}-2` }, ...changes.rotated }));
    return server;
  }

  fetch = async (url, { method, headers, body }) => {
    this.sent.push({ url, method, headers, body });
    const respond = this.#responses.get(url);
    if (!respond) return Response.json({ error: { code: "invalid_continuation" } }, { status: 401 });
    return method === "DELETE" ? new Response(null, { status: 204 }) : Response.json(respond(body && JSON.parse(body)));
  };

  /** Where the person comes back to from a server that hashes over `changes` in place of what it knows. */
  callback({ nonce, reference, endpoint, clientNonce }, changes = {}) {
    const parts = { clientNonce, serverNonce: nonce, reference, endpoint, ...changes };
    return withParameters(finishUri, { hash: interactionHash(parts), interact_ref: parts.reference });
  }

  to = (origin) => this.sent.filter(({ url }) => new URL(url).origin === origin);
}

let sdk, copy, key;

before(async () => {
  const path = pathToFileURL(join(dist(), "index.js")).href;
  [sdk, copy] = await Promise.all([import(path), import(`${path}?copy`)]); // the copy is what another tab has
  key = await sdk.importKey(new Uint8Array(32).fill(7), { keyId: "shop-1" });
});

const clientOf = (servers, { store = sdk.memoryStorage(), module = sdk } = {}) =>
  module.createAuthenticatedClient({ walletAddressUrl: "https://shop.example/till", key, store, fetch: servers.fetch });

const honest = "https://honest.example";
const evil = "https://evil.example";

test("of two authorization servers, none is sent what the other's callback says", { timeout }, async () => {
  const servers = new Servers();
  const [theirs, ours] = [servers.add(evil), servers.add(honest)];
  const client = await clientOf(servers);
  for (const { endpoint } of [theirs, ours]) await client.grant.start({ url: endpoint }, request);
  const begun = servers.sent.length;

  // What the evil one can make of all that it may have learnt, its own nonces and the honest one's.
  for (const nonce of [theirs.nonce, ours.nonce]) {
    for (const clientNonce of [theirs.clientNonce, ours.clientNonce]) {
      for (const [endpoint, reference] of [
        [theirs.endpoint, ours.reference],
        [ours.endpoint, theirs.reference],
      ]) {
        const callback = servers.callback(theirs, { nonce, clientNonce, endpoint, reference, serverNonce: nonce });
        const isOwn = nonce === theirs.nonce && clientNonce === theirs.clientNonce && endpoint === theirs.endpoint;
        const isForHonest = nonce === ours.nonce && clientNonce === ours.clientNonce && endpoint === ours.endpoint;
        if (isOwn || isForHonest) continue; // these are right, each for one of the two
        await assert.rejects(client.grant.finish(callback), { code: "hash_mismatch" });
      }
    }
  }
  assert.equal(servers.sent.length, begun, "something was sent");

  const grant = await client.grant.finish(servers.callback(ours));
  assert.equal(grant.access_token.value, "token-honest.example");
  assert.deepEqual(servers.to(evil).slice(1), []);
  assert.deepEqual(
    (await client.grant.pending()).map(({ url }) => url),
    [theirs.endpoint],
    "the other grant is still there",
  );
});

test(
  "a server that answers with another's continue URI has its own token and reference sent there, and nothing else",
  { timeout },
  async () => {
    const servers = new Servers();
    const ours = servers.add(honest);
    const stolen = { uri: `${honest}/continue`, access_token: { value: "continue-evil.example" } };
    const theirs = servers.add(evil, { pending: { continue: stolen } });
    const client = await clientOf(servers);
    await client.grant.start({ url: ours.endpoint }, request);
    await client.grant.start({ url: theirs.endpoint }, request);
    await client.grant.finish(servers.callback(theirs));
    const { url, headers, body } = servers.sent.at(-1);
    assert.equal(url, `${honest}/continue`);
    assert.equal(headers.Authorization, "GNAP continue-evil.example");
    assert.deepEqual(JSON.parse(body), { interact_ref: theirs.reference });
    for (const { headers, body } of servers.to(evil)) {
      for (const secret of ["continue-honest", ours.reference, ours.nonce, ours.clientNonce]) {
        assert.ok(!`${JSON.stringify(headers)}${body}`.includes(secret), secret);
      }
    }
    assert.deepEqual(
      (await client.grant.pending()).map(({ url }) => url),
      [ours.endpoint],
    );
    assert.equal((await client.grant.finish(servers.callback(ours))).access_token.value, "token-honest.example");
  },
);

test("cancelling a grant whose server answered with another's continue URI forgets no other", { timeout }, async () => {
  const servers = new Servers();
  const ours = servers.add(honest);
  servers.add(evil, { pending: { continue: { uri: `${honest}/continue`, access_token: { value: "continue-evil.example" } } } });
  const client = await clientOf(servers);
  await client.grant.start({ url: ours.endpoint }, request);
  const { continue: next } = await client.grant.start({ url: `${evil}/` }, request);
  await client.grant.cancel({ url: next.uri, accessToken: next.access_token.value });
  assert.equal(servers.sent.at(-1).headers.Authorization, "GNAP continue-evil.example");
  assert.deepEqual(
    (await client.grant.pending()).map(({ url }) => url),
    [ours.endpoint],
  );
});

test("a server that answers with another's manage URI has its own token sent there, and nothing else", { timeout }, async () => {
  const servers = new Servers();
  servers.add(honest);
  const token = { value: "token-evil.example", manage: `${honest}/token`, access: [] };
  const theirs = servers.add(evil, { issued: { access_token: token } });
  const client = await clientOf(servers);
  await client.grant.start({ url: theirs.endpoint }, request);
  const grant = await client.grant.finish(servers.callback(theirs));
  const target = { url: grant.access_token.manage, accessToken: grant.access_token.value };
  await client.token.rotate(target);
  await client.token.revoke(target);
  const kept = await client.withGrant(grant, { name: "evil", store: sdk.memoryStorage() });
  await kept.revoke();
  const sent = servers.to(honest);
  assert.deepEqual(
    sent.map(({ method, headers, body }) => [method, headers.Authorization, body]),
    [
      ["POST", "GNAP token-evil.example", undefined],
      ["DELETE", "GNAP token-evil.example", undefined],
      ["DELETE", "GNAP token-evil.example", undefined],
    ],
  );
  assert.equal(new Set(sent.map(({ headers }) => headers.Signature)).size, 3, "each is signed for itself");
});

test("rule 3: a callback whose hash is written in another way is no other callback, in another tab neither", { timeout }, async () => {
  const servers = new Servers();
  const server = servers.add(honest);
  const store = sdk.memoryStorage();
  const [client, other] = [await clientOf(servers, { store }), await clientOf(servers, { store, module: copy })];
  await client.grant.start({ url: server.endpoint }, request);
  const callback = servers.callback(server);
  const hash = new URL(callback).searchParams.get("hash");
  const nextLetter = (text) => text.slice(0, 42) + String.fromCharCode(text.charCodeAt(42) + 1); // bits that base64 does not use
  const spellings = [
    hash,
    hash.replaceAll("=", ""),
    hash.replaceAll("+", "-").replaceAll("/", "_"),
    `${hash}\n`,
    nextLetter(hash),
    `${hash}==`,
  ];
  const outcomes = await Promise.allSettled(
    spellings.map((hash, i) => [client, other][i % 2].grant.finish(withParameters(callback, { hash }))),
  );
  const sent = servers.to(honest).filter(({ url }) => url.endsWith("/continue"));
  assert.equal(sent.length, 1, JSON.stringify(outcomes.map(({ reason, value }) => reason?.code ?? value)));
  assert.ok(outcomes.some(({ value }) => value?.access_token));
});

const polluting =
  '"__proto__":{"polluted":1,"access_token":{"value":"polluted"},"code":"polluted"},"constructor":{"prototype":{"polluted":1}}';

test("members named __proto__ and constructor change nothing but the object that they are in", { timeout }, async () => {
  const before = [Object.prototype, Array.prototype, Function.prototype].map((prototype) => Reflect.ownKeys(prototype));
  const bodies = [
    `{${polluting}}`,
    `{"access_token":{"value":"t","manage":"https://as.example/t","access":[],${polluting}},${polluting}}`,
    `{"interact":{"redirect":"https://as.example/i","finish":"n",${polluting}},
      "continue":{"uri":"https://as.example/c","access_token":{"value":"c",${polluting}},"wait":0,${polluting}},${polluting}}`,
    `{"error":{"code":"user_denied","description":"no","details":{${polluting}},${polluting}},${polluting}}`,
    `{"id":"https://wallet.example/a","assetCode":"USD","assetScale":2,"authServer":"https://as.example/",
      "resourceServer":"https://rs.example/",${polluting}}`,
    `{"pagination":{"hasNextPage":false,"hasPreviousPage":false,${polluting}},"result":[{${polluting}}],${polluting}}`,
  ];
  const target = { url: "https://as.example/c", accessToken: "token" };
  for (const body of bodies) {
    for (const status of [200, 400]) {
      for (const validateResponses of [true, false]) {
        const fetch = async () => new Response(body, { status });
        const store = sdk.memoryStorage();
        const options = { walletAddressUrl: "https://shop.example/till", key, fetch, store, validateResponses };
        const client = await sdk.createAuthenticatedClient(options);
        const outcomes = await Promise.allSettled([
          client.grant.start({ url: "https://as.example/" }, structuredClone(request)),
          client.grant.continue(target, { interact_ref: "r" }),
          client.token.rotate(target),
          client.walletAddress.get({ url: "https://wallet.example/a" }),
          client.outgoingPayment.list({ ...target, walletAddress: "https://wallet.example/a" }),
          client.outgoingPayment.get(target),
          client.grant.finish(`${finishUri}?hash=x&interact_ref=r&__proto__[polluted]=1&__proto__=1`),
          client.withGrant({ name: "__proto__", store }),
        ]);
        for (const { value, reason } of outcomes) {
          assert.equal(value?.polluted, undefined);
          assert.notEqual(value?.access_token?.value, "polluted");
          assert.equal(reason?.polluted, undefined);
          assert.notEqual(reason?.code, "polluted");
        }
      }
    }
  }
  assert.deepEqual(
    [Object.prototype, Array.prototype, Function.prototype].map((prototype) => Reflect.ownKeys(prototype)),
    before,
  );
  assert.equal({}.polluted, undefined);
});

test("stored records with such members are read as they are", { timeout }, async () => {
  const servers = new Servers();
  const server = servers.add(honest);
  const values = new Map();
  const store = {
    get: (name) => (values.has(name) ? JSON.parse(values.get(name)) : undefined),
    set: (name, value) => void values.set(name, JSON.stringify(value).replace(/^\{/, `{${polluting},`)),
    delete: (name) => void values.delete(name),
    keys: () => [...values.keys(), "open-payments-wasm.pending.__proto__"],
  };
  const client = await clientOf(servers, { store });
  await client.grant.start({ url: server.endpoint }, request);
  assert.equal((await client.grant.finish(servers.callback(server))).access_token.value, "token-honest.example");
  assert.equal({}.polluted, undefined);
});

test("a server that never has enough ends with the deadline: too_fast, pages and redirects without end", { timeout }, async () => {
  const client = (fetch) =>
    sdk.createAuthenticatedClient({ walletAddressUrl: "https://shop.example/till", key, fetch, requestTimeoutMs: 2_500 });
  const target = { url: "https://as.example/c", accessToken: "token" };
  const tooFast = await client(async () => Response.json({ error: { code: "too_fast" }, continue: { wait: 1e-300 } }, { status: 400 }));
  await assert.rejects(tooFast.grant.continue(target, { interact_ref: "r" }), ({ code }) => ["too_fast", "timeout"].includes(code));

  let pages = 0;
  const page = () => ({ pagination: { hasNextPage: true, hasPreviousPage: true, startCursor: "s", endCursor: "same" }, result: [] });
  const endless = await client(async () => (pages++, Response.json(page())));
  await assert.rejects(async () => {
    for await (const payment of endless.outgoingPayment.all({ ...target, walletAddress: "https://wallet.example/a" })) void payment;
  });
  assert.ok(pages < 5, `${pages} pages`);

  let followed = 0;
  const leading = await client(async (url) => {
    followed++;
    return new Response(null, { status: 302, headers: { location: `${url}a` } });
  });
  await assert.rejects(leading.walletAddress.get({ url: "https://wallet.example/a" }), { code: "redirected" });
  assert.ok(followed < 10, `${followed} redirects`);
});
