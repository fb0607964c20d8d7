// The package from its tarball in frameworks that lose its modules, or write them into scripts, unless they are told not to.
// They are too slow to install for every change.

import assert from "node:assert/strict";
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execFileSync } from "node:child_process";
import { browsers, launchChromium } from "../harness/browsers.mjs";
import { continueIn, startServerOf, timeout, walk } from "../harness/projects.mjs";
import { startServer } from "../harness/server.mjs";
import { startStatic } from "../harness/static.mjs";
import { installPackage } from "../harness/tarball.mjs";

const folder = fileURLToPath(new URL("frameworks", import.meta.url));
const node = join(folder, "node_modules/node/bin/node"); // they need a newer one than the tests
const mega = 2 ** 20;

let server;
const opened = [];

before(
  async () => {
    installPackage(folder);
    server = await startServer();
    for (const { launch } of browsers) opened.push(await launch());
  },
  { timeout: 600_000 },
);

after(() => Promise.all([server?.close(), ...opened.map((browser) => browser.close())]));

/** Builds a project from nothing, in a folder of ours. */
function build(project, out, tool, ...args) {
  rmSync(join(folder, project, out), { recursive: true, force: true });
  const cwd = tool === "ng" ? folder : join(folder, project);
  execFileSync(node, [join(folder, "node_modules/.bin", tool), ...args], { cwd, timeout, stdio: ["ignore", "ignore", "inherit"] });
  return join(folder, project, out);
}

/** Asserts that the modules are files of what was built, and in no script. */
function assertSeparate(built) {
  const files = readdirSync(built, { recursive: true }).map(String);
  assert.equal(files.filter((name) => name.endsWith(".wasm")).length, 2);
  for (const name of files.filter((name) => name.endsWith(".js"))) assert.ok(statSync(join(built, name)).size < mega, name);
}

test("Angular", { timeout: 2 * timeout }, async (t) => {
  const built = join(build("angular", "out", "ng", "build"), "browser");
  assertSeparate(built);
  const site = await startStatic({ "/": built });
  t.after(() => site.close());
  for (const browser of opened) await walk(server, browser, `${site.origin}/`, ["page"]);
});

test("SvelteKit, in the browser and on the server", { timeout: 2 * timeout }, async (t) => {
  const built = build("sveltekit", "out", "vite", "build");
  assertSeparate(join(built, "client"));
  const origin = await startServerOf(t, node, ["index.js"], { cwd: built, env: { ...process.env, HOST: "127.0.0.1", PORT: "0" } });
  for (const browser of opened) await walk(server, browser, `${origin}/`, ["page", "server"]);
});

test("WXT: an extension's worker and popup in Chromium", { timeout: 2 * timeout }, async (t) => {
  const built = join(build("wxt", ".output", "wxt", "build"), "chrome-mv3");
  assertSeparate(built);
  const browser = await launchChromium({ enableExtensions: [built] });
  t.after(() => browser.close());
  const target = await browser.waitForTarget((target) => target.type() === "service_worker");
  await continueIn(server, await target.worker(), "worker");
  await walk(server, browser, new URL("popup.html", target.url()).href, ["page"]);
});

test("WXT: for Firefox, whose background page is a module too", { timeout: 2 * timeout }, () => {
  assertSeparate(join(build("wxt", ".output", "wxt", "build", "-b", "firefox"), "firefox-mv3"));
});
