// A page without a secure context: no Web Locks, no crypto.subtle and no crypto.randomUUID. Claims live by their age there.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { browsers } from "./harness/browsers.mjs";
import { interactionHash } from "./harness/grants.mjs";
import { Lab } from "./harness/lab.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;
const host = "shop.test"; // which the browsers are told to find here
const resolving = {
  args: [`--host-resolver-rules=MAP ${host} 127.0.0.1`],
  extraPrefsFirefox: { "network.dns.localDomains": host },
};
const endpoint = "http://wallet.example/auth"; // useHttp, as the page itself has no https
const request = {
  access_token: { access: [{ type: "quote", actions: ["create"] }] },
  interact: { start: ["redirect"], finish: { method: "redirect", uri: `http://${host}/callback`, nonce: "a nonce of the test" } },
};

for (const { name, launch } of browsers) {
  describe(name, { timeout: 3 * timeout }, () => {
    let browser, site;

    before(async () => {
      const { args, extraPrefsFirefox } = resolving;
      [browser, site] = await Promise.all([launch(name === "Chromium" ? { args } : { extraPrefsFirefox }), startSite()]);
    });

    after(() => Promise.all([browser?.close(), site?.close()]));

    /** Opens a page whose client is answered by a server in it. */
    async function open(t) {
      const page = await browser.newPage();
      t.after(() => page.close());
      await page.goto(`${site.origin.replace("127.0.0.1", host)}/blank.html`);
      await page.evaluate(`(async () => {
        const openPayments = await import("/dist/index.js");
        const next = { uri: "https://wallet.example/c", access_token: { value: "a-continuation-token" } };
        const grant = { interact: { redirect: "https://wallet.example/", finish: "server-nonce" }, continue: next };
        const sent = [];
        const fetch = async (url) => {
          sent.push(String(url));
          if (!url.endsWith("/c")) return Response.json(grant);
          await new Promise((resolve) => { globalThis.release = resolve; });
          return Response.json({ access_token: { value: "issued-to-this-page" } });
        };
        const key = { keyId: "key", sign: () => new Uint8Array(64) };
        const clientWith = (fetch) => openPayments.createAuthenticatedClient({
          walletAddressUrl: "https://client.example/", key, fetch, useHttp: true,
        });
        const signed = async (body) => {
          let sent;
          const client = await clientWith(async (url, options) => { sent = options; return new Response(); });
          await client.fetch("https://wallet.example/", { method: "POST", body });
          return { headers: sent.headers, bytes: sent.body.length };
        };
        globalThis.lab = { sent, signed, client: await clientWith(fetch) };
      })()`);
      return { page, run: Lab.prototype.run };
    }

    const callbackFor = (reference) => {
      const parts = { clientNonce: request.interact.finish.nonce, serverNonce: "server-nonce", reference, endpoint };
      return `http://${host}/callback?${new URLSearchParams({ interact_ref: reference, hash: interactionHash(parts) })}`;
    };
    const finish = (tab, callback) =>
      tab.run(
        (callback) =>
          lab.client.grant.finish(callback).then(
            ({ access_token }) => access_token.value,
            ({ code }) => code,
          ),
        callback,
      );

    test("a body is digested by Go, where there is no WebCrypto", { timeout }, async (t) => {
      const tab = await open(t);
      for (const body of ["", "a body with an é", "0123456789".repeat(500_000)]) {
        const call = `lab.signed(${JSON.stringify(body)})`;
        const { headers, bytes } = await tab.run(call);
        const sum = createHash("sha512").update(body).digest("base64");
        assert.deepEqual([headers["content-digest"], bytes], [body ? `sha-512=:${sum}:` : undefined, Buffer.byteLength(body)]);
        assert.equal(/"content-digest" "content-length" "content-type"/.test(headers["signature-input"]), body !== "");
      }
    });

    test("a grant is started and finished, once for two tabs", { timeout }, async (t) => {
      const [first, second] = [await open(t), await open(t)];
      const lacking = await first.run(() => [isSecureContext, typeof navigator.locks, typeof crypto.subtle, typeof crypto.randomUUID]);
      assert.deepEqual(lacking, [false, "undefined", "undefined", "undefined"]);
      await first.run((url, request) => lab.client.grant.start({ url }, request), endpoint, request);
      const callback = callbackFor("the-reference");
      const finishing = finish(first, callback);
      await first.page.waitForFunction("globalThis.release", { polling: 50 });
      const waiting = finish(second, callback);
      await new Promise((resolve) => setTimeout(resolve, 500));
      await first.page.evaluate("release()");
      assert.equal(await finishing, "issued-to-this-page");
      assert.equal(await waiting, "finished_elsewhere");
      assert.deepEqual(await second.run(() => lab.sent), []);
    });
  });
}
