// The official Node client, its response validation on, against our sandbox: a real client
// against our server. It signs without nonce and tag, so the sandbox is told to be lenient.

import assert from "node:assert/strict";
import { createHash, generateKeyPairSync, randomUUID } from "node:crypto";
import { after, test } from "node:test";
import {
  createAuthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
  OpenPaymentsClientError,
} from "@interledger/open-payments";
import { continuation, management, outgoing as outgoingWith } from "./harness/grants.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";

const finishURI = "http://localhost:3000/back?page=1";
const clientNonce = "client-nonce";

const sandboxes = [];

after(() => Promise.all(sandboxes.map((sandbox) => sandbox.stop())));

async function serve(...flags) {
  const sandbox = await startSandbox(...flags);
  sandboxes.push(sandbox);
  return sandbox;
}

/** Publishes a new key at the sandbox and returns a client that signs with it. */
async function newClient(sandbox, keyId = "key-1") {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const { kty, crv, x } = publicKey.export({ format: "jwk" });
  const walletAddressUrl = await publishKey(sandbox, "node", { kid: "key-1", alg: "EdDSA", kty, crv, x });
  return createAuthenticatedClient({ walletAddressUrl, privateKey, keyId, useHttp: true, validateResponses: true });
}

const outgoing = (sandbox) => outgoingWith(sandbox, { method: "redirect", uri: finishURI, nonce: clientNonce });

/** Opens a grant, approves it and continues it. */
async function issue(client, sandbox) {
  const pending = await client.grant.request({ url: sandbox.authServer }, outgoing(sandbox));
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
  const sandbox = await serve("-lenient");
  const client = await newClient(sandbox);
  const wallet = await client.walletAddress.get({ url: sandbox.walletAddress });
  assert.equal(wallet.id, sandbox.walletAddress);
  assert.equal(wallet.authServer, sandbox.authServer);
  const hosted = await client.walletAddress.get({ url: `${sandbox.clients}node` });
  assert.equal(hosted.id, `${sandbox.clients}node`);
  const { keys } = await client.walletAddress.getKeys({ url: hosted.id });
  assert.deepEqual(
    keys.map((key) => key.kid),
    ["key-1"],
  );
});

for (const flags of [[], ["-rotate-continuation"]]) {
  test(`request, approve, continue, rotate, revoke, cancel ${flags}`, async () => {
    const sandbox = await serve("-lenient", "-wait", "0s", ...flags);
    const client = await newClient(sandbox);
    const pending = await client.grant.request({ url: sandbox.authServer }, outgoing(sandbox));
    assert.ok(isPendingGrant(pending));

    const back = await decide(pending, "approve");
    const reference = back.searchParams.get("interact_ref");
    assert.equal(back.searchParams.get("page"), "1");
    const hash = createHash("sha256")
      .update([clientNonce, pending.interact.finish, reference, sandbox.authServer].join("\n"))
      .digest("base64");
    assert.equal(back.searchParams.get("hash"), hash);

    const grant = await client.grant.continue(continuation(pending), { interact_ref: reference });
    assert.ok(isFinalizedGrantWithAccessToken(grant));
    assert.deepEqual(grant.access_token.access, outgoing(sandbox).access_token.access);
    assert.equal(grant.continue.uri === pending.continue.uri, flags.length === 0);

    const rotated = await client.token.rotate(management(grant));
    assert.notEqual(rotated.access_token.value, grant.access_token.value);
    assert.notEqual(rotated.access_token.manage, grant.access_token.manage);
    await client.token.revoke(management(rotated));
    await client.grant.cancel(continuation(grant));
  });
}

test("access for which nobody is asked", async () => {
  const sandbox = await serve("-lenient");
  const client = await newClient(sandbox);
  const access = [{ type: "incoming-payment", actions: ["create", "read"], identifier: sandbox.walletAddress }];
  const grant = await client.grant.request({ url: sandbox.authServer }, { access_token: { access } });
  assert.ok(isFinalizedGrantWithAccessToken(grant));
});

test("who the person is", async () => {
  const sandbox = await serve("-lenient", "-wait", "0s");
  const client = await newClient(sandbox);
  const { interact } = outgoing(sandbox);
  const subject = { sub_ids: [{ id: sandbox.walletAddress, format: "uri" }] };
  const pending = await client.grant.request({ url: sandbox.authServer }, { subject, interact });
  const reference = (await decide(pending, "approve")).searchParams.get("interact_ref");
  const grant = await client.grant.continue(continuation(pending), { interact_ref: reference });
  assert.deepEqual(grant.subject, subject);
});

test("every error arrives with its status, code and description", async () => {
  const sandbox = await serve("-lenient", "-wait", "0s");
  const client = await newClient(sandbox);
  const { pending, reference, grant } = await issue(client, sandbox);
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

  const declined = await client.grant.request({ url: sandbox.authServer }, outgoing(sandbox));
  const back = await decide(declined, "decline");
  assert.equal(back.href, `${finishURI}&result=grant_rejected`);
  await fails(client.grant.continue(continuation(declined)), 401, "request_denied", "grant cannot be polled");

  const { access_token } = outgoing(sandbox);
  await fails(
    client.grant.request({ url: sandbox.authServer }, { access_token }),
    400,
    "invalid_request",
    "missing required request field 'interact'",
  );

  const unknown = await newClient(sandbox, "key-2");
  await fails(unknown.grant.request({ url: sandbox.authServer }, outgoing(sandbox)), 400, "invalid_client", "could not determine client");
  // newClient published another key in place of the one that this client signs with
  await fails(client.grant.request({ url: sandbox.authServer }, outgoing(sandbox)), 401, "invalid_client", /^invalid signature: /);
});

test("a continuation before wait is over", async () => {
  const sandbox = await serve("-lenient", "-wait", "1m");
  const client = await newClient(sandbox);
  const pending = await client.grant.request({ url: sandbox.authServer }, outgoing(sandbox));
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
  const sandbox = await serve();
  const client = await newClient(sandbox);
  await fails(
    client.grant.request({ url: sandbox.authServer }, outgoing(sandbox)),
    401,
    "invalid_client",
    'invalid signature: signature parameters missing: nonce, tag="gnap"',
  );
});
