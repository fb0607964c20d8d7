// The package without each of the post-linker's passes, in every browser and in Node. `make soak`: each is a build of its own.
// With the snapshot left out the start needs the deferred module, so all of them get it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { browsers } from "../harness/browsers.mjs";
import { Lab } from "../harness/lab.mjs";
import { root } from "../harness/packages.mjs";
import { grantFor, startServer } from "../harness/server.mjs";
import { startSite } from "../harness/site.mjs";
import { isAccepted } from "../harness/verify.mjs";

const timeout = 300_000;
const scratch = mkdtempSync(join(tmpdir(), "passes-"));
after(() => rmSync(scratch, { recursive: true }));

const postlink = join(scratch, "postlink");
execFileSync("go", ["build", "-o", postlink, "./wasm/postlink/cmd/postlink"], { cwd: root });
const passes = execFileSync(postlink, ["-passes"], { encoding: "utf8" }).trim().split("\n");

for (const pass of [...passes, passes.join(",")]) {
  test(`without ${pass}`, { timeout: 3 * timeout }, async (t) => {
    const folder = join(scratch, pass);
    execFileSync(join(root, "build.sh"), [folder], {
      env: { ...process.env, COMPRESS: "no", OFF: pass },
      stdio: ["ignore", "ignore", "inherit"],
    });
    process.env.DIST = folder; // what the site serves
    for (const { name, launch } of browsers) await t.test(name, { timeout }, () => continues(launch));
    await t.test("Node", { timeout }, () => continuesInNode(folder));
  });
}

/** Continues a grant in a page, twice, the second time with a key that Go holds. */
async function continues(launch) {
  const [browser, site, server] = await Promise.all([launch(), startSite({ withDeferred: true }), startServer()]);
  try {
    const lab = await Lab.open(browser, site);
    const options = server.continuation("continue");
    const { value, error } = await lab.continueGrant(options);
    assert.equal(error, undefined);
    const [request] = server.exchanges(options.url);
    assert.deepEqual(value, grantFor(request));
    assert.ok(await isAccepted(request, lab.publicJwk));
    const { value: backing } = await lab.outcome(async () => {
      SubtleCrypto.prototype.generateKey = async () => {
        throw new DOMException("Unrecognized name.", "NotSupportedError");
      };
      return (await lab.generateKey()).backing;
    });
    assert.equal(backing, "wasm");
  } finally {
    await Promise.all([browser.close(), site.close(), server.close()]);
  }
}

function continuesInNode(folder) {
  const script = `
    const { continueGrant, generateKey } = await import(${JSON.stringify(pathToFileURL(join(folder, "index.js")))});
    const fetch = async () => new Response('{"access_token":{"value":"issued"}}', { headers: { "content-type": "application/json" } });
    const grant = await continueGrant({ url: "https://server.example/continue/1", accessToken: "token", key: await generateKey(), fetch });
    console.log(grant.access_token.value);`;
  assert.equal(execFileSync("node", ["--input-type=module", "-e", script], { encoding: "utf8" }), "issued\n");
}
