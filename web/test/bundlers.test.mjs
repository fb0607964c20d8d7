// The package from its tarball, in the build tools, runtimes and test runners that people have: each project of
// bundlers/ is built and walked in real browsers, or run, and continues a grant there.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { browsers } from "./harness/browsers.mjs";
import { assertContinued, packageVersion, startServerOf, timeout, walk as walkWith } from "./harness/projects.mjs";
import { startServer } from "./harness/server.mjs";
import { startStatic } from "./harness/static.mjs";
import { installed, installPackage, projects, runTool, scratch, toolPath } from "./harness/tarball.mjs";

const immutable = { "cache-control": "public, max-age=31536000, immutable" };
const wasm = "open-payments.wasm";

let server;
const opened = []; // { name, browser }
// Next.js asks the registry for packages of other platforms otherwise, and a registry may be silent for minutes.
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: "1", NEXT_IGNORE_INCORRECT_LOCKFILE: "1", NODE_ENV: undefined };

before(
  async () => {
    installPackage();
    server = await startServer();
    for (const { name, launch } of browsers) opened.push({ name, browser: await launch() });
  },
  { timeout: 400_000 },
);

after(async () => {
  await Promise.all([server?.close(), ...opened.map(({ browser }) => browser.close())]);
});

/** Opens a page and continues a grant in each place that it knows. */
const walk = (browser, url, places) => walkWith(server, browser, url, places);

/** Builds a project from nothing. */
function build(project, tool, ...args) {
  for (const folder of ["out", ".next"]) rmSync(join(projects, project, folder), { recursive: true, force: true });
  runTool(tool, args, { cwd: join(projects, project), env });
}

/** Serves folders for the time of a test. */
async function serve(t, folders, options) {
  const site = await startStatic(folders, options);
  t.after(() => site.close());
  return site;
}

const allProjects = { "/open-payments-wasm/": installed, "/": projects };

describe("built", () => {
  const built = {
    Vite: { build: () => build("vite", "vite", "build", "--logLevel", "warn"), folder: "vite/out", places: ["page", "worker"] },
    webpack: { build: () => build("webpack", "webpack"), folder: "webpack", places: ["page", "worker"] },
    Rollup: { build: () => build("rollup", "rollup", "-c", "--silent"), folder: "rollup", places: ["page"] },
    esbuild: { build: () => buildWithEsbuild(), folder: "esbuild", places: ["page", "serviceWorker"] },
  };
  for (const [tool, { build, folder, places }] of Object.entries(built)) {
    test(`${tool}: ${places.join(", ")}`, { timeout }, async (t) => {
      build();
      // Only what was built is there, no node_modules.
      const site = await serve(t, { "/": join(projects, folder) });
      for (const { browser } of opened) await walk(browser, `${site.origin}/`, places);
    });
  }
});

function buildWithEsbuild() {
  rmSync(join(projects, "esbuild/out"), { recursive: true, force: true });
  execFileSync(process.execPath, ["build.js"], { cwd: join(projects, "esbuild"), timeout });
}

test("the Content-Security-Policy of the README is enough", { timeout }, async (t) => {
  build("vite", "vite", "build", "--logLevel", "warn");
  const [, policy] = /^Content-Security-Policy: (.*)$/m.exec(readFileSync(join(installed, "README.md"), "utf8"));
  const ours = policy.replace("https://wallet.example https://auth.wallet.example", server.origin);
  assert.notEqual(ours, policy);
  const site = await serve(t, { "/": join(projects, "vite/out") }, { headers: { "content-security-policy": ours } });
  for (const { browser } of opened) await walk(browser, `${site.origin}/`, ["page", "worker"]);
});

describe("Vite's development server", () => {
  const versions = { vite: [], vite7: ["--config", "vite7.config.js"] };
  for (const [tool, args] of Object.entries(versions)) {
    test(tool, { timeout }, async (t) => {
      const origin = await start(t, "vite", tool, ["--port", "0", ...args]);
      for (const { browser } of opened) await walk(browser, origin, ["page", "worker"]);
    });
  }
});

test("Next.js renders on the server and continues in the browser", { timeout: 2 * timeout }, async (t) => {
  build("next", "next", "build");
  const origin = await start(t, "next", "next", ["start", "--port", "0", "--hostname", "127.0.0.1"]);
  const html = await (await fetch(origin)).text();
  assert.match(html, new RegExp(`<p>open-payments-wasm ${packageVersion()}</p>`));
  for (const { browser } of opened) await walk(browser, origin, ["page"]);
});

/** Starts a project's own server, on a port that it chooses, and returns its address. */
const start = (t, project, tool, args) =>
  startServerOf(t, process.execPath, [toolPath(tool), ...args], { cwd: join(projects, project), env });

describe("without any build", () => {
  test("a page, and workers of all kinds", { timeout }, async (t) => {
    const site = await serve(t, allProjects);
    for (const { browser } of opened) await walk(browser, `${site.origin}/plain/`, ["page", "worker", "sharedWorker", "serviceWorker"]);
  });

  test("the precompressed copies are taken", { timeout }, async (t) => {
    const copies = scratch();
    const whole = readFileSync(join(installed, wasm));
    writeFileSync(join(copies, wasm), whole);
    writeFileSync(join(copies, `${wasm}.gz`), gzipSync(whole, { level: 1 }));
    writeFileSync(join(copies, `${wasm}.br`), brotliCompressSync(whole, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }));
    const site = await serve(t, { [`/open-payments-wasm/${wasm}`]: join(copies, wasm), ...allProjects });
    for (const { name, browser } of opened) {
      site.requests.length = 0;
      await walk(browser, `${site.origin}/plain/`, ["page"]);
      const [{ encoding, bytes }] = site.for(wasm);
      assert.ok(["br", "gzip"].includes(encoding), `${name} took ${encoding}`);
      assert.ok(bytes < whole.length / 2);
    }
  });

  test("on the way back from the wallet, the module comes from the cache", { timeout }, async (t) => {
    const site = await serve(t, allProjects, { headers: immutable });
    for (const { browser } of opened) {
      site.requests.length = 0;
      await walk(browser, `${site.origin}/plain/`, ["page"]);
      await walk(browser, `${site.origin}/plain/?interact_ref=1`, ["page"]);
      assert.equal(site.for(wasm).length, 1);
    }
  });

  test("a preload link starts the only download, and one without crossorigin a second", { timeout }, async (t) => {
    const files = { "/plain/without.html": (html) => html.replace(" crossorigin", "") };
    const site = await serve(
      t,
      { "/plain/without.html": join(projects, "plain/preload.html"), ...allProjects },
      {
        headers: { "cache-control": "no-store" }, // the HTTP cache is not to hide a second download
        change: (path, content) => files[path]?.(String(content)) ?? content,
      },
    );
    for (const { name, browser } of opened) {
      for (const [pageName, downloads] of [
        ["preload", 1],
        ["without", 2],
      ]) {
        site.requests.length = 0;
        await walk(browser, `${site.origin}/plain/${pageName}.html`, ["page"]);
        assert.equal(site.for(wasm).length, downloads, `${name}, ${pageName}.html`);
        assert.equal(site.for("index.js").length, 1, "modulepreload");
      }
    }
  });
});

const base = "/open-payments-wasm@1/"; // of the package, on the other origin

describe("from another origin, with integrity", () => {
  /** Serves the package on one origin and a page that uses it on another. A file can have another byte. */
  async function startBoth(t, tampered) {
    const headers = { "access-control-allow-origin": "*" };
    const files = tampered ? { [tampered]: withAnotherByte(tampered) } : {};
    const packages = await serve(t, { ...files, [base]: installed, "/": projects }, { headers });
    const page = scratch();
    writeFileSync(join(page, "index.html"), pageWithIntegrity(packages.origin));
    return { packages, site: await serve(t, { "/": page }) };
  }

  test("a page continues a grant", { timeout }, async (t) => {
    const { packages, site } = await startBoth(t);
    for (const { browser } of opened) await walk(browser, `${site.origin}/`, ["page"]);
    assert.equal(packages.for(wasm).length, opened.length);
  });

  for (const file of ["/plain/elsewhere.js", `${base}index.js`]) {
    test(`${file} with another byte is not run`, { timeout }, async (t) => {
      const { packages, site } = await startBoth(t, file);
      for (const { browser } of opened) {
        const page = await browser.newPage();
        t.after(() => page.close());
        await page.goto(`${site.origin}/`); // resolves when all scripts have run, or failed
        assert.equal(await page.evaluate("typeof project"), "undefined");
      }
      assert.ok(packages.for(file).length > 0);
    });
  }

  test("a module with another byte is not compiled", { timeout }, async (t) => {
    const { site } = await startBoth(t, base + wasm);
    for (const { browser } of opened) {
      const page = await browser.newPage();
      t.after(() => page.close());
      await page.goto(`${site.origin}/`);
      await page.waitForFunction("globalThis.project !== undefined", { timeout });
      const call = `project.page(${JSON.stringify(server.continuation("continue"))}).then(() => "continued", (error) => error.name)`;
      assert.equal(await page.evaluate(call), "TypeError");
    }
  });
});

/** Writes a copy of a served file with one more byte and returns where it is: no compressed copy lies beside it. */
function withAnotherByte(path) {
  const file = path.startsWith(base) ? join(installed, path.slice(base.length)) : join(projects, path);
  const copy = join(scratch(), basename(file));
  writeFileSync(copy, Buffer.concat([readFileSync(file), Buffer.from("\n")]));
  return copy;
}

/** integrity.json says what each file of the package must be; ours are hashed here. */
function pageWithIntegrity(origin) {
  const sums = JSON.parse(readFileSync(join(installed, "integrity.json")));
  const hash = (file) =>
    `sha384-${createHash("sha384")
      .update(readFileSync(join(projects, file)))
      .digest("base64")}`;
  const importMap = {
    imports: { "open-payments-wasm": `${origin}${base}index.js` },
    integrity: {
      ...Object.fromEntries(Object.entries(sums).map(([file, sum]) => [new URL(file, origin + base).href, sum])),
      [`${origin}/continue.js`]: hash("continue.js"),
    },
  };
  return `<!doctype html>
    <link rel="icon" href="data:,">
    <script type="importmap">${JSON.stringify(importMap)}</script>
    <script type="module" src="${origin}/plain/elsewhere.js" integrity="${hash("plain/elsewhere.js")}" crossorigin></script>`;
}

describe("tests of an application that uses the package", () => {
  const withModules = { NODE_OPTIONS: "--experimental-vm-modules" };
  const tools = {
    "Vitest, in Node and in jsdom": { tool: "vitest", args: ["run"] },
    "Jest, in Node and in jsdom": { tool: "jest", args: [], more: withModules },
    "Jest in jsdom, without what that lacks": { tool: "jest", args: ["--config", "bare.config.js"], more: withModules },
  };
  for (const [name, { tool, args, more }] of Object.entries(tools)) {
    test(name, { timeout }, () => {
      try {
        runTool(tool, args, { cwd: join(projects, tool), env: { ...env, ...more } });
      } catch ({ message, stdout }) {
        throw new Error(`${message}\n${stdout}`);
      }
    });
  }
});

/** Runs a script that continues a grant and prints it, and asserts that it did. */
async function runScript(command, args) {
  // No timer may outlive the call: the process would not end.
  const options = { ...server.continuation("continue"), timeoutMs: 2 ** 31 - 1 };
  const { stdout } = await promisify(execFile)(command, [...args, JSON.stringify(options)], { cwd: projects, timeout, env });
  await assertContinued(server, options, JSON.parse(stdout));
}

describe("Node", () => {
  const versions = { "the one that runs the tests": process.execPath, 22: join(projects, "node_modules/node/bin/node") };
  for (const [name, node] of Object.entries(versions)) test(name, { timeout }, () => runScript(node, ["node/continue.js"]));
});

test("Bun", { timeout }, () => runScript(toolPath("bun"), ["run", "node/continue.js"]));

describe("Deno", () => {
  const run = (...permissions) => runScript(toolPath("deno"), ["run", "--no-lock", "--no-prompt", ...permissions, "deno/continue.js"]);
  const network = () => `--allow-net=${new URL(server.origin).host}`;

  test("with leave to read the package and to reach the server", { timeout }, () =>
    run(network(), "--allow-read=node_modules/open-payments-wasm"),
  );

  test("without leave to read, the error says so", { timeout }, () => assert.rejects(run(network()), /open-payments\.wasm.*--allow-read/));
});

// The public half of the key in workerd/config.capnp.
const jwkOfWorker = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", kid: "worker-1" };

test("workerd: one request after another, and many at once", { timeout }, async (t) => {
  const origin = await startWorker(t);
  const ask = async () => {
    const options = server.continuation("slow");
    const response = await fetch(origin, { method: "POST", body: JSON.stringify(options) });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    await assertContinued(server, options, { grant: JSON.parse(text), jwk: jwkOfWorker, version: packageVersion() });
  };
  await ask();
  await Promise.all(Array.from({ length: 20 }, ask));
});

/** Starts the worker and returns its address. */
async function startWorker(t) {
  const args = ["serve", "--control-fd=1", join(projects, "workerd/config.capnp")];
  const child = spawn(toolPath("workerd"), args, { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill();
    await ended;
  });
  const [line] = await Promise.race([once(createInterface(child.stdout), "line"), ended]);
  return `http://127.0.0.1:${JSON.parse(line).port}/`;
}
