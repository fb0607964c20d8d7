// A wallet for tests: a function to give to a client in place of fetch. `requests` has what was sent.

import { createHash } from "node:crypto";

const authServer = "https://auth.wallet.example/";

const json = (body) => new Response(JSON.stringify(body), { headers: { "content-type": "application/json" } });

export function mockWallet() {
  const requests = [];
  let clientNonce;
  const responses = {
    [authServer]({ interact }) {
      clientNonce = interact.finish.nonce;
      const redirect = `${authServer}interact/1`;
      return { interact: { redirect, finish: "server-nonce" }, continue: { access_token: { value: "c" }, uri: `${authServer}continue/1` } };
    },
    [`${authServer}continue/1`]: () => ({
      access_token: { value: "token", manage: `${authServer}token/1`, access: [] },
      continue: { access_token: { value: "c" }, uri: `${authServer}continue/1` },
    }),
  };
  return {
    requests,
    authServer,
    async fetch(url, { method, headers, body }) {
      requests.push({ url, method, headers, body });
      return json(responses[url](JSON.parse(body)));
    },
    /** Where the wallet sends a person back to who has approved (RFC 9635 §4.2.3). */
    approved(finishUri, reference = "reference") {
      const hash = createHash("sha256").update([clientNonce, "server-nonce", reference, authServer].join("\n")).digest("base64url");
      return `${finishUri}?${new URLSearchParams({ hash, interact_ref: reference })}`;
    },
  };
}
