// The official Node client, its response validation on, against our sandbox: a real client
// against our server. It signs without nonce and tag, so the sandbox is told to be lenient.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import {
  createAuthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
  OpenPaymentsClientError,
} from "@interledger/open-payments";

const root = fileURLToPath(new URL("../..", import.meta.url));
const finishURI = "http://localhost:3000/back?page=1";
const clientNonce = "client-nonce";

let folder;
const servers = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "open-payments-"));
  execFileSync("go", ["build", "-o", join(folder, "serve"), "./web/serve"], { cwd: root });
});

after(async () => {
  for (const server of servers) {
    const ended = once(server, "exit");
    server.kill();
    await ended;
  }
  await rm(folder, { recursive: true });
});

/** Starts the sandbox and returns its addresses. */
async function serve(...flags) {
  const server = spawn(join(folder, "serve"), ["-json", "-addr", "127.0.0.1:0", "-sandbox-addr", "127.0.0.1:0", ...flags], {
    cwd: root,
    stdio: ["ignore", "pipe", "ignore"],
  });
  servers.push(server);
  const [line] = await once(createInterface(server.stdout), "line");
  return JSON.parse(line);
}

/** Publishes a new key at the sandbox and returns a client that signs with it. */
async function newClient(places, keyId = "key-1") {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { kty, crv, x } = publicKey.export({ format: "jwk" });
  const keys = [{ kid: "key-1", alg: "EdDSA", kty, crv, x }];
  const response = await fetch(`${places.clients}node/jwks.json`, {
    method: "PUT",
    headers: { "content-type": "application/json", authorization: `Bearer ${places.secret}` },
    body: JSON.stringify({ keys }),
  });
  const { id, secret } = await response.json();
  places.secret ??= secret; // the first response has it, and the next key set needs it
  return createAuthenticatedClient({ walletAddressUrl: id, privateKey, keyId, useHttp: true, validateResponses: true });
}

const outgoing = (places) => ({
  access_token: {
    access: [
      {
        type: "outgoing-payment",
        actions: ["create", "read"],
        identifier: places.walletAddress,
        limits: { debitAmount: { value: "500", assetCode: "USD", assetScale: 2 } },
      },
    ],
  },
  interact: { start: ["redirect"], finish: { method: "redirect", uri: finishURI, nonce: clientNonce } },
});

/** Presses a button of the interaction page and returns where it leads. */
async function decide(pending, button) {
  const response = await fetch(pending.interact.redirect, {
    method: "POST",
    body: new URLSearchParams({ [button]: "1" }),
    redirect: "manual",
  });
  assert.equal(response.status, 303);
  return new URL(response.headers.get("location"));
}

const continuation = (grant) => ({ url: grant.continue.uri, accessToken: grant.continue.access_token.value });
const management = (grant) => ({ url: grant.access_token.manage, accessToken: grant.access_token.value });

/** Opens a grant, approves it and continues it. */
async function issue(client, places) {
  const pending = await client.grant.request({ url: places.authServer }, outgoing(places));
  const reference = (await decide(pending, "approve")).searchParams.get("interact_ref");
  const grant = await client.grant.continue(continuation(pending), { interact_ref: reference });
  return { pending, reference, grant };
}

const fails = (promise, status, code, description) =>
  assert.rejects(promise, (error) => {
    assert.ok(error instanceof OpenPaymentsClientError);
    assert.equal(error.status, status);
    assert.equal(error.code, code);
    if (description instanceof RegExp) assert.match(error.description, description);
    else assert.equal(error.description, description);
    assert.equal(error.validationErrors, undefined);
    return true;
  });

test("wallet address and keys are as the client expects them", async () => {
  const places = await serve("-lenient");
  const client = await newClient(places);
  const wallet = await client.walletAddress.get({ url: places.walletAddress });
  assert.equal(wallet.id, places.walletAddress);
  assert.equal(wallet.authServer, places.authServer);
  const hosted = await client.walletAddress.get({ url: `${places.clients}node` });
  assert.equal(hosted.id, `${places.clients}node`);
  const { keys } = await client.walletAddress.getKeys({ url: hosted.id });
  assert.deepEqual(
    keys.map((key) => key.kid),
    ["key-1"],
  );
});

for (const flags of [[], ["-rotate-continuation"]]) {
  test(`request, approve, continue, rotate, revoke, cancel ${flags}`, async () => {
    const places = await serve("-lenient", "-wait", "0s", ...flags);
    const client = await newClient(places);
    const pending = await client.grant.request({ url: places.authServer }, outgoing(places));
    assert.ok(isPendingGrant(pending));

    const back = await decide(pending, "approve");
    const reference = back.searchParams.get("interact_ref");
    assert.equal(back.searchParams.get("page"), "1");
    const hash = createHash("sha256")
      .update([clientNonce, pending.interact.finish, reference, places.authServer].join("\n"))
      .digest("base64");
    assert.equal(back.searchParams.get("hash"), hash);

    const grant = await client.grant.continue(continuation(pending), { interact_ref: reference });
    assert.ok(isFinalizedGrantWithAccessToken(grant));
    assert.deepEqual(grant.access_token.access, outgoing(places).access_token.access);
    assert.equal(grant.continue.uri === pending.continue.uri, flags.length === 0);

    const rotated = await client.token.rotate(management(grant));
    assert.notEqual(rotated.access_token.value, grant.access_token.value);
    assert.notEqual(rotated.access_token.manage, grant.access_token.manage);
    await client.token.revoke(management(rotated));
    await client.grant.cancel(continuation(grant));
  });
}

test("access for which nobody is asked", async () => {
  const places = await serve("-lenient");
  const client = await newClient(places);
  const access = [{ type: "incoming-payment", actions: ["create", "read"], identifier: places.walletAddress }];
  const grant = await client.grant.request({ url: places.authServer }, { access_token: { access } });
  assert.ok(isFinalizedGrantWithAccessToken(grant));
});

test("who the person is", async () => {
  const places = await serve("-lenient", "-wait", "0s");
  const client = await newClient(places);
  const { interact } = outgoing(places);
  const subject = { sub_ids: [{ id: places.walletAddress, format: "uri" }] };
  const pending = await client.grant.request({ url: places.authServer }, { subject, interact });
  const reference = (await decide(pending, "approve")).searchParams.get("interact_ref");
  const grant = await client.grant.continue(continuation(pending), { interact_ref: reference });
  assert.deepEqual(grant.subject, subject);
});

test("every error arrives with its status, code and description", async () => {
  const places = await serve("-lenient", "-wait", "0s");
  const client = await newClient(places);
  const { pending, reference, grant } = await issue(client, places);
  const used = { interact_ref: reference };

  await fails(client.grant.continue(continuation(pending), used), 401, "request_denied", "grant interaction not approved");
  await fails(client.grant.continue(continuation(pending), { interact_ref: randomUUID() }), 404, "invalid_continuation", "grant not found");
  await fails(client.grant.continue(continuation(pending), { interact_ref: "" }), 401, "invalid_request", "missing interaction reference");
  await fails(client.grant.continue(continuation(pending)), 401, "request_denied", "grant cannot be polled");
  await fails(
    client.grant.continue({ ...continuation(pending), accessToken: "wrong" }, used),
    401,
    "invalid_continuation",
    "invalid grant",
  );
  await fails(
    client.grant.continue(continuation(pending), { interact_ref: 1 }),
    400,
    undefined,
    "body must be an object in which interact_ref is a string",
  );
  await fails(
    client.grant.continue({ ...continuation(pending), url: new URL("malformed", pending.continue.uri).href }, used),
    500,
    undefined,
    "Internal Server Error\n",
  );

  await client.token.rotate(management(grant));
  await fails(client.token.rotate(management(grant)), 401, "invalid_client", "invalid access token");
  await fails(client.token.revoke(management(grant)), 401, "invalid_client", "invalid access token");
  await client.grant.cancel(continuation(grant));
  await fails(client.grant.cancel(continuation(grant)), 401, "invalid_continuation", "invalid grant");

  const declined = await client.grant.request({ url: places.authServer }, outgoing(places));
  const back = await decide(declined, "decline");
  assert.equal(back.href, `${finishURI}&result=grant_rejected`);
  await fails(client.grant.continue(continuation(declined)), 401, "request_denied", "grant cannot be polled");

  const { access_token } = outgoing(places);
  await fails(
    client.grant.request({ url: places.authServer }, { access_token }),
    400,
    "invalid_request",
    "missing required request field 'interact'",
  );

  const unknown = await newClient(places, "key-2");
  await fails(unknown.grant.request({ url: places.authServer }, outgoing(places)), 400, "invalid_client", "could not determine client");
  // newClient published another key in place of the one that this client signs with
  await fails(client.grant.request({ url: places.authServer }, outgoing(places)), 401, "invalid_client", /^invalid signature: /);
});

test("a continuation before wait is over", async () => {
  const places = await serve("-lenient", "-wait", "1m");
  const client = await newClient(places);
  const pending = await client.grant.request({ url: places.authServer }, outgoing(places));
  assert.equal(pending.continue.wait, 60);
  const reference = (await decide(pending, "approve")).searchParams.get("interact_ref");
  await fails(
    client.grant.continue(continuation(pending), { interact_ref: reference }),
    400,
    "too_fast",
    'continued grant faster than "wait" period',
  );
});

test("without -lenient the sandbox refuses signatures that lack nonce and tag", async () => {
  const places = await serve();
  const client = await newClient(places);
  await fails(
    client.grant.request({ url: places.authServer }, outgoing(places)),
    401,
    "invalid_client",
    'invalid signature: signature parameters missing: nonce, tag="gnap"',
  );
});
