// Values of another realm, for every argument of every export: of a frame in browsers, of a vm context in
// Node. They count by what they can do.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import vm from "node:vm";
import { browsers } from "./harness/browsers.mjs";
import { dist } from "./harness/packages.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;

/**
 * By the export that they call, functions that run in the page or in Node, and return true. `sdk` is the
 * package, `fresh` makes another copy of it that has loaded nothing, `make` evaluates a text in the other realm,
 * `respond` makes a fetch of that realm, `isWeb` tells whether the realm has more than the language has.
 */
const cases = {
  async init({ fresh, make, bytes, isWeb }) {
    const sources = [
      "(bytes) => new Uint8Array(bytes)",
      "(bytes) => new Uint8Array(bytes).buffer",
      "(bytes) => new DataView(new Uint8Array(bytes).buffer)",
      "(bytes) => new WebAssembly.Module(new Uint8Array(bytes))",
    ];
    const ofTheWeb = [
      "(bytes) => new Response(new Uint8Array(bytes), { headers: { 'content-type': 'application/wasm' } })",
      "(bytes) => new Response(new Uint8Array(bytes))",
      "(bytes, url) => new URL(url)",
    ];
    for (const source of isWeb ? [...sources, ...ofTheWeb] : sources) {
      const { sdk, url } = await fresh();
      const wasm = make(source)(bytes, url);
      await sdk.init(make("(wasm) => ({ wasm })")(wasm));
    }
    return true;
  },
  async continueGrant({ sdk, make, respond, granted, isWeb }) {
    const where = isWeb ? "url: new URL('https://as.example/c'), signal: new AbortController().signal" : "url: 'https://as.example/c'";
    const rest = "accessToken: 't', interactRef: 'r', timeoutMs: 30000, useHttp: false, validateResponses: true";
    for (const sign of ["async () => new Uint8Array(64)", "() => new ArrayBuffer(64)", "async () => new DataView(new ArrayBuffer(64))"]) {
      const options = make(`(fetch) => ({ ${where}, ${rest}, fetch, key: { keyId: 'k', sign: ${sign} } })`);
      const grant = await sdk.continueGrant(options(respond(granted)));
      if (grant.access_token.value !== "v") return grant;
    }
    return true;
  },
  async pollGrant({ sdk, make, respond, granted }) {
    const options = make(`(fetch) => ({
      url: 'https://as.example/c', accessToken: 't', wait: 0, fetch, onProgress() {}, key: { keyId: 'k', sign: () => new Uint8Array(64) },
    })`);
    return (await sdk.pollGrant(options(respond(granted)))).access_token.value === "v";
  },
  async verifyInteractionHash({ sdk, make, isWeb }) {
    for (const endpoint of isWeb ? ["'https://as.example/'", "new URL('https://as.example/')"] : ["'https://as.example/'"]) {
      const options = make(
        `{ clientNonce: 'c', serverNonce: 's', interactRef: 'r', hash: 'h', grantEndpoint: ${endpoint}, hashMethod: 'sha-256' }`,
      );
      const { code } = await sdk.verifyInteractionHash(options).catch((error) => error);
      if (code !== "hash_mismatch") return code;
    }
    return true;
  },
  async generateKey({ sdk, make }) {
    return (await sdk.generateKey(make("{ keyId: 'k', extractable: false, fallback: true }"))).keyId === "k";
  },
  async importKey({ sdk, make, jwk, isWeb }) {
    const materials = [
      make("(jwk) => ({ ...jwk })")(jwk),
      make("(jwk) => ({ keys: [{ ...jwk }] })")(jwk),
      make("new Uint8Array(32).fill(7)"),
      make("new Uint8Array(32).fill(7).buffer"),
    ];
    if (isWeb) materials.push(await make("crypto.subtle.generateKey('Ed25519', false, ['sign', 'verify'])"));
    for (const material of materials) {
      const { keyId } = await sdk.importKey(material, make("{ keyId: 'k', fallback: true }"));
      if (keyId !== "k") return keyId;
    }
    return true;
  },
  async publicJwk({ sdk, make }) {
    const key = await sdk.generateKey();
    const copy = make("(key, bytes) => ({ ...key, publicKey: new Uint8Array(bytes) })")(key, [...key.publicKey]);
    return sdk.publicJwk(copy).x === sdk.publicJwk(key).x;
  },
  async jwks({ sdk, make }) {
    const key = await sdk.generateKey();
    const copy = make("(key, bytes) => ({ ...key, publicKey: new Uint8Array(bytes) })")(key, [...key.publicKey]);
    return sdk.jwks(...make("(key) => [key]")(copy)).keys.length === 1;
  },
  async checkPublished({ sdk, make, respond, isWeb }) {
    const key = await sdk.generateKey();
    const address = isWeb ? make("new URL('https://wallet.example/shop')") : make("{ href: 'https://wallet.example/shop' }");
    const options = make("(fetch) => ({ fetch })")(respond(JSON.stringify(sdk.jwks(key))));
    await sdk.checkPublished(make("(key) => ({ ...key })")(key), address, options);
    return true;
  },
  async saveKey({ sdk, make, isWeb }) {
    if (!isWeb) return true; // there is no IndexedDB
    const key = await sdk.generateKey({ keyId: "saved" });
    await sdk.saveKey("realm", make("(key) => ({ ...key })")(key), make("{ persist: false }"));
    const { keyId } = await sdk.loadKey("realm");
    await sdk.deleteKey("realm");
    return keyId === "saved";
  },
  async createAuthenticatedClient({ sdk, make, respond, granted, isWeb }) {
    const pendingGrant = granted.replace(/"access_token":.*?\]\}/, '"interact":{"redirect":"https://as.example/i","finish":"n"}');
    const walletAddressUrl = make(isWeb ? "new URL('https://wallet.example/shop')" : "{ href: 'https://wallet.example/shop' }");
    const clientWith = async (body, store) => {
      const options = make(`(walletAddressUrl, fetch, store) => ({
        walletAddressUrl, fetch, store, key: { keyId: 'k', sign: () => new ArrayBuffer(64) },
        requestTimeoutMs: 30000, useHttp: false, validateResponses: true,
      })`);
      return sdk.createAuthenticatedClient(options(walletAddressUrl, respond(body, body ? 200 : 204), store));
    };
    const at = (path) => {
      const url = `'https://as.example/${path}'`;
      return make(`{ accessToken: 't', ${isWeb ? `url: new URL(${url}), signal: new AbortController().signal` : `url: ${url}`} }`);
    };
    const within = () => make("(store) => ({ store, ignoreGone: true })")(store);
    const access = "access_token: { access: [{ type: 'quote', actions: ['read'] }] }";
    const finish = isWeb ? "new URL('https://shop.example/back')" : "'https://shop.example/back'";
    const store = make(`((map) => ({
      get: (key) => map.get(key), set: (key, value) => void map.set(key, value), delete: (key) => void map.delete(key),
    }))(new Map())`);

    const asking = await clientWith(pendingGrant, store);
    const jwk = sdk.publicJwk(await sdk.generateKey());
    await asking.grant.request(at(""), make(`{ ${access} }`), make("(jwk) => ({ jwk: { ...jwk } })")(jwk));
    const asked = make(`{ ${access}, interact: { start: ['redirect'], finish: { method: 'redirect', uri: ${finish} } } }`);
    const started = await asking.grant.start(at(""), asked, within());
    const [pending] = await asking.grant.pending(within());
    const back = "'https://shop.example/back?result=grant_rejected'";
    const { code } = await asking.grant.finish(make(isWeb ? `new URL(${back})` : back), within()).catch((error) => error);
    await asking.grant.forget(pending.id, within());
    const continued = await (await clientWith(granted)).grant.continue(at("c"), make("{ interact_ref: 'r' }"));
    const rotated = await (await clientWith(granted)).token.rotate(at("m"));
    const spent = await clientWith('{"spentDebitAmount":null,"spentReceiveAmount":null}', store);
    const kept = await spent.withGrant(make(`(${granted})`), make("{ name: 'n' }"));
    const { url, signal } = at("rs");
    const { spentDebitAmount } = await kept.outgoingPayment.getGrantSpentAmounts(make("(url, signal) => ({ url, signal })")(url, signal));
    const opened = await spent.withGrant(make("(store) => ({ name: 'n', store })")(store));
    const { access_token: newest } = await opened.grant(make("{}"));
    const ending = await clientWith("");
    await ending.grant.cancel(at("c"), within());
    await ending.token.revoke(at("m"));
    const own = await clientWith(granted);
    const init = "method: 'POST', headers: { a: 'b' }, accessToken: 't', body: new Uint8Array(4)";
    const request = "{ url: 'https://rs.example/', method: 'POST', headers: { a: 'b' }, arrayBuffer: async () => new ArrayBuffer(4) }";
    const calls = [`[{ href: 'https://rs.example/' }, { ${init} }]`, `[${request}, { accessToken: 't' }]`];
    if (isWeb) calls.push(`[new URL('https://rs.example/'), { ${init}, signal: new AbortController().signal }]`);
    const statuses = await Promise.all(calls.map(async (args) => (await own.fetch(...make(args))).status));
    return (
      statuses.every((status) => status === 200) &&
      sdk.isPendingGrant(started) &&
      code === "interaction_rejected" &&
      spentDebitAmount === null &&
      newest.value === "v" &&
      [continued, rotated].every((grant) => grant.access_token.value === "v")
    );
  },
  async createUnauthenticatedClient({ sdk, make, respond, isWeb }) {
    const document = { id: "https://wallet.example/alice", assetCode: "USD", assetScale: 2 };
    const servers = { authServer: "https://as.example/", resourceServer: "https://rs.example/" };
    const fetch = respond(JSON.stringify({ ...document, ...servers }));
    const client = await sdk.createUnauthenticatedClient(make("(fetch) => ({ fetch, useHttp: false, requestTimeoutMs: 30000 })")(fetch));
    const { id } = document;
    const target = make(isWeb ? `{ url: new URL('${id}'), signal: new AbortController().signal }` : `{ url: { href: '${id}' } }`);
    return (await client.walletAddress.get(target)).id === id;
  },
  async toDecimal({ sdk, make }) {
    return sdk.toDecimal(make("{ value: '1250', assetScale: 2 }")) === "12.50";
  },
  async webStorage({ sdk, make }) {
    const storage = make(`((map) => ({
      length: 0, key: () => null, getItem: (key) => map.get(key) ?? null, setItem: (key, value) => void map.set(key, value), removeItem() {},
    }))(new Map())`);
    const store = sdk.webStorage(storage);
    await store.set("a", make("{ b: [1] }"));
    return store.get("a").b[0] === 1;
  },
  async extensionStorage({ sdk, make }) {
    const area = make(`((kept) => ({
      get: async (key) => ({ [key]: kept[key] }), set: async (items) => void Object.assign(kept, items), async remove() {},
    }))({})`);
    const store = sdk.extensionStorage(area);
    await store.set("a", make("{ b: [1] }"));
    return (await store.get("a")).b[0] === 1;
  },
  async cleanCallbackUrl({ sdk, make, isWeb }) {
    const url = make(isWeb ? "new URL('https://shop.example/?hash=h&interact_ref=r')" : "'https://shop.example/?hash=h&interact_ref=r'");
    return sdk.cleanCallbackUrl(url) === "https://shop.example/";
  },
  async redirectToWallet({ sdk, make, isWeb }) {
    const redirect = isWeb ? `${location.href}#wallet` : "https://wallet.example/"; // goes nowhere
    try {
      sdk.redirectToWallet(make("(redirect) => ({ interact: { redirect } })")(redirect));
      return location.hash === "#wallet";
    } catch ({ code }) {
      return code === "no_window" && !isWeb;
    }
  },
  async openWalletPopup({ sdk, make, isWeb }) {
    if (isWeb) globalThis.open = () => null;
    const options = make(isWeb ? "{ signal: new AbortController().signal, features: 'popup' }" : "{ features: 'popup' }");
    const { code } = await sdk
      .openWalletPopup(make("{ interact: { redirect: 'https://wallet.example/' } }"), options)
      .catch((error) => error);
    return code === (isWeb ? "popup_blocked" : "no_window");
  },
  async openWalletTab({ sdk, make, isWeb }) {
    const tabs = make(`{
      create: async () => ({ id: 1 }), remove: async () => {}, onRemoved: { addListener() {}, removeListener() {} },
      onUpdated: {
        addListener: (tell) => void Promise.resolve().then(() => tell(1, { url: 'https://shop.example/back?interact_ref=r&hash=h' })),
        removeListener() {},
      },
    }`);
    const finishUri = make(isWeb ? "new URL('https://shop.example/back')" : "'https://shop.example/back'");
    const signal = isWeb ? make("new AbortController().signal") : undefined;
    const options = make("(tabs, finishUri, signal) => ({ tabs, finishUri, signal })")(tabs, finishUri, signal);
    return (await sdk.openWalletTab(make("{ interact: { redirect: 'https://wallet.example/' } }"), options)).endsWith("hash=h");
  },
  async OpenPaymentsClientError({ sdk, make }) {
    const error = new sdk.OpenPaymentsClientError("m", make("{ code: 'timeout', cause: new Error('c'), details: { a: 1 } }"));
    return error.code === "timeout" && error.cause.message === "c" && error.details.a === 1;
  },
  async isPendingGrant({ sdk, make }) {
    return sdk.isPendingGrant(make("{ interact: { redirect: 'r' } }")) && !sdk.isPendingGrant(make("{}"));
  },
  async isFinalizedGrant({ sdk, make }) {
    return sdk.isFinalizedGrant(make("{ access_token: {} }")) && !sdk.isFinalizedGrant(make("{}"));
  },
  async isFinalizedGrantWithAccessToken({ sdk, make }) {
    return sdk.isFinalizedGrantWithAccessToken(make("{ access_token: {} }")) && !sdk.isFinalizedGrantWithAccessToken(make("{}"));
  },
  async isFinalizedGrantWithSubject({ sdk, make }) {
    return sdk.isFinalizedGrantWithSubject(make("{ subject: {} }")) && !sdk.isFinalizedGrantWithSubject(make("{}"));
  },
};

const withoutObjects = [
  "AccessAction",
  "AccessType",
  "buildInfo",
  "deleteKey",
  "listKeys",
  "loadKey",
  "memoryStorage",
  "returnToOpener",
  "toAmountValue",
];

const respondIn = `(body, status = 200) => async () => {
  const chunks = [{ done: false, value: Uint8Array.from(body, (char) => char.charCodeAt(0)) }, { done: true }];
  const getReader = () => ({ read: async () => chunks.shift(), cancel: async () => {} });
  return { status, ok: true, url: '', headers: new Map([['content-type', 'application/json']]), body: { getReader } };
}`;
const granted = JSON.stringify({
  access_token: { value: "v", manage: "https://as.example/m", access: [] },
  continue: { access_token: { value: "t" }, uri: "https://as.example/c" },
});
const jwk = {
  // RFC 8037 A.1
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};

describe("Node, and a vm context", { timeout }, () => {
  const address = pathToFileURL(join(dist(), "index.js")).href;
  const context = vm.createContext();
  const make = (text) => vm.runInContext(`(${text})`, context);
  let sdk,
    bytes,
    copies = 0;

  before(async () => {
    sdk = await import(address);
    bytes = await readFile(join(dist(), "open-payments.wasm"));
  });

  test("every export that takes objects is in the table", () => {
    assert.deepEqual(
      Object.keys(sdk)
        .filter((name) => !(name in cases))
        .sort(),
      withoutObjects,
    );
  });

  for (const [name, run] of Object.entries(cases)) {
    test(name, async () => {
      const fresh = async () => ({ sdk: await import(`${address}?${++copies}`) });
      assert.equal(await run({ sdk, fresh, make, bytes, jwk, granted, respond: make(respondIn), isWeb: false }), true);
    });
  }
});

for (const { name, launch } of browsers) {
  describe(`${name}, and a frame`, { timeout: 3 * timeout }, () => {
    let browser, site, page;

    before(async () => {
      [browser, site] = await Promise.all([launch(), startSite()]);
      page = await browser.newPage();
      await page.goto(`${site.origin}/blank.html`);
      await page.evaluate(`(async () => {
        const frame = document.body.appendChild(document.createElement("iframe")).contentWindow;
        const make = (text) => frame.eval("(" + text + ")");
        const url = "/dist/open-payments.wasm";
        let copies = 0;
        globalThis.given = {
          make, isWeb: true, respond: make(${JSON.stringify(respondIn)}), jwk: ${JSON.stringify(jwk)}, granted: ${JSON.stringify(granted)},
          sdk: await import("/dist/index.js"), bytes: await (await fetch(url)).arrayBuffer(),
          fresh: async () => ({ sdk: await import("/dist/index.js?" + ++copies), url: new URL(url, location).href }),
        };
      })()`);
    });

    after(() => Promise.all([browser?.close(), site?.close()]));

    for (const [name, run] of Object.entries(cases)) {
      test(name, { timeout }, async () => {
        const call = `({ ${run} }).${name}(given).catch((error) => error.name + ": " + error.message + " " + error.cause)`;
        assert.equal(await page.evaluate(call), true);
      });
    }
  });
}
