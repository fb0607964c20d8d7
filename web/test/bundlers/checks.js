// What the tests of an application do, in Node and in jsdom: keys, and a grant continued against a mock of fetch. Nothing
// but the first check needs to know where the module is.

import { continueGrant, generateKey, importKey, init, publicJwk } from "open-payments-wasm";

const pem = `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----`; // RFC 8037 A.1
const jwk = {
  kty: "OKP",
  crv: "Ed25519",
  d: "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
  x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
};
const granted = {
  access_token: { value: "issued", manage: "https://auth.wallet.example/manage/1", access: [] },
  continue: { access_token: { value: "next" }, uri: "https://auth.wallet.example/continue/1" },
};

const installed = "./node_modules/open-payments-wasm/";

export const checks = {
  "the module, by the address of its file": async (expect) => {
    const address = (name) => new URL(installed + name, import.meta.url);
    expect(await init({ wasm: address("open-payments.wasm"), deferred: address("open-payments.deferred.wasm") })).toBe(undefined);
  },
  "a key as PEM": async (expect) => {
    expect(publicJwk(await importKey(pem)).x).toBe(jwk.x);
  },
  "a key as JWK": async (expect) => {
    expect(publicJwk(await importKey(jwk)).x).toBe(jwk.x);
  },
  "a grant, continued with a new key against a mock of fetch": async (expect) => {
    const requests = [];
    const fetch = async (url, { headers }) => {
      requests.push({ url, headers });
      return { ok: true, status: 200, headers: new Map([["content-type", "application/json"]]), json: async () => granted };
    };
    const key = await generateKey({ keyId: "shop-1" });
    const grant = await continueGrant({ url: "https://auth.wallet.example/continue/1", accessToken: "t", interactRef: "r", key, fetch });
    expect(grant).toEqual(granted);
    expect(requests.length).toBe(1);
    expect(Object.values(requests[0].headers).join()).toContain('keyid="shop-1"');
  },
};
