// Keys: what comes in, what comes out, where they live, and that nobody can take them.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { generateJwk, generateKey } from "@interledger/http-signature-utils";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { forms, garbage, jwk, packings, pem, publicBytes, seed, thumbprint, traces } from "./harness/key-material.mjs";
import { Lab } from "./harness/lab.mjs";
import { decide, publishKey, startSandbox } from "./harness/sandbox.mjs";
import { startSite } from "./harness/site.mjs";

const keySet = (status, body) => (req, res) => {
  res.writeHead(status, { "access-control-allow-origin": "*" }).end(typeof body === "string" ? body : JSON.stringify(body));
};

describeInBrowsers({ title: (name) => `keys in ${name}` }, ({ launch, start }) => {
  let browser, site, lab;

  before(async () => {
    [browser, site] = await start(launch(), startSite({ special: keySets, withDeferred: true }));
    lab = await Lab.open(browser, site);
    await lab.run(() => {
      lab.read = ({ text, bytes, object }) => text ?? object ?? new Uint8Array(bytes);
      lab.describe = ({ keyId, backing, publicKey, privateKey }) => ({
        keyId,
        backing,
        publicKey: [...publicKey],
        key: privateKey && { type: privateKey.type, extractable: privateKey.extractable, usages: privateKey.usages },
      });
    });
  });
  // Before Go holds a key, and for nothing else.
  after(() => assert.equal(site.downloads("open-payments.deferred.wasm"), 1, "a call needed the deferred module: node profile.mjs"));

  const importForm = (form, options) =>
    lab.outcome(async (form, options) => lab.describe(await lab.importKey(lab.read(form), options)), form, options ?? {});

  for (const [form, material] of Object.entries(forms)) {
    it(`imports ${form}`, async () => {
      const { value, error } = await importForm(material);
      assert.equal(error, undefined);
      assert.deepEqual(value.key, { type: "private", extractable: false, usages: ["sign"] });
      assert.equal(value.backing, "webcrypto");
      assert.deepEqual(value.publicKey, [...publicBytes]);
      assert.equal(value.keyId, form.startsWith("JWK") ? "its own" : thumbprint);
      const named = await importForm(material, { keyId: "mine" });
      assert.equal(named.value.keyId, "mine");
    });
  }

  it("reads a key object again that was changed after it was used", async () => {
    const ids = await lab.run(async (material) => {
      const ids = [];
      const fetch = async (url, { headers }) => {
        ids.push(/keyid="([^"]+)"/.exec(headers["Signature-Input"])[1]);
        return new Response('{"access_token":{"value":"issued"}}');
      };
      const key = { keyId: "first", privateKey: lab.read(material) };
      const call = () => lab.continueGrant({ url: "https://server.example/", accessToken: "token", key, fetch });
      await call();
      key.keyId = "second";
      await call();
      key.privateKey = "no key";
      const refused = await call().catch((error) => error.name);
      return [...ids, refused];
    }, Object.values(forms)[0]);
    assert.deepEqual(ids, ["first", "second", "TypeError"]);
  });

  it("imports every packing of a key that Go reads", async () => {
    const results = await lab
      .run(
        async (packings) =>
          Promise.all(
            Object.entries(packings).map(async ([name, material]) => {
              const { value, error } = await lab.outcome(async () => lab.describe(await lab.importKey(lab.read(material))));
              return { name, kid: material.kid, publicKey: value?.publicKey, keyId: value?.keyId, error: error?.message };
            }),
          ),
        packings,
      )
      .then((all) =>
        all.filter(
          ({ error, publicKey, keyId, kid }) => error || keyId !== (kid ?? thumbprint) || String(publicKey) !== String([...publicBytes]),
        ),
      );
    assert.deepEqual(results, []);
    assert.ok(Object.keys(packings).length > 150);
  });

  it("imports bytes and keys of another realm, and signs with what they sign", async () => {
    const { imported, signed } = await lab.run(
      async (seed, pem) => {
        const frame = document.body.appendChild(document.createElement("iframe")).contentWindow;
        const bytes = frame.Uint8Array.from(seed);
        const pair = await frame.crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
        const materials = [
          bytes,
          bytes.buffer,
          new frame.DataView(bytes.buffer),
          new frame.Uint16Array(bytes.buffer),
          new DataView(bytes.buffer),
          new frame.Uint8Array([0, ...seed, 0]).subarray(1, 33),
          new frame.TextEncoder().encode(pem),
          pair,
          pair.privateKey,
        ];
        const imported = [];
        for (const material of materials)
          imported.push(await lab.outcome(async () => (await lab.importKey(material, { keyId: "k" })).keyId));
        const raw = (data) => frame.crypto.subtle.sign("Ed25519", pair.privateKey, data);
        const keys = [
          { keyId: "k", privateKey: pair.privateKey },
          { keyId: "k", privateKey: bytes },
          { keyId: "k", sign: raw },
          { keyId: "k", sign: async (data) => new frame.Uint8Array(await raw(data)) },
          { keyId: "k", sign: async (data) => new DataView(await raw(data)) },
        ];
        const signed = [];
        for (const key of keys) {
          const response = {
            status: 200,
            headers: [],
            body: new Response('{"continue":{"access_token":{"value":"t"},"uri":"https://as.example/c","wait":1}}').body,
          };
          const options = {
            url: "https://as.example/c",
            accessToken: "t",
            interactRef: "r",
            key,
            fetch: async (url, { headers }) => {
              signed.push(/^sig1=:.{88}:$/.test(new Headers(headers).get("signature")));
              return response;
            },
          };
          await lab.outcome(() => lab.continueGrant(options));
        }
        frame.frameElement.remove();
        return { imported, signed };
      },
      [...seed],
      pem,
    );
    assert.deepEqual(
      imported,
      imported.map(() => ({ value: "k" })),
    );
    assert.deepEqual(signed, [true, true, true, true, true]);
  });

  it("says so when what looks like a key cannot sign, or is one of Node", async () => {
    const messages = await lab.run(async () => {
      const like = { type: "private", algorithm: { name: "Ed25519" }, usages: ["sign"], extractable: false };
      const nodes = { type: "private", asymmetricKeyType: "ed25519", export: () => "" };
      const short = { keyId: "k", sign: async () => new ArrayBuffer(63) };
      return Promise.all(
        [
          () =>
            lab.importKey(like, { keyId: "k" }).catch(({ message }) => {
              throw new Error(message);
            }),
          () => lab.importKey(nodes),
          () => lab.continueGrant({ url: "https://as.example/c", accessToken: "t", interactRef: "r", key: short }),
        ].map(async (attempt) => {
          const { error } = await lab.outcome(attempt);
          return error.cause?.message ?? error.message;
        }),
      );
    });
    assert.match(messages[0], /^"material" must be a CryptoKey that can sign/);
    assert.match(messages[1], /^"material" must not be a KeyObject of Node.*export/);
    assert.match(messages[2], /"key.sign" must return 64 bytes/);
  });

  for (const [what, [material, found]] of Object.entries(garbage)) {
    it(`refuses ${what} and says so without repeating it`, async () => {
      const { error, texts } = await importForm(material);
      assert.equal(error?.kind, "TypeError", JSON.stringify(error));
      assert.match(error.message, /"material" cannot be used: expected .+, found /);
      assert.ok(error.message.includes(found), error.message);
      lab.assertSilent([jwk.d, jwk.d.slice(8, 24), "an Ed25519 seed"]);
    });
  }

  it("imports what the Node packages make, a file and the base64 that wallets hand out", async () => {
    const folder = await mkdtemp(join(tmpdir(), "keys-"));
    const privateKey = generateKey({ dir: folder, fileName: "made" });
    const file = await readFile(join(folder, "made.pem"), "utf8");
    await rm(folder, { recursive: true });
    for (const text of [file, Buffer.from(file).toString("base64")]) {
      const published = await lab.run(async (text) => lab.publicJwkOf(await lab.importKey(text, { keyId: "made" })), text);
      assert.deepEqual(published, { ...generateJwk({ privateKey, keyId: "made" }), use: "sig" });
    }
  });

  it("refuses what is no material at all", async () => {
    for (const nothing of ["null", "undefined", "1", "true", "[]", "({})", "Symbol()", "() => {}"]) {
      const { error } = await lab.outcome((code) => lab.importKey((0, eval)(code)), nothing);
      assert.match(error.message, /^"material" must be /, nothing);
      assert.equal(error.kind, "TypeError");
    }
    const wrongId = await lab.outcome(() => lab.generateKey({ keyId: "é" }));
    assert.match(wrongId.error.message, /^"keyId" must be /);
  });

  it("takes over CryptoKeys and pairs, as not extractable", async () => {
    const results = await lab.run(async () => {
      const make = (extractable) => crypto.subtle.generateKey("Ed25519", extractable, ["sign", "verify"]);
      const [open, closed, other] = await Promise.all([make(true), make(false), make(false)]);
      const imported = [await lab.importKey(open), await lab.importKey(open.privateKey), await lab.importKey(closed)];
      const bare = await lab.importKey(closed.privateKey, { keyId: "bare" });
      const refusals = await Promise.all([
        lab.outcome(() => lab.importKey({ privateKey: closed.privateKey, publicKey: other.publicKey })),
        lab.outcome(() => lab.importKey({ privateKey: open.privateKey, publicKey: other.publicKey })),
        lab.outcome(() => lab.importKey(closed.publicKey)),
        lab.outcome(() => lab.importKey(closed.privateKey)),
      ]);
      return { imported: imported.map(lab.describe), bare: bare.publicKey ?? null, refusals: refusals.map(({ error }) => error.message) };
    });
    for (const { key } of results.imported) assert.deepEqual(key, { type: "private", extractable: false, usages: ["sign"] });
    assert.equal(results.bare, null);
    assert.match(results.refusals[0], /"material.publicKey" must be the public half/);
    assert.match(results.refusals[1], /"material.publicKey" must be the public half/);
    assert.match(results.refusals[2], /private key, not a public one/);
    assert.match(results.refusals[3], /"keyId" must be/);
  });

  it("leaves no trace of imported material in the module's memory", async () => {
    const own = await browser.newPage();
    await own.goto(`${site.origin}/blank.html`);
    const found = await own.evaluate(
      `(${async (forms, traces) => {
        const { instantiate } = WebAssembly;
        let memory;
        WebAssembly.instantiate = async (...args) => {
          const instance = await instantiate(...args);
          memory = instance.exports.mem ?? memory; // the embedded module exports none
          return instance;
        };
        const { importKey } = await import("/dist/index.js");
        const holds = (bytes, trace) => {
          for (let i = bytes.indexOf(trace[0]); i >= 0; i = bytes.indexOf(trace[0], i + 1)) {
            if (trace.every((byte, j) => bytes[i + j] === byte)) return true;
          }
          return false;
        };
        const search = () => Object.keys(traces).filter((name) => holds(new Uint8Array(memory.buffer), traces[name]));
        const found = {};
        for (const [form, { text, bytes, object }] of Object.entries(forms)) {
          const given = text ?? object ?? new Uint8Array(bytes);
          await importKey(given);
          const left = search();
          if (left.length > 0) found[form] = left;
          if (bytes && given.some((byte, i) => byte !== bytes[i])) found[form] = "the caller's own bytes were changed";
        }
        new Uint8Array(memory.buffer).set(traces.raw, memory.buffer.byteLength - 32);
        return { found, canFind: search() };
      }})(${JSON.stringify(forms)}, ${JSON.stringify(traces)})`,
    );
    assert.deepEqual(found.found, {});
    assert.deepEqual(found.canFind, ["raw"], "the search itself works");
    await own.close();
  });

  it("generates keys that cannot be read, and extractable ones where asked", async () => {
    const [plain, open] = await lab.run(async () => [
      lab.describe(await lab.generateKey()),
      lab.describe(await lab.generateKey({ extractable: true, keyId: "open" })),
    ]);
    assert.equal(plain.key.extractable, false);
    assert.match(plain.keyId, /^[\w-]{43}$/);
    assert.equal(open.key.extractable, true);
    assert.equal(open.keyId, "open");
  });

  it("publishes the public half and nothing else", async () => {
    const { one, set, twice } = await lab.run(async () => {
      const [a, b] = [await lab.generateKey({ keyId: "a" }), await lab.generateKey({ keyId: "b" })];
      return { one: lab.publicJwkOf(a), set: lab.jwks(a, b), twice: await lab.outcome(async () => lab.jwks(a, a)) };
    });
    assert.deepEqual(Object.keys(one).sort(), ["alg", "crv", "kid", "kty", "use", "x"]);
    assert.deepEqual({ ...one, x: "" }, { kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig", kid: "a", x: "" });
    assert.deepEqual(
      set.keys.map(({ kid }) => kid),
      ["a", "b"],
    );
    assert.match(twice.error.message, /^"keys" must have different key ids/);
  });

  it("keeps keys in IndexedDB over reloads, tabs and workers", async () => {
    const saved = await lab.run(async () => {
      const key = await lab.generateKey({ keyId: "kept" });
      await lab.saveKey("kept", key);
      return lab.publicJwkOf(key);
    });
    const load = async () => {
      const key = await lab.loadKey("kept");
      return { jwk: lab.publicJwkOf(key), frozen: Object.isFrozen(key), extractable: key.privateKey.extractable };
    };
    await lab.page.reload();
    await lab.page.waitForFunction("globalThis.lab !== undefined", { polling: 50 });
    const other = await Lab.open(browser, site);
    for (const tab of [lab, other]) assert.deepEqual(await tab.run(load), { jwk: saved, frozen: true, extractable: false });
    const fromWorker = await lab.run(
      () =>
        new Promise((resolve) => {
          new Worker("/key-worker.js", { type: "module" }).onmessage = ({ data }) => resolve(data);
        }),
    );
    assert.deepEqual(fromWorker, saved);
    assert.deepEqual(await other.run(() => lab.listKeys()), ["kept"]);
    await other.run(() => lab.deleteKey("kept"));
    assert.deepEqual(await lab.run(() => lab.listKeys()), []);
    assert.equal(await lab.run(() => lab.loadKey("kept")), undefined);
    await other.page.close();
  });

  it("refuses to store what cannot be stored safely", async () => {
    const messages = await lab.run(async () => {
      const extractable = await lab.generateKey({ extractable: true });
      const attempts = [
        () => lab.saveKey("k", extractable),
        () => lab.saveKey("", lab.key),
        () => lab.saveKey("k", null),
        () => lab.saveKey("k", { keyId: "k", sign: () => {} }),
        () => lab.loadKey(1),
        () => lab.deleteKey(),
      ];
      return Promise.all(attempts.map(async (attempt) => (await lab.outcome(attempt)).error.message));
    });
    assert.match(messages[0], /"key" must not be extractable/);
    assert.match(messages[1], /"name" must be/);
    assert.match(messages[2], /"key" must be/);
    assert.match(messages[3], /"key" must be/);
    assert.match(messages[4], /"name" must be/);
    assert.match(messages[5], /"name" must be/);
  });

  it("says what is wrong with the storage", async () => {
    const outcomes = await lab.run(async () => {
      const key = await lab.generateKey();
      const { open } = IDBFactory.prototype;
      const failing = (name) =>
        Object.assign(() => {
          throw new DOMException("no", name);
        });
      const results = {};
      for (const name of ["InvalidStateError", "SecurityError", "QuotaExceededError"]) {
        IDBFactory.prototype.open = failing(name);
        results[name] = (await lab.outcome(() => lab.saveKey("k", key))).error;
      }
      IDBFactory.prototype.open = open;
      return results;
    });
    assert.match(outcomes.InvalidStateError.description, /switched off/);
    assert.match(outcomes.SecurityError.description, /switched off/);
    assert.match(outcomes.QuotaExceededError.description, /full/);
    for (const { code } of Object.values(outcomes)) assert.equal(code, "storage_error");
  });

  it("tells what is published, and what is wrong with it", async () => {
    const check = (path) =>
      lab.outcome(
        async (path, origin) => {
          const key = await lab.importKey(new TextEncoder().encode("an Ed25519 seed made for testing"), { keyId: "mine" });
          return lab.checkPublished(key, `${origin}/${path}`);
        },
        path,
        site.origin,
      );
    assert.deepEqual(await check("good"), {});
    for (const path of ["browser", "foreign"]) assert.deepEqual(await check(path), {}, path);
    const codes = {
      missing: "key_not_published",
      other: "key_mismatch",
      curve: "key_mismatch",
      empty: "key_set_invalid",
      prose: "key_set_invalid",
      absent: "key_set_unreachable",
      huge: "key_set_invalid",
      exposed: "key_exposed",
      exposedOther: "key_exposed",
      twice: "key_set_invalid",
      padded: "key_set_invalid",
      alg: "key_set_invalid",
      use: "key_set_invalid",
      operations: "key_set_invalid",
    };
    for (const [path, code] of Object.entries(codes)) {
      const { error } = await check(path);
      assert.equal(error.code, code);
      assert.ok(error.description.includes(`/${path}/jwks.json`), error.description);
      assert.match(error.description, words[path] ?? /./);
    }
    lab.assertSilent([jwk.d]);
    const unreachable = await lab.outcome(() => lab.generateKey().then((key) => lab.checkPublished(key, "http://127.0.0.1:1/x")));
    assert.equal(unreachable.error.code, "key_set_unreachable");
  });

  it("refuses addresses that no server would look at, and takes payment pointers", async () => {
    const asked = await lab.run(
      async (addresses) => {
        const key = await lab.generateKey();
        return Promise.all(
          addresses.map(async (address) => {
            let url;
            const fetch = async (href) => {
              url = href;
              throw new Error("enough");
            };
            const { error } = await lab.outcome(() => lab.checkPublished(key, (0, eval)(address), { fetch }));
            return url ?? `${error.name}: ${error.message}`;
          }),
        );
      },
      [...Object.keys(addresses), ...refusedAddresses],
    );
    const taken = Object.values(addresses);
    assert.deepEqual(asked.slice(0, taken.length), taken);
    asked.slice(taken.length).forEach((message, i) => assert.match(message, /^TypeError: "walletAddressUrl" must /, refusedAddresses[i]));
  });

  it("signs with the module where WebCrypto has no Ed25519, and says so", async () => {
    const sandbox = await startSandbox("-wait", "1s");
    const bare = await Lab.open(browser, site);
    const made = await bare.run(async () => {
      for (const name of ["generateKey", "importKey"]) {
        const real = crypto.subtle[name];
        crypto.subtle[name] = async (...args) => {
          if (args.includes("Ed25519")) throw new DOMException("Unrecognized name.", "NotSupportedError");
          return real.apply(crypto.subtle, args);
        };
      }
      lab.made = await lab.generateKey({ keyId: "made" });
      const read = await lab.importKey("616e20456432353531392073656564206d61646520666f722074657374696e67");
      const refused = [
        await lab.outcome(() => lab.generateKey({ fallback: false })),
        await lab.outcome(() => lab.importKey("00".repeat(32), { fallback: false })),
      ];
      const unsaved = await lab.outcome(() => lab.saveKey("plain", lab.made));
      await lab.saveKey("plain", lab.made, { plaintext: true });
      const loaded = await lab.loadKey("plain");
      await lab.deleteKey("plain");
      return {
        backing: [lab.made.backing, read.backing, loaded.backing],
        text: JSON.stringify(lab.made),
        same: lab.publicJwkOf(loaded).x === lab.publicJwkOf(lab.made).x,
        publicJwk: lab.publicJwkOf(lab.made),
        readPublic: [...read.publicKey],
        refused: refused.map(({ error }) => error.code),
        unsaved: unsaved.error.message,
      };
    });
    assert.deepEqual(made.backing, ["wasm", "wasm", "wasm"]);
    assert.deepEqual(made.readPublic, [...publicBytes]);
    assert.deepEqual(made.refused, ["invalid_key", "invalid_key"]);
    assert.match(made.unsaved, /plaintext: true/);
    assert.ok(made.same, "the stored key is the same key");
    const client = await publishKey(sandbox, "bare", made.publicJwk);
    const granted = await requestWith(bare, sandbox, client, "lab.made");
    assert.equal(granted.error, undefined, JSON.stringify(granted.error));
    await bare.page.close();
    await sandbox.stop();
  });

  it("moves to a new key while grants of the old one live on", async () => {
    const sandbox = await startSandbox("-wait", "1s");
    const [oldJwk, newJwk] = await lab.run(async () => {
      [lab.old, lab.fresh] = [await lab.generateKey({ keyId: "old" }), await lab.generateKey({ keyId: "new" })];
      return lab.jwks(lab.old, lab.fresh).keys;
    });
    const client = await publishKey(sandbox, "rotating", oldJwk);
    const pending = (await requestWith(lab, sandbox, client, "lab.old")).value;
    await publishKey(sandbox, "rotating", oldJwk, newJwk); // first publish both
    assert.equal((await requestWith(lab, sandbox, client, "lab.fresh")).error, undefined, "new grants use the new key");
    const reference = (await decide(pending, "approve")).searchParams.get("interact_ref");
    const { uri, access_token } = pending.continue;
    const continueWith = (key) =>
      lab.outcome(`(options) => lab.continueGrant({ ...options, key: ${key} })`, {
        url: uri,
        accessToken: access_token.value,
        interactRef: reference,
      });
    assert.equal((await continueWith("lab.fresh")).error.code, "invalid_client", "a grant is bound to the key that requested it");
    assert.ok((await continueWith("lab.old")).value.access_token.value);
    await sandbox.stop();
  });
});

describeInBrowsers({ title: (name) => `keys after a restart of ${name}` }, ({ launch }) => {
  it("are still there, with the same profile", async () => {
    const profile = await mkdtemp(join(tmpdir(), "profile-"));
    const site = await startSite();
    const visit = async (task) => {
      const browser = await launch({ userDataDir: profile });
      const lab = await Lab.open(browser, site);
      const result = await lab.run(task);
      await browser.close();
      return result;
    };
    const saved = await visit(async () => {
      const key = await lab.generateKey();
      await lab.saveKey("wallet", key, { persist: true });
      return lab.publicJwkOf(key);
    });
    const loaded = await visit(async () => lab.publicJwkOf(await lab.loadKey("wallet")));
    assert.deepEqual(loaded, saved);
    await site.close();
    await rm(profile, { recursive: true, force: true });
  });
});

const published = { kty: "OKP", crv: "Ed25519", x: jwk.x, kid: "mine" };
const keySets = {
  "/good/jwks.json": keySet(200, { keys: [{ kid: "another" }, published] }),
  "/missing/jwks.json": keySet(200, { keys: [{ ...published, kid: "another" }] }),
  "/other/jwks.json": keySet(200, { keys: [{ ...published, x: "A".repeat(43) }] }),
  "/empty/jwks.json": keySet(200, {}),
  "/prose/jwks.json": keySet(200, "<html>"),
  "/browser/jwks.json": keySet(200, { keys: [{ ...published, alg: "Ed25519", key_ops: ["verify"], ext: true, use: "sig" }] }),
  "/foreign/jwks.json": keySet(200, {
    keys: [null, 7, "x", { kty: "AKP", alg: "ML-DSA-65", pub: "AA" }, { kty: "new", kid: 1 }, { ...published, alg: "EdDSA" }],
  }),
  "/curve/jwks.json": keySet(200, { keys: [{ ...published, crv: "X25519" }] }),
  "/exposed/jwks.json": keySet(200, { keys: [{ ...published, d: jwk.d }] }),
  "/exposedOther/jwks.json": keySet(200, { keys: [published, { kty: "EC", crv: "P-256", kid: "e", d: "AA" }] }),
  "/twice/jwks.json": keySet(200, { keys: [published, published] }),
  "/padded/jwks.json": keySet(200, { keys: [{ ...published, x: `${jwk.x.replaceAll("-", "+").replaceAll("_", "/")}=` }] }),
  "/alg/jwks.json": keySet(200, { keys: [{ ...published, alg: "RS256" }] }),
  "/use/jwks.json": keySet(200, { keys: [{ ...published, use: "enc" }] }),
  "/operations/jwks.json": keySet(200, { keys: [{ ...published, key_ops: ["sign"] }] }),
  "/absent/jwks.json": keySet(404, {}),
  "/huge/jwks.json": keySet(200, JSON.stringify({ keys: [published] }).padEnd(3 << 20)),
};

/** What the description of a fault must say. */
const words = {
  exposed: /the kid mine.*this one is lost/,
  exposedOther: /the kid e\b/,
  twice: /more than once/,
  padded: /another base64/,
  alg: /alg must be "EdDSA"/,
  use: /use must be "sig"/,
  operations: /key_ops/,
};

/** Wallet addresses, as expressions, and where a server asks for the keys. */
const addresses = {
  '"https://wallet.example/alice"': "https://wallet.example/alice/jwks.json",
  'new URL("https://wallet.example/alice")': "https://wallet.example/alice/jwks.json",
  '({ href: "https://wallet.example/alice" })': "https://wallet.example/alice/jwks.json",
  '"https://wallet.example"': "https://wallet.example/jwks.json",
  'new URL("https://wallet.example")': "https://wallet.example/jwks.json",
  '"http://localhost:3000/a"': "http://localhost:3000/a/jwks.json",
  '"$wallet.example/alice"': "https://wallet.example/alice/jwks.json",
  '"$wallet.example"': "https://wallet.example/.well-known/pay/jwks.json",
  '"$wallet.example/"': "https://wallet.example/.well-known/pay/jwks.json",
};
const refusedAddresses = [
  '"ftp://x"',
  '""',
  '"$"',
  '"$/alice"',
  '"wallet.example/alice"',
  '"/alice"',
  "undefined",
  "null",
  "7",
  "({})",
  '"https://"',
  '"https://wallet.example/alice/"',
  '"https://wallet.example/alice?"',
  '"https://wallet.example/alice?a=b"',
  '"https://wallet.example/alice#"',
  '"https://wallet.example/alice#a"',
  '"https://me@wallet.example/alice"',
  '"https://me:pw@wallet.example/alice"',
  '"https://@wallet.example/alice"',
  '" https://wallet.example/alice"',
  '"https://wallet.example/alice "',
  '"https://wallet.example/al ice"',
  '"https://wallet.example/alice\\n"',
  '"https://wallet.example/al\\tice"',
  '"https:\\\\\\\\wallet.example\\\\alice"',
  '"https:wallet.example/alice"',
  '"https://wallet.example/al\\u200bice"',
  '"$wallet.example/alice?a"',
  '"$wallet.example/alice/"',
  '"$me@wallet.example/alice"',
  '"javascript:alert(1)"',
];

/** Requests a grant with the key that the expression names. */
function requestWith(lab, sandbox, client, key) {
  return lab.outcome(
    `async (walletAddressUrl, url, identifier) => {
    const client = await lab.createAuthenticatedClient({ walletAddressUrl, key: ${key} });
    return client.grant.request({ url }, {
      access_token: { access: [{ type: "outgoing-payment", actions: ["create"], identifier }] },
      interact: { start: ["redirect"], finish: { method: "redirect", uri: "http://localhost/back", nonce: "n" } },
    });
  }`,
    client,
    sandbox.authServer,
    sandbox.walletAddress,
  );
}
