// Servers that misbehave, callers that change their mind: what each call says, and that the same
// instance of the module goes on working.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { gnapCodes } from "./harness/codes.mjs";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { assertSilent, Lab } from "./harness/lab.mjs";
import { grantFor, startServer, until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";
import { isAccepted } from "./harness/verify.mjs";

const timeout = 60_000;

describeInBrowsers({ timeout: 10 * timeout }, ({ launch, start }) => {
  let browser, site, server, lab;
  const secrets = [];

  before(async () => {
    [browser, site, server] = await start(launch(), startSite(), startServer());
    lab = await Lab.open(browser, site);
    await lab.run(() => lab.init());
  });

  /** A continuation whose token and reference must never be said. */
  function continuation(path) {
    const options = server.continuation(path);
    secrets.push(options.accessToken, options.interactRef);
    return options;
  }

  /** Continues a grant at a server that misbehaves and asserts what the error says. */
  async function assertFails(path, expected, options = {}) {
    const { error, value } = await lab.continueGrant({ ...continuation(path), ...options });
    assert.ok(error, `${path} succeeded with ${JSON.stringify(value)}`);
    assert.equal(error.kind, "OpenPaymentsClientError");
    assert.equal(error.name, "OpenPaymentsClientError");
    const status = error.status ? `${error.status} ` : "";
    const { description, advice = "", ...rest } = expected;
    assert.equal(error.message, `${advice}Grant continuation failed (${status}${error.code}): ${error.description}`);
    assert.deepEqual(Object.fromEntries(Object.keys(rest).map((name) => [name, error[name]])), rest, path);
    if (description) assert.match(error.description, description);
    return error;
  }

  /** Continues a grant at a server that behaves. */
  async function assertWorks() {
    const options = continuation("continue");
    const { value, error } = await lab.continueGrant(options);
    assert.equal(error, undefined);
    const [request] = server.exchanges(options.url);
    assert.deepEqual(value, grantFor(request));
  }

  for (const status of [301, 302, 303, 307, 308]) {
    test(`a redirect with ${status} is refused and not followed`, { timeout }, async () => {
      // Browsers hide which redirect it was.
      await assertFails(`redirect/${status}`, { code: "redirected", status: 302, retryable: false, description: /was not followed/ });
      assert.deepEqual(server.to("/target/1"), []);
      assert.ok(!server.preflights.some(({ target }) => target === "/target/1"));
    });
  }

  const responses = {
    "html/200": { code: "not_json", status: 200, retryable: false, description: /success, but not with JSON/ },
    "html/502": { code: "http_error", status: 502, retryable: true, description: /^Bad Gateway$/ },
    "html/404": { code: "http_error", status: 404, retryable: false },
    "text/503": { code: "http_error", status: 503, retryable: true, description: /^something went wrong$/ },
    "nothing/200": { code: "not_json", status: 200, retryable: false },
    "nothing/204": { code: "not_json", status: 204, retryable: false },
    "nothing/500": { code: "http_error", status: 500, retryable: true },
    codeless: { code: "http_error", status: 400, retryable: false, description: /^the schema says no$/ },
    detailed: { code: "invalid_request", status: 400, details: { member: "interact_ref" } },
  };
  for (const [path, expected] of Object.entries(responses)) {
    test(`the response ${path}`, { timeout }, () => assertFails(path, expected).then(() => {}));
  }

  const truncated = ['{"access_token":', '{"access_token":{"value":"a"}', "{", '{"continue":{}}}', "undefined", "'a'"];
  test("truncated JSON", { timeout }, async () => {
    for (const body of truncated)
      await assertFails(`body/${encodeURIComponent(body)}`, { code: "not_json", status: 200, retryable: false });
  });

  const wrongShapes = {
    "{}": "one of access_token, subject and continue is missing",
    null: "one of access_token, subject and continue is missing",
    "[]": "the response: expected object, found array",
    '"a"': "the response: expected object, found string",
    7: "the response: expected object, found number",
    '{"access_token":{}}': "access_token.value is missing",
    '{"access_token":{"value":5}}': "access_token.value: expected string, found number",
    '{"access_token":"a"}': "access_token: expected object, found string",
    '{"continue":{"access_token":{"value":"a"}}}': "continue.uri is missing",
    '{"continue":{"uri":"https://a.example"}}': "continue.access_token.value is missing",
    '{"continue":{"access_token":{"value":"a"},"uri":"javascript:alert(1)"}}':
      "continue.uri must be an absolute https: URL, or http: on loopback",
    '{"continue":{"access_token":{"value":"a"},"uri":"http://a.example"}}': "continue.uri must be an https: URL, or http: on loopback",
    '{"access_token":{"value":"a","manage":"https://u:p@a.example"}}': "access_token.manage must not carry a user name or password",
    '{"access_token":{"value":"a","access":{}}}': "access_token.access: expected array, found object",
  };
  test("JSON of the wrong shape", { timeout }, async () => {
    for (const [body, problem] of Object.entries(wrongShapes)) {
      const expected = { code: "invalid_response", status: 200, retryable: false, validationErrors: [problem] };
      await assertFails(`body/${encodeURIComponent(body)}`, expected);
    }
  });

  test("a response that is too large is not read to its end", { timeout }, async () => {
    const expected = { code: "response_too_large", status: 200, retryable: false, description: /larger than 1 MiB/ };
    await assertFails(`large/${8 << 20}`, expected);
    await assertFails(`large/${256 << 20}`, expected);
    const { taken } = server.requests.at(-1);
    assert.ok(taken < 64 << 20, `${taken} bytes were taken`); // what the buffers of two processes hold, and no more
    await until(() => server.requests.at(-1).hungUp, "the end of the connection");
  });

  test("a response just small enough is read", { timeout }, async () => {
    const body = JSON.stringify({ access_token: { value: "a" } });
    const { value } = await lab.outcome(
      async (url, accessToken, body) => {
        const fetch = async () => new Response(body + " ".repeat(2 ** 20 - body.length));
        return lab.continueGrant({ url, accessToken, key: lab.key, fetch });
      },
      "https://server.example/",
      "token",
      body,
    );
    assert.deepEqual(value, JSON.parse(body));
  });

  test("the connection is reset before the response, or in the middle of it", { timeout }, async () => {
    const expected = { code: "network_error", status: undefined, retryable: true, description: /connection was lost/ };
    const { cause } = await assertFails("reset", expected);
    assert.equal(cause.name, "TypeError");
    const { cause: broken } = await assertFails("cut", {
      code: "response_unreadable",
      status: 200,
      retryable: false,
      description: /server has answered/,
    });
    assert.equal(broken.name, "TypeError");
  });

  test("a server that nobody runs", { timeout }, async () => {
    const options = { ...continuation("continue"), url: "http://127.0.0.1:9/continue/1" };
    const { error } = await lab.continueGrant(options);
    assert.deepEqual([error.code, error.status, error.retryable], ["network_error", undefined, true]);
  });

  test("no CORS headers, on the response or on the preflight", { timeout }, async () => {
    await assertFails("noCORS", { code: "network_error", status: undefined, description: /CORS/ });
    await assertFails("noPreflight", { code: "network_error", description: /CORS/ });
    assert.deepEqual(
      server.requests.filter(({ target }) => target.startsWith("/noPreflight")),
      [],
    );
  });

  test("a server that never answers, or never ends its response", { timeout }, async () => {
    for (const path of ["never", "stalled"]) {
      const expected = { code: "timeout", status: undefined, retryable: true, description: /did not answer in time/ };
      await assertFails(path, expected, { timeoutMs: 500, interactRef: undefined }); // one with a reference is waited for
      await until(() => server.requests.at(-1).hungUp, "the end of the connection");
    }
  });

  for (const path of ["tooFast/0.3", "retryAfter/0.3"]) {
    test(`too_fast waits and then succeeds: ${path}`, { timeout }, async () => {
      const options = continuation(path);
      const { value, error } = await lab.continueGrant(options);
      assert.equal(error, undefined);
      const requests = server.exchanges(options.url);
      assert.equal(requests.length, 2);
      assert.deepEqual(value, grantFor(requests[1]));
      const [first, second] = requests.map(({ headers }) => /nonce="([^"]+)"/.exec(headers["signature-input"])[1]);
      assert.notEqual(first, second);
      for (const request of requests) assert.ok(await isAccepted(request, lab.publicJwk));
    });
  }

  test("too_fast is passed on where there is no time to wait", { timeout }, async () => {
    const advice = "The next request may be made in 3600 s, and this call ends before that. ";
    await assertFails("tooFast/3600", { code: "too_fast", status: 400, retryable: true, advice });
    assert.equal(server.requests.filter(({ target }) => target.startsWith("/tooFast/3600")).length, 1);
  });

  test("abort while too_fast is waited for", { timeout }, async () => {
    const options = { ...continuation("tooFast/20"), timeoutMs: 60_000 };
    const aborted = lab.outcome(abortable, options, "waiting");
    await server.arrived(options.url);
    await lab.run(() => lab.abort());
    assert.deepEqual(await aborted, { value: "the very reason" });
  });

  test("every GNAP error code, in both of its forms", { timeout }, async () => {
    for (const [code, status] of Object.entries(gnapCodes)) {
      const expected = { code, status, retryable: status === 429 };
      await assertFails(`error/${status}/${code}`, { ...expected, description: new RegExp(`^about ${code}$`) });
      await assertFails(`bare/${status}/${code}`, expected);
    }
    await assertFails("error/503/invalid_request", { code: "invalid_request", status: 503, retryable: true });
  });

  test("a server that repeats the token does not get it into the error", { timeout }, async () => {
    for (const path of ["echo", "echoText"]) {
      const error = await assertFails(path, {});
      assert.match(error.description, /^no grant for GNAP \[redacted\]$/);
    }
  });

  test("nor does one that repeats the whole request: token, nonce, signature and reference", { timeout }, async () => {
    const saidBefore = lab.log.length;
    await assertFails("echoAll", { status: 400 });
    const said = lab.log.splice(saidBefore);
    assert.ok(
      said.some((text) => text.includes("created=")),
      "it does repeat the request",
    );
    assertSilent(said, secrets, server.requests.slice(-1));
  });

  /** Makes a call that lab.abort() ends; says whether it was rejected with the very reason. */
  const abortable = async (options, when) => {
    const controller = new AbortController();
    const reason = { when };
    lab.abort = () => controller.abort(reason);
    if (when === "before") lab.abort();
    const call = lab.continueGrant({ key: lab.key, ...options, signal: controller.signal });
    if (when === "at once") lab.abort();
    return call.then(
      () => "no rejection",
      (error) => (error === reason ? "the very reason" : String(error)),
    );
  };

  for (const when of ["before", "at once"]) {
    test(`abort ${when}: nothing is sent`, { timeout }, async () => {
      const options = continuation("continue");
      assert.deepEqual(await lab.outcome(abortable, options, when), { value: "the very reason" });
      await assertWorks();
      assert.deepEqual(server.exchanges(options.url), []);
    });
  }

  for (const path of ["never", "stalled"]) {
    test(`abort during ${path}`, { timeout }, async () => {
      const { interactRef, ...options } = continuation(path);
      const aborted = lab.outcome(abortable, options, path);
      await server.arrived(options.url);
      if (path === "stalled") await new Promise((resolve) => setTimeout(resolve, 100)); // lets the first bytes arrive
      await lab.run(() => lab.abort());
      assert.deepEqual(await aborted, { value: "the very reason" });
      await until(() => server.exchanges(options.url)[0].hungUp, "the end of the connection");
    });
  }

  test("abort while the module loads", { timeout }, async (t) => {
    let deliver;
    const special = {
      "/dist/open-payments.wasm": (req, res) =>
        new Promise((resolve) => {
          deliver = resolve;
        }).then(() => res.end()),
    };
    const slowSite = await startSite({ special });
    t.after(slowSite.close);
    const fresh = await Lab.open(browser, slowSite);
    const options = continuation("continue");
    const aborted = fresh.outcome(abortable, options, "loading");
    await until(() => deliver, "the download");
    await fresh.run(() => lab.abort());
    assert.deepEqual(await aborted, { value: "the very reason" });
    const { error } = await fresh.continueGrant({ ...options, timeoutMs: 100 });
    assert.deepEqual(
      [error.code, error.retryable, error.description],
      ["timeout", true, "The module or the key was not ready in time. Nothing was sent."],
    );
    deliver();
    await fresh.page.close();
    assert.deepEqual(server.exchanges(options.url), []);
  });

  test("reasons of every kind come back as they are", { timeout }, async () => {
    const { url, accessToken } = continuation("never");
    const same = await lab.run(
      (url, accessToken) => {
        const reasons = [
          undefined,
          null,
          0,
          Number.NaN,
          "",
          "text",
          10n,
          Symbol("s"),
          () => {},
          new Error("own"),
          new DOMException("d", "AbortError"),
        ];
        return Promise.all(
          reasons.map(async (reason, i) => {
            const controller = new AbortController();
            const call = lab.continueGrant({ url: `${url}/${i}`, accessToken, key: lab.key, signal: controller.signal });
            setTimeout(() => controller.abort(reason), 20);
            return call.then(
              () => "no rejection",
              (error) => Object.is(error, controller.signal.reason),
            );
          }),
        );
      },
      url,
      accessToken,
    );
    assert.deepEqual(same, Array(11).fill(true));
  });

  test("AbortSignal.timeout() rejects with its own TimeoutError", { timeout }, async () => {
    const { error } = await lab.outcome(
      (options) => lab.continueGrant({ key: lab.key, ...options, signal: AbortSignal.timeout(100) }),
      continuation("never"),
    );
    assert.deepEqual([error.kind, error.name], ["DOMException", "TimeoutError"]);
  });

  test("64 calls at once", { timeout }, async () => {
    const all = Array.from({ length: 64 }, () => continuation("continue"));
    const outcomes = await lab.run(
      (all) => Promise.all(all.map((options) => lab.outcome(() => lab.continueGrant({ key: lab.key, ...options })))),
      all,
    );
    for (const [i, { url, accessToken, interactRef }] of all.entries()) {
      const requests = server.exchanges(url);
      assert.equal(requests.length, 1);
      assert.equal(requests[0].headers.authorization, `GNAP ${accessToken}`);
      assert.deepEqual(JSON.parse(requests[0].body), { interact_ref: interactRef });
      assert.deepEqual(outcomes[i], { value: grantFor(requests[0]) });
      assert.ok(await isAccepted(requests[0], lab.publicJwk));
    }
  });

  test("the same continuation twice at once is one request", { timeout }, async () => {
    const options = continuation("held");
    const both = lab.run((options) => {
      const call = () => lab.outcome(() => lab.continueGrant({ key: lab.key, ...options }));
      return Promise.all([call(), call()]);
    }, options);
    await server.arrived(options.url);
    server.held.pop()();
    const [first, second] = await both;
    const [request, ...others] = server.exchanges(options.url);
    assert.deepEqual(others, []);
    assert.deepEqual([first, second], Array(2).fill({ value: grantFor(request) }));
  });

  for (const leaver of [0, 1]) {
    test(`of two equal calls, number ${leaver} leaves and the other gets its response`, { timeout }, async () => {
      const options = continuation("held");
      const both = lab.run(
        (options, leaver) => {
          const call = (i) =>
            lab.outcome(() => {
              const controller = new AbortController();
              if (i === leaver) lab.leave = () => controller.abort(new Error("left"));
              return lab.continueGrant({ key: lab.key, ...options, signal: controller.signal });
            });
          const calls = [call(0), call(1)];
          lab.left = calls[leaver];
          return Promise.all(calls);
        },
        options,
        leaver,
      );
      await server.arrived(options.url);
      const { error } = await lab.run(() => {
        lab.leave();
        return lab.left;
      });
      assert.equal(error.message, "left");
      server.held.pop()();
      const outcomes = await both;
      const [request, ...others] = server.exchanges(options.url);
      assert.deepEqual(others, []);
      assert.deepEqual(outcomes[1 - leaver], { value: grantFor(request) });
    });
  }

  test("when everyone who waits has left, the request is ended", { timeout }, async () => {
    const { interactRef, ...options } = continuation("never");
    const both = lab.run((options) => {
      const controller = new AbortController();
      lab.abort = () => controller.abort("left");
      const call = () => lab.outcome(() => lab.continueGrant({ key: lab.key, ...options, signal: controller.signal }));
      return Promise.all([call(), call()]);
    }, options);
    await server.arrived(options.url);
    await lab.run(() => lab.abort());
    assert.deepEqual(
      (await both).map(({ thrown }) => thrown),
      ["left", "left"],
    );
    await until(() => server.exchanges(options.url)[0].hungUp, "the end of the connection");
  });

  test("one after the other, or with different references, calls are requests of their own", { timeout }, async () => {
    const options = continuation("slow");
    await lab.run(
      (options) => Promise.all(["a", "b", undefined].map((interactRef) => lab.continueGrant({ key: lab.key, ...options, interactRef }))),
      options,
    );
    await lab.continueGrant({ ...options, interactRef: "a" });
    const bodies = server.exchanges(options.url).map(({ body }) => body.toString());
    assert.deepEqual(bodies.sort(), ["", '{"interact_ref":"a"}', '{"interact_ref":"a"}', '{"interact_ref":"b"}']);
  });

  test("fetch functions that misbehave", { timeout }, async () => {
    const codes = await lab.run(async () => {
      const functions = [
        () => {
          throw new Error("at once");
        },
        () => Promise.reject(new Error("later")),
        () => Promise.reject(undefined),
        () => undefined,
        () => null,
        () => 5,
        () => ({}),
        () => ({ status: "200" }),
        () => ({ then: 1, status: 200, headers: 5, body: {} }),
        () => ({ status: 200, headers: [], body: { getReader: () => ({ read: () => ({ value: "text" }), cancel: () => {} }) } }),
        () => new Promise(() => {}),
      ];
      const options = { url: "https://server.example/", accessToken: "token", key: lab.key, timeoutMs: 1000 };
      const outcomes = await Promise.all(
        functions.map((fetch, i) => lab.outcome(() => lab.continueGrant({ ...options, interactRef: String(i), fetch }))),
      );
      return outcomes.map(({ error }) => error?.code);
    });
    assert.deepEqual(codes, [...Array(3).fill("network_error"), ...Array(7).fill("response_unreadable"), "timeout"]);
  });

  test("after all of it the same instance works, downloaded once", { timeout }, async () => {
    await assertWorks();
    assert.equal(await lab.run(() => lab.instances()), 1);
    assert.equal(site.downloads(), 1);
  });

  test("nothing that was said holds a secret", () => {
    assert.ok(lab.log.some((text) => text.includes("not_json")));
    lab.assertSilent(secrets, server.requests);
  });
});
