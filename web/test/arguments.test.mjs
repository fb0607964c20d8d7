// Wrong arguments of every kind: a TypeError that names the argument, and nothing sent. And keys
// of every kind that work.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { before, test } from "node:test";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { startServer } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";
import { isAccepted } from "./harness/verify.mjs";

const timeout = 60_000;

const pem = (key) => key.export({ format: "pem", type: key.type === "private" ? "pkcs8" : "spki" });
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
const { d } = privateKey.export({ format: "jwk" });
const publicJwk = publicKey.export({ format: "jwk" });

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, server, lab;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite(), startServer());
    lab = await Lab.open(browser, site);
  });

  /** Options that would work, in the page; a test spoils one of them. */
  const good = () => server.continuation("continue");

  /** Asserts that a call was refused because of one argument, and that nothing was sent. */
  function assertRefused({ error, value }, argument, problem, what) {
    assert.ok(error, `${what} was accepted: ${JSON.stringify(value)}`);
    assert.deepEqual([error.kind, error.name, error.code], ["TypeError", "TypeError", undefined], what);
    assert.ok(error.message.startsWith(`"${argument}" `), `${what}: ${error.message}`);
    assert.match(error.message, problem, what);
    assert.deepEqual(server.requests, [], what);
    assert.deepEqual(server.preflights, [], what);
  }

  /** Calls continueGrant with one option replaced by what the text of an expression makes in the page. */
  function withOption(option, expression, options = good()) {
    return lab.outcome(
      async (option, expression, options) => {
        const value = await new Function("lab", `return (async () => (${expression}))()`)(lab);
        return lab.continueGrant({ key: lab.key, ...options, [option]: value });
      },
      option,
      expression,
      options,
    );
  }

  const refused = [
    ["url", /must be a string or a URL/, ["undefined", "null", "5", "{}", "['https://a.example/']", "true"]],
    ["url", /must be an absolute URL/, ["''", "'continue/1'", "'/continue/1'", "'//a.example/x'", "'https://'", "'http://[::1'"]],
    ["url", /must be (an absolute|a valid) URL/, ["'https://a b/'"]], // Chromium's URL takes it
    [
      "url",
      /https: URL, or http: on loopback/,
      [
        "'http://wallet.example/continue/1'",
        "'javascript:alert(1)'",
        "'data:text/plain,a'",
        "'ftp://a.example/'",
        "'file:///etc/passwd'",
        "'wss://a.example/'",
        "'about:blank'",
        "URL.createObjectURL(new Blob([]))",
        "'http://127.0.0.1.example/'",
        "'http://localhost.example/'",
        "'http://10.0.0.1/'",
        "'http://[::2]/'",
        "'http://0.0.0.0/'",
      ],
    ],
    [
      "url",
      /must not carry a user name or password/,
      ["'https://user:password@a.example/'", "'https://user@a.example/'", "'http://:p@127.0.0.1/'"],
    ],
    ["accessToken", /must be a string that is not empty/, ["undefined", "null", "''", "5", "{}", "['a']"]],
    [
      "accessToken",
      /must be visible ASCII without spaces or line breaks/,
      ["'a\\r\\nx: y'", "'a\\n'", "'\\ra'", "'a b'", "' a'", "'a\\tb'", "'a\\0'", "'ä'", "'\\ud800'", "'\\u2028'", "'a\\x7f'"],
    ],
    ["interactRef", /must be a string that is not empty/, ["null", "''", "5", "{}", "true"]],
    ["signal", /must be an AbortSignal/, ["null", "{}", "'abort'", "new AbortController()"]],
    ["timeoutMs", /must be a number of milliseconds/, ["null", "'5'", "0", "-1", "NaN", "Infinity", "2 ** 31", "{}"]],
    ["fetch", /must be a function like fetch/, ["null", "{}", "'fetch'"]],
    ["key", /must be a key from/, ["undefined", "null", "5", "'key'"]],
  ];
  for (const [argument, problem, expressions] of refused) {
    test(`${argument}: ${problem.source}`, { timeout }, async () => {
      for (const expression of expressions) {
        assertRefused(await withOption(argument, expression), argument, problem, `${argument}: ${expression}`);
      }
    });
  }

  test("options that are no object", { timeout }, async () => {
    for (const expression of ["undefined", "null", "'options'", "5"]) {
      const outcome = await lab.outcome((expression) => lab.continueGrant(new Function(`return ${expression}`)()), expression);
      assertRefused(outcome, "options", /must be an object/, expression);
    }
  });

  test("every argument is refused by a rejection, never by an exception", async () => {
    const threw = await lab.run(() => {
      try {
        lab.continueGrant().catch(() => {});
        lab.continueGrant({ url: 5 }).catch(() => {});
        lab
          .continueGrant({
            get url() {
              throw new Error("own");
            },
          })
          .catch(() => {});
        return false;
      } catch {
        return true;
      }
    });
    assert.equal(threw, false);
  });

  const wrongKeys = {
    "key.keyId": [
      /must be a string of printable ASCII/,
      [
        "{ privateKey: lab.pair.privateKey }",
        "{ keyId: '', sign() {} }",
        "{ keyId: 5, sign() {} }",
        "{ keyId: 'a\\nb', sign() {} }",
        "{ keyId: 'ä', sign() {} }",
      ],
    ],
    "key.sign": [
      /must be a function from bytes to an Ed25519 signature/,
      ["{ keyId: 'a', sign: 5 }", "{ keyId: 'a', sign: null }", "{ keyId: 'a', sign: {} }"],
    ],
    "key.privateKey": [
      /must be/,
      [
        "{ keyId: 'a' }",
        "{ keyId: 'a', privateKey: null }",
        "{ keyId: 'a', privateKey: 5 }",
        "{ keyId: 'a', privateKey: {} }",
        "{ keyId: 'a', privateKey: [] }",
        "{ keyId: 'a', privateKey: lab.pair.publicKey }",
        "{ keyId: 'a', privateKey: (await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])).privateKey }",
        "{ keyId: 'a', privateKey: await crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign']) }",
        "{ keyId: 'a', privateKey: (await crypto.subtle.generateKey('X25519', false, ['deriveBits'])).privateKey }",
      ],
    ],
  };
  for (const [argument, [problem, expressions]] of Object.entries(wrongKeys)) {
    test(`${argument} ${problem.source}`, { timeout }, async () => {
      for (const expression of expressions) assertRefused(await withOption("key", expression), argument, problem, expression);
    });
  }

  test("a CryptoKey that is public, or of another algorithm, is named as such", { timeout }, async () => {
    const isPublic = await withOption("key", "{ keyId: 'a', privateKey: lab.pair.publicKey }");
    assert.equal(isPublic.error.message, '"key.privateKey" must be a private key, not a public one');
    const [, [, expressions]] = Object.entries(wrongKeys).at(-1);
    const isECDSA = await withOption(
      "key",
      expressions.find((expression) => expression.includes("ECDSA")),
    );
    assert.equal(isECDSA.error.message, '"key.privateKey" must be an Ed25519 key, not ECDSA');
  });

  const unusable = {
    "a public key as PEM": [pem(publicKey), /a public key/],
    "a public key as base64 of PEM": [btoa(pem(publicKey)), /a public key/],
    "a public key as JWK": [publicJwk, /a public key/],
    "an RSA key": [pem(rsa), /an RSA key/],
    "an elliptic curve key": [pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey), /elliptic curve/],
    "an encrypted key": [privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-128-cbc", passphrase: "p" }), /encrypted/],
    "damaged PEM": [pem(privateKey).slice(0, 60), /damaged or cut off/],
    "an empty string": ["", /nothing/],
    "any text": ["swordfish", /text that is none of them|base64 of something else/],
    "a JWK of another curve": [{ kty: "OKP", crv: "X25519", d, x: publicJwk.x }, /another kty or crv/],
    "a JWK whose halves do not belong together": [
      { kty: "OKP", crv: "Ed25519", d, x: "A".repeat(43) },
      /public key that is not that of the private key/,
    ],
    "a JWK with a wrong d": [{ kty: "OKP", crv: "Ed25519", d: "AAAA", x: publicJwk.x }, /bytes/],
  };
  for (const [what, [material, problem]] of Object.entries(unusable)) {
    test(`key material that is ${what}`, { timeout }, async () => {
      const outcome = await lab.continueGrant({ ...good(), key: { keyId: "a", privateKey: material } });
      assertRefused(outcome, "key.privateKey", problem, what);
      lab.assertSilent([d]);
    });
  }

  test("a poll with a token that has a line break", { timeout }, async () => {
    const outcome = await lab.outcome(() => lab.pollGrant({ url: "https://a.example/", accessToken: "a\nb", key: lab.key, wait: 0 }));
    assertRefused(outcome, "accessToken", /must be visible ASCII/, "a\\nb");
  });

  test("the client with the names of the Node package names its arguments too", { timeout }, async () => {
    const refusedBy = (fn) =>
      lab.outcome(async (body) => {
        const make = (options) =>
          lab.createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/client", key: lab.key, ...options });
        return new Function("make", `return ${body}`)(make);
      }, fn);
    const cases = [
      ["make({ walletAddressUrl: undefined })", "walletAddressUrl"],
      ["make({ walletAddressUrl: 'wallet' })", "walletAddressUrl"],
      ["make({ key: undefined, keyId: 'a' })", "options.privateKey"],
      ["make({ key: undefined, privateKey: 'a' })", "options.keyId"],
      ["make().then((c) => c.grant.request({}, { access_token: { access: [] } }))", "url"],
      ...["5", "0", "null", "['a']", "'a\\nb'"].map((token) => [
        `make().then((c) => c.grant.request({ url: 'https://a.example/', accessToken: ${token} }, { access_token: { access: [] } }))`,
        "accessToken",
      ]),
      ["make().then((c) => c.grant.request(undefined, { access_token: { access: [] } }))", "target"],
      ["make().then((c) => c.grant.request({ url: 'https://a.example/' }))", "args"],
      ["make().then((c) => c.grant.continue({ url: 'https://a.example/', accessToken: 't' }, { interact_ref: 5 }))", "interact_ref"],
      ["make().then((c) => c.grant.continue({ url: 'https://a.example/' }))", "accessToken"],
      ["make().then((c) => c.grant.cancel({ url: 'http://a.example/', accessToken: 't' }))", "url"],
      ["make().then((c) => c.token.rotate({ accessToken: 't' }))", "url"],
      ["make().then((c) => c.token.revoke({ url: 'https://a.example/', accessToken: 'a\\n' }))", "accessToken"],
    ];
    for (const [call, argument] of cases) assertRefused(await refusedBy(call), argument, /must/, call);
  });

  test("a signer that returns no signature", { timeout }, async () => {
    for (const result of [
      "undefined",
      "null",
      "new Uint8Array(63)",
      "new Uint8Array(65)",
      "'a'.repeat(64)",
      "new ArrayBuffer(63)",
      "Array(64).fill(0)",
    ]) {
      const { error } = await withOption("key", `{ keyId: "a", sign: () => ${result} }`);
      assert.deepEqual([error.kind, error.code, error.retryable], ["OpenPaymentsClientError", "invalid_key", false], result);
      assert.match(error.description, /could not sign the request, and nothing was sent/);
      assert.deepEqual(error.cause, {
        name: "TypeError",
        message: '"key.sign" must return 64 bytes in an ArrayBuffer or a view of one, or a promise of them',
      });
    }
    assert.deepEqual(server.requests, []);
  });

  test("a signer that fails: its own error is the cause", { timeout }, async () => {
    for (const sign of ["() => { throw lab.own; }", "() => Promise.reject(lab.own)", "async () => { throw lab.own; }"]) {
      const outcome = await lab.outcome(
        async (sign, options) => {
          lab.own = new RangeError("the token was pulled out");
          const key = { keyId: "a", sign: new Function("lab", `return ${sign}`)(lab) };
          return lab.continueGrant({ ...options, key }).catch((error) => [error.code, error.cause === lab.own]);
        },
        sign,
        good(),
      );
      assert.deepEqual(outcome, { value: ["invalid_key", true] });
    }
    assert.deepEqual(server.requests, []);
  });

  test("a signer that never answers: timeout and abort end the wait", { timeout }, async () => {
    const { error } = await withOption("key", '{ keyId: "a", sign: () => new Promise(() => {}) }', { ...good(), timeoutMs: 200 });
    assert.equal(error.code, "timeout");
    const same = await lab.run(async (options) => {
      const controller = new AbortController();
      const reason = new Error("enough");
      const sign = () => new Promise(() => controller.abort(reason));
      return lab.continueGrant({ ...options, key: { keyId: "a", sign }, signal: controller.signal }).catch((error) => error === reason);
    }, good());
    assert.equal(same, true);
    assert.deepEqual(server.requests, []);
  });

  const usable = {
    PEM: pem(privateKey),
    "PEM with other line ends": `\n  ${pem(privateKey).replaceAll("\n", "\r\n")}  `,
    "base64 of PEM": btoa(pem(privateKey)),
    JWK: { ...publicJwk, d },
    "JWK as text": JSON.stringify({ ...publicJwk, d }),
  };
  for (const [what, material] of Object.entries(usable)) {
    test(`a private key as ${what} signs`, { timeout }, async () => {
      const options = good();
      const { error } = await lab.continueGrant({ ...options, key: { keyId: "brought", privateKey: material } });
      assert.equal(error, undefined);
      const request = server.requests.pop();
      server.preflights.length = 0;
      assert.match(request.headers["signature-input"], /;keyid="brought"$/);
      assert.ok(await isAccepted(request, publicJwk));
    });
  }

  for (const [what, expression] of Object.entries({
    "a function that signs":
      '{ keyId: "page-key", sign: async (data) => new Uint8Array(await crypto.subtle.sign("Ed25519", lab.pair.privateKey, data)) }',
    "a handle from generateKey": "lab.handle = await lab.generateKey({ keyId: 'page-key' })",
    "a 32-byte seed": "lab.seedKey",
  })) {
    test(`${what} signs`, { timeout }, async () => {
      await lab.run((d) => {
        const seed = Uint8Array.from(atob(d.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
        lab.seedKey = { keyId: "page-key", privateKey: seed };
      }, d);
      const { error } = await withOption("key", expression);
      assert.equal(error, undefined);
      const jwk = await lab.run((what) => (what.startsWith("a handle") ? lab.publicJwkOf(lab.handle) : lab.publicJwk), what);
      assert.ok(await isAccepted(server.requests.pop(), what === "a 32-byte seed" ? publicJwk : jwk));
      server.preflights.length = 0;
    });
  }

  test("a key that cannot be used leaves no unhandled rejection, where nobody waits for it", { timeout }, async () => {
    const { value } = await lab.outcome(async (options) => {
      const unhandled = [];
      addEventListener("unhandledrejection", ({ reason }) => unhandled.push(String(reason)));
      const call = (signal) => lab.continueGrant({ ...options, key, signal }).catch((error) => error.name ?? error);
      const key = { keyId: "page-key", privateKey: "no key" };
      const reasons = await Promise.all([call(AbortSignal.abort("own")), call(), call()]); // the last two share their work
      await new Promise((resolve) => setTimeout(resolve, 100));
      return { reasons, unhandled };
    }, good());
    assert.deepEqual(value, { reasons: ["own", "TypeError", "TypeError"], unhandled: [] });
  });

  test("nothing that was said holds a secret", () => {
    const seed = privateKey.export({ format: "der", type: "pkcs8" }).subarray(16);
    lab.assertSilent([d, seed.toString("hex"), seed.toString("base64"), pem(privateKey).split("\n")[1]]);
  });
});
