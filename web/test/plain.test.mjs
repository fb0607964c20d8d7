// The package that PLAIN=yes ./build.sh writes, for a Go that the post-linker does not know: the module is as Go's linker
// wrote it, and there is no deferred module. It does the same, and starts more slowly.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, describe, test } from "node:test";
import { browsers } from "./harness/browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { dist, distPlain } from "./harness/packages.mjs";
import { grantFor, startServer } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";
import { isAccepted } from "./harness/verify.mjs";

const timeout = 60_000;
const packed = dist();
process.env.DIST = distPlain(); // what the site serves

for (const { name, launch } of browsers) {
  describe(name, { timeout: 5 * timeout }, () => {
    let browser, site, server, lab;

    before(async () => {
      [browser, site, server] = await Promise.all([launch(), startSite(), startServer()]);
      lab = await Lab.open(browser, site);
    });

    after(() => Promise.all([browser?.close(), site?.close(), server?.close()]));

    test("continueGrant signs, sends and returns the grant", { timeout }, async () => {
      const options = server.continuation("continue");
      const { value, error } = await lab.continueGrant(options);
      assert.equal(error, undefined);
      const [request] = server.exchanges(options.url);
      assert.deepEqual(value, grantFor(request));
      assert.ok(await isAccepted(request, lab.publicJwk));
    });

    test("a key that Go holds needs no other file", { timeout }, async () => {
      const { value } = await lab.outcome(async () => {
        SubtleCrypto.prototype.generateKey = async () => {
          throw new DOMException("Unrecognized name.", "NotSupportedError");
        };
        const { backing } = await lab.generateKey();
        return { backing, deferred: typeof lab.buildInfo.deferred, tag: lab.buildInfo.tag };
      });
      assert.deepEqual(value, { backing: "wasm", deferred: "undefined", tag: "" });
      assert.equal(site.downloads("open-payments.deferred.wasm"), 0);
    });

    test("the module of a packed build is refused", { timeout }, async () => {
      await lab.page.reload();
      await lab.page.waitForFunction("globalThis.lab !== undefined", { polling: 50 });
      const { readFile } = await import("node:fs/promises");
      const module = (await readFile(join(packed, "open-payments.wasm"))).toString("base64");
      const { error } = await lab.outcome(
        async (module) => lab.init({ wasm: await (await fetch(`data:application/wasm;base64,${module}`)).arrayBuffer() }),
        module,
      );
      assert.equal(error?.code, "module_unavailable");
      assert.match(error.description, /open-payments\.wasm is not of the build that index\.js is of/);
    });
  });
}

test("in Node, and there is one file", { timeout }, async () => {
  assert.ok(!existsSync(join(dist(), "open-payments.deferred.wasm")));
  const { continueGrant, generateKey } = await import(pathToFileURL(join(dist(), "index.js")));
  const fetch = async () => new Response('{"access_token":{"value":"issued"}}', { headers: { "content-type": "application/json" } });
  const grant = await continueGrant({ url: "https://server.example/continue/1", accessToken: "token", key: await generateKey(), fetch });
  assert.deepEqual(grant, { access_token: { value: "issued" } });
});
