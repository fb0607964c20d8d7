// One script, run by the official Node client and by ours, in Node and in the browsers, against
// one sandbox: the same responses, field by field, and the same errors. Where ours says something
// else on purpose, the difference is named here, with its reason.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { browsers } from "./harness/browsers.mjs";
import { clientInNode, clientInPage, officialClient } from "./harness/clients.mjs";
import { startProxy } from "./harness/proxy.mjs";
import { continuation, management, outgoing } from "./harness/grants.mjs";
import { Lab } from "./harness/lab.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const finish = { method: "redirect", uri: "http://localhost:3000/back?page=1", nonce: "client-nonce" };

// Responses that are not success: the rows of the reference server's table.
const failures = {
  "before wait is over": [400, "too_fast"],
  "poll of a grant with finish": [401, "request_denied"],
  "wrong reference": [404, "invalid_continuation"],
  "another grant's reference": [404, "invalid_continuation"],
  "wrong token": [401, "invalid_continuation"],
  "wrong URI": [401, "invalid_continuation"],
  Bearer: [401, "invalid_continuation"],
  "cancelled grant": [401, "invalid_continuation"],
  "tampered signature": [401, "invalid_client"],
  "wrong key": [401, "invalid_client"],
  "uncovered component": [401, "invalid_client"],
  "digest mismatch": [401, "invalid_client"],
  "unknown key id": [400, "invalid_client"],
  "unknown wallet": [400, "invalid_client"],
  "continued twice": [401, "request_denied"],
  "rejected by the person, polled": [401, "request_denied"],
  "old manage URL, rotate": [401, "invalid_client"],
  "old manage URL, revoke": [401, "invalid_client"],
  "revoked token": [401, "invalid_client"],
  "wrong content type": [415, undefined],
  "malformed JSON": [400, undefined],
  "malformed id": [500, undefined],
  "a request of the wrong shape": [400, undefined],
  "a request without interact": [400, "invalid_request"],
};

/** What is known before anything is sent: no status, no code. */
const refused = ["neither access_token nor subject", "debitAmount and receiveAmount"];

describe("the same script", { timeout: 5 * timeout }, () => {
  let sandbox, slowSandbox, proxy, slowProxy, site, expected;

  before(async () => {
    [sandbox, slowSandbox, site] = await Promise.all([
      startSandbox("-lenient", "-wait", "0s"),
      startSandbox("-lenient", "-wait", "1m"),
      startSite(),
    ]);
    [proxy, slowProxy] = await Promise.all([startProxy(sandbox), startProxy(slowSandbox)]);
    expected = await run(officialClient, "official");
  });

  after(() => Promise.all([proxy?.close(), slowProxy?.close(), site?.close(), sandbox?.stop(), slowSandbox?.stop()]));

  /** Runs the script with a client and returns the outcome of every step, without what differs from run to run. */
  async function run(connect, name) {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const pem = privateKey.export({ format: "pem", type: "pkcs8" });
    const jwk = { kid: "key-1", alg: "EdDSA", ...publicKey.export({ format: "jwk" }) };
    const client = name.replaceAll(" ", "-");
    const options = {
      walletAddressUrl: await publishKey(proxy, client, jwk),
      privateKey: pem,
      keyId: "key-1",
      requestTimeoutMs: 30_000,
      validateResponses: true,
    };
    const slowOptions = { ...options, walletAddressUrl: await publishKey(slowProxy, client, jwk), requestTimeoutMs: 4000 };
    // The official client's schema wants interact.finish in every response; RFC 9635 only where the request has one.
    const unchecked = await connect({ ...options, validateResponses: false });
    const script = { connect, options, slowOptions, unchecked, call: await connect(options) };
    const outcomes = { ...(await succeed(script)), ...(await fail(script)) };
    return normalised(outcomes, client);
  }

  const start = () => ({ url: proxy.authServer });
  const reference = (callback) => ({ interact_ref: callback.searchParams.get("interact_ref") });

  /** Opens a grant. */
  const open = async (call, request = outgoing(proxy, finish)) => (await call("grant.request", start(), request)).value;

  async function issue(call) {
    const pending = await open(call);
    const args = reference(await decide(pending, "approve"));
    return { pending, args, grant: (await call("grant.continue", continuation(pending), args)).value };
  }

  /** Requests, approves, continues, rotates, revokes and cancels. */
  async function succeed({ call, unchecked }) {
    const outcomes = {};
    const step = async (name, ...made) => {
      outcomes[name] = await (name === "request without finish" ? unchecked : call)(...made);
      assert.equal(outcomes[name].error, undefined, `${name}: ${outcomes[name].error?.message}`);
      return outcomes[name].value;
    };
    const pending = await step("request", "grant.request", start(), outgoing(proxy, finish));
    const args = reference(await decide(pending, "approve"));
    const grant = await step("continue", "grant.continue", continuation(pending), args);
    const rotated = await step("rotate", "token.rotate", management(grant));
    await step("revoke", "token.revoke", management(rotated));
    await step("cancel, issued", "grant.cancel", continuation(grant));

    const polled = await step("request without finish", "grant.request", start(), outgoing(proxy));
    await step("poll, still pending", "grant.continue", continuation(polled));
    await decide(polled, "approve");
    await step("poll, approved", "grant.continue", continuation(polled));

    const quote = { access_token: { access: [{ type: "quote", actions: ["create", "read"] }] } };
    await step("what needs nobody", "grant.request", start(), quote);
    const subject = { subject: { sub_ids: [{ id: proxy.walletAddress, format: "uri" }] }, interact: { start: ["redirect"], finish } };
    const asked = await step("request for a subject", "grant.request", start(), subject);
    await step("subject", "grant.continue", continuation(asked), reference(await decide(asked, "approve")));

    for (const button of [undefined, "approve", "decline"]) {
      const given = await open(call);
      if (button) await decide(given, button);
      await step(`cancel, ${button ?? "pending"}`, "grant.cancel", continuation(given));
    }
    return outcomes;
  }

  /** Makes every call that fails. */
  async function fail({ call, unchecked, connect, options, slowOptions }) {
    const outcomes = {};
    const step = async (name, ...made) => {
      outcomes[name] = await call(...made);
    };
    const altered = async (name, requestHandler, ...made) => {
      proxy.requestHandler = requestHandler;
      await step(name, ...made);
      proxy.requestHandler = undefined;
    };

    const slow = await connect(slowOptions);
    const early = (await slow("grant.request", { url: slowProxy.authServer }, outgoing(slowProxy, finish))).value;
    outcomes["before wait is over"] = await slow("grant.continue", continuation(early), reference(await decide(early, "approve")));

    const { pending, args, grant } = await issue(call);
    const target = continuation(pending);
    const other = await open(call);
    const otherArgs = reference(await decide(other, "approve"));
    await step("poll of a grant with finish", "grant.continue", target);
    await step("wrong reference", "grant.continue", target, { interact_ref: randomUUID() });
    await step("empty reference", "grant.continue", target, { interact_ref: "" });
    await step("another grant's reference", "grant.continue", target, otherArgs);
    await step("wrong token", "grant.continue", { ...target, accessToken: "wrong" }, args);
    await step("wrong URI", "grant.continue", { ...target, url: new URL(randomUUID(), target.url).href }, args);
    await step("malformed id", "grant.continue", { ...target, url: new URL("malformed", target.url).href }, args);
    await step("continued twice", "grant.continue", target, args);

    const otherTarget = continuation(other);
    const change =
      (name, from, to) =>
      ({ headers }) => {
        headers[name] = headers[name].replace(from, to);
      };
    await altered("Bearer", change("authorization", "GNAP", "Bearer"), "grant.continue", otherTarget, otherArgs);
    await altered(
      "tampered signature",
      change("signature", /:(.)/, (_, first) => `:${first === "A" ? "B" : "A"}`),
      "grant.continue",
      otherTarget,
      otherArgs,
    );
    await altered("uncovered component", change("signature-input", '"authorization" ', ""), "grant.continue", otherTarget, otherArgs);
    await altered("wrong content type", change("content-type", /.+/, "text/plain"), "grant.continue", otherTarget, otherArgs);
    const replace = (body) => (passed) => {
      passed.body = Buffer.from(body);
    };
    await altered("digest mismatch", replace(JSON.stringify({ interact_ref: randomUUID() })), "grant.continue", otherTarget, otherArgs);
    await altered("malformed JSON", replace("{"), "grant.continue", otherTarget, otherArgs);

    const stranger = generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" });
    const request = outgoing(proxy, finish);
    const as = async (changes) => (await connect({ ...options, ...changes }))("grant.request", start(), request);
    outcomes["wrong key"] = await as({ privateKey: stranger });
    outcomes["unknown key id"] = await as({ keyId: "key-2" });
    outcomes["unknown wallet"] = await as({ walletAddressUrl: `${proxy.clients}nobody` });

    const rotated = (await call("token.rotate", management(grant))).value;
    await step("old manage URL, rotate", "token.rotate", management(grant));
    await step("old manage URL, revoke", "token.revoke", management(grant));
    await call("token.revoke", management(rotated));
    await step("revoked token", "token.rotate", management(rotated));

    const declined = await open(unchecked, outgoing(proxy));
    await decide(declined, "decline");
    await step("rejected by the person, polled", "grant.continue", continuation(declined));

    await call("grant.cancel", target);
    await step("cancelled grant", "grant.continue", target, args);
    await step("cancel of a grant that is gone", "grant.cancel", target);
    await step("cancel of a grant that is gone, ignoreGone", "grant.cancel", target, { ignoreGone: true });

    const { access_token, interact } = request;
    await step("a request of the wrong shape", "grant.request", start(), { ...request, interact: { start: ["app"] } });
    await step("a request without interact", "grant.request", start(), { access_token });
    await step("neither access_token nor subject", "grant.request", start(), { interact });
    const { limits, ...access } = access_token.access[0];
    const both = { ...access, limits: { ...limits, receiveAmount: limits.debitAmount } };
    await step("debitAmount and receiveAmount", "grant.request", start(), { access_token: { access: [both] }, interact });
    return outcomes;
  }

  test("the official client meets what INTEROP.md says", () => {
    for (const [name, [status, code]] of Object.entries(failures)) {
      assert.deepEqual([expected[name].error?.status, expected[name].error?.code], [status, code], name);
    }
  });

  /** Asserts that ours says what the official client says. */
  function assertSame(outcomes) {
    assert.deepEqual(Object.keys(outcomes), Object.keys(expected));
    const special = {
      // Our client knows without asking that the server would refuse it, and sends nothing.
      "empty reference": ({ error }, theirs) => {
        assert.deepEqual([theirs.error.status, theirs.error.code], [401, "invalid_request"]);
        assert.deepEqual([error.name, error.message], ["TypeError", '"interact_ref" must be a string that is not empty']);
      },
      // Whoever wants the grant gone, and knows its token to be right, may be content.
      "cancel of a grant that is gone, ignoreGone": (ours, theirs) => {
        assert.deepEqual(ours, {});
        assert.deepEqual([theirs.error.status, theirs.error.code], [401, "invalid_continuation"]);
      },
    };
    for (const [name, theirs] of Object.entries(expected)) {
      const ours = outcomes[name];
      if (special[name]) special[name](ours, theirs);
      else if (theirs.error) assertSameError(name, ours.error, theirs.error);
      else assert.deepEqual(ours, theirs, name);
    }
  }

  function assertSameError(name, ours, theirs) {
    assert.ok(ours, `${name} did not fail`);
    for (const field of ["name", "status", "details", "validationErrors"])
      assert.deepEqual(ours[field], theirs[field], `${name}: ${field}`);
    // Ours is trimmed: a line break at its end helps nobody.
    assert.equal(ours.description, theirs.description.trim(), name);
    // Ours tells whether it is worth another try; the official client does not say.
    assert.deepEqual([typeof ours.retryable, theirs.retryable], ["boolean", undefined], name);
    if (refused.includes(name)) {
      assert.deepEqual([ours.message, ours.code, theirs.code], [theirs.message, "invalid_request", undefined], name);
      return;
    }
    // Ours always has a code, so that a switch has something to go by.
    assert.equal(ours.code, theirs.code ?? "http_error", name);
    // Ours names the call and its failure, because the message is what ends up in logs.
    assert.match(theirs.message, /^Error making Open Payments (POST|DELETE) request$/, name);
    assert.ok(ours.message.endsWith(` failed (${ours.status} ${ours.code}): ${ours.description}`), ours.message);
  }

  test("our client in Node", { timeout }, async () => assertSame(await run(await clientInNode(), "ours")));

  for (const { name, launch } of browsers) {
    test(`our client in ${name}`, { timeout: 2 * timeout }, async (t) => {
      const browser = await launch();
      t.after(() => browser.close());
      const lab = await Lab.open(browser, site);
      assertSame(await run(clientInPage(lab), name));
    });
  }
});

/** Replaces what is new in every run, by its order: what was equal stays equal, what differed differs. */
function normalised(outcomes, client) {
  const numbers = new Map();
  const text = JSON.stringify(outcomes).replace(/[0-9a-f]{8}-[0-9a-f-]{27}|[A-Z2-7]{26}/g, (value) => {
    if (!numbers.has(value)) numbers.set(value, `<${numbers.size}>`);
    return numbers.get(value);
  });
  return JSON.parse(text.replaceAll(`/clients/${client}`, "/clients/client"));
}
