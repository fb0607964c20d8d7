// The package as a thing: what its checkers say, what it says of itself, that it is made the same
// everywhere, and that its documentation compiles.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { compile, compilers, compileSnippets, documentedValues, fencedBlocks, runCompiler, snippetsOf } from "./harness/examples.mjs";
import { deadLinks } from "./harness/links.mjs";
import { buildCopy, dist, root } from "./harness/packages.mjs";
import { installTools, pack, projects, runTool, scratch } from "./harness/tarball.mjs";

const timeout = 300_000;
const tests = fileURLToPath(new URL(".", import.meta.url));
const isNoPrecompressedCopy = (name) => !/\.(gz|br)$/.test(name);
const inPackage = (name) => readFileSync(join(dist(), name));
const textOf = (name) => inPackage(name).toString();
const hash = (algorithm, content, encoding) => createHash(algorithm).update(content).digest(encoding);
const go = (...args) =>
  execFileSync("go", args, { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28, env: { ...process.env, GOOS: "js", GOARCH: "wasm" } });

/** What is linked into the module, as Go says. */
const linked = () =>
  JSON.parse(`[${go("list", "-deps", "-json=Dir,GoFiles,SFiles,ImportPath,Module,Standard", "./wasm").replaceAll("\n}\n{", "\n},\n{")}]`);

describe("on npm", { timeout }, () => {
  before(() => installTools(), { timeout });

  test("publint finds nothing", () => {
    runTool("publint", ["run", "--strict", "--pack", "npm", dist()]);
  });

  test("attw finds nothing", () => {
    // That require() gets an ES module is what an ES module is.
    runTool("attw", [pack(), "--profile", "strict", "--ignore-rules", "cjs-resolves-to-esm"]);
  });

  test("the tarball has every file of the package, and nothing else", () => {
    const listed = execFileSync("tar", ["-tzf", pack()], { encoding: "utf8" }).trim().split("\n");
    assert.deepEqual(listed.map((name) => name.replace("package/", "")).sort(), readdirSync(dist()).sort());
  });

  test("what is not used is not bundled", async () => {
    const { build } = await import(pathToFileURL(join(projects, "node_modules/esbuild/lib/main.js")));
    const bundle = async (contents) => {
      const alias = { "open-payments-wasm": join(dist(), "index.js") };
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: projects },
        alias,
        bundle: true,
        minify: true,
        format: "esm",
        write: false,
        logLevel: "error",
      });
      return outputFiles[0].text.trim();
    };
    assert.equal(await bundle('import "open-payments-wasm"'), "");
    const small = await bundle('export { cleanCallbackUrl } from "open-payments-wasm"');
    assert.ok(small.includes("interact_ref") && !small.includes("WebAssembly"));
  });
});

describe("what it says of itself", { timeout }, () => {
  let buildInfo, exported;
  before(async () => {
    installTools();
    exported = await import(pathToFileURL(join(dist(), "index.js")));
    ({ buildInfo } = exported);
  });

  test("version, Go and modules", () => {
    assert.equal(buildInfo.version, JSON.parse(textOf("package.json")).version);
    assert.equal(buildInfo.go, go("env", "GOVERSION").trim());
    const modules = linked().flatMap(({ Module }) => (Module && !Module.Main ? [[Module.Path, Module.Version]] : []));
    assert.deepEqual(buildInfo.modules, Object.fromEntries(modules));
    for (const path of ["github.com/lestrrat-go/jwx/v2", "github.com/yaronf/httpsign", "github.com/hack-pad/safejs"])
      assert.ok(path in buildInfo.modules);
  });

  test("the module and its deferred part", () => {
    const infoOf = (content) => ({
      bytes: content.length,
      sha256: hash("sha256", content, "hex"),
      integrity: `sha256-${hash("sha256", content, "base64")}`,
    });
    assert.deepEqual(buildInfo.wasm, infoOf(inPackage("open-payments.wasm")));
    assert.deepEqual(buildInfo.deferred, infoOf(inPackage("open-payments.deferred.wasm")));
  });

  // The post-linker takes Go's table of functions out of the file and lets the module write it.
  test("the module's table of functions is not in the file, and in memory once it is instantiated", async () => {
    const row = (number) => Buffer.concat(Array.from({ length: 16 }, () => Buffer.from(Uint32Array.of(number, 0, 0, 0, 0).buffer)));
    const start = Buffer.concat([row(1), row(2), row(3)]);
    const wasm = inPackage("open-payments.wasm");
    assert.ok(!wasm.includes(start), "in the file");
    const imports = Object.fromEntries(WebAssembly.Module.imports(new WebAssembly.Module(wasm)).map(({ name }) => [name, () => {}]));
    const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(wasm), { gojs: imports });
    const memory = Buffer.from(exports.mem.buffer);
    let at = memory.indexOf(start);
    let functions = 0;
    for (; memory.subarray(at, at + start.length / 3).equals(row(functions + 1)); at += start.length / 3) functions += 1;
    assert.ok(functions > 3_000, `${functions} functions`);
  });

  test("nobody can change it", () => {
    for (const object of [buildInfo, buildInfo.modules, buildInfo.wasm, buildInfo.deferred]) assert.ok(Object.isFrozen(object));
  });

  test("integrity.json has every file that a page loads", () => {
    const files = readdirSync(dist()).filter((name) => name.endsWith(".js") || name.endsWith(".wasm"));
    const expected = files.map((name) => [`./${name}`, `sha384-${hash("sha384", inPackage(name), "base64")}`]);
    assert.deepEqual(JSON.parse(textOf("integrity.json")), Object.fromEntries(expected));
  });

  test("the precompressed copies are copies", () => {
    for (const name of ["open-payments.wasm", "open-payments.deferred.wasm"]) {
      for (const [extension, decompress] of Object.entries({ gz: gunzipSync, br: brotliDecompressSync })) {
        const copy = `${name}.${extension}`;
        if (existsSync(join(dist(), copy))) assert.deepEqual(decompress(inPackage(copy)), inPackage(name));
      }
    }
  });

  test("every export is declared and documented with an example, and nothing else is declared", () => {
    const values = documentedValues(textOf("index.d.ts"));
    assert.deepEqual(values.map(({ name }) => name).sort(), Object.keys(exported).sort());
    assert.deepEqual(
      values.filter(({ doc }) => doc === "").map(({ name }) => name),
      [],
      "without a comment",
    );
    assert.deepEqual(
      values.filter(({ examples }) => examples.length === 0).map(({ name }) => name),
      [],
      "without an example",
    );
  });

  test("every example shows what it is an example of", () => {
    for (const [name, code] of Object.entries(examples)) {
      assert.match(code, new RegExp(`import .*\\b${name.split("-")[0]}\\b.* from "open-payments-wasm"`), name);
    }
  });

  const examples = Object.fromEntries(
    documentedValues(textOf("index.d.ts")).flatMap(({ name, examples }) => examples.map(({ code }, i) => [`${name}-${i}.ts`, code])),
  );
  const packaged = ["README.md", "MIGRATING.md", "TOOLS.md", "THREATS.md", "CHANGELOG.md"];
  const ofRepository = ["README.md", ".github/CONTRIBUTING.md", ".github/SECURITY.md", "web/extension/README.md"];
  const pages = [...packaged.map((name) => `wasm/sdk/${name}`), ...ofRepository, "web/test/bundlers/README.md", "web/bench/README.md"];
  const platforms = { "a page": { lib: ["es2022", "dom"] }, Node: { lib: ["es2022"], types: ["node"] } };
  for (const [platform, options] of Object.entries(platforms)) {
    test(`every example and the code of every page compiles for ${platform}`, () => {
      const ofPages = pages.map((page) => snippetsOf(readFileSync(join(root, page), "utf8"), page.replaceAll("/", "-")));
      const snippets = Object.assign({}, examples, ...ofPages);
      assert.ok(Object.keys(snippets).length > 30);
      assert.deepEqual(compileSnippets(snippets, Object.keys(exported), options), []);
    });
  }

  test("the JSON of every page is JSON", () => {
    for (const page of pages) {
      for (const { language, code, line } of fencedBlocks(readFileSync(join(root, page), "utf8"))) {
        if (language === "json") assert.doesNotThrow(() => JSON.parse(code), `${page}, line ${line}`);
      }
    }
  });

  test("the README's make commands are there", () => {
    const shell = shellOf(readFileSync(join(root, "README.md"), "utf8"));
    for (const [, target] of shell.matchAll(/^make (\S+)/gm)) execFileSync("make", ["--dry-run", target], { cwd: root, stdio: "ignore" });
  });

  test("no page of the repository has a dead link", () => {
    for (const page of pages) assert.deepEqual(deadLinks(join(root, page), root), [], page);
  });

  test("no page of the package has a dead link, or one that leads out of it", () => {
    for (const page of packaged) assert.deepEqual(deadLinks(join(dist(), page), dist()), [], page);
  });

  test("what a page shows of a file that tests run is in that file", () => {
    const shown = pages.flatMap((page) => fencedBlocks(readFileSync(join(root, page), "utf8")).filter(({ file }) => file));
    assert.ok(shown.length > 5);
    for (const { file, code } of shown) assert.ok(readFileSync(join(projects, file), "utf8").includes(code.trim()), `${file}\n${code}`);
  });

  test("both READMEs say that there is no licence", () => {
    for (const readme of [join(root, "README.md"), join(dist(), "README.md")]) {
      assert.match(readFileSync(readme, "utf8"), /no licence has been chosen yet by the owner/);
    }
  });

  test("a Go developer does what the README says, in a module of their own", () => {
    const folder = scratch();
    const app = join(folder, "app");
    mkdirSync(app);
    symlinkSync(root, join(folder, "open-payments-wasm"));
    const readme = readFileSync(join(root, "README.md"), "utf8");
    const [{ code }] = fencedBlocks(readme).filter(({ language }) => language === "go");
    writeFileSync(join(app, "main.go"), code);
    const [commands] = /^go mod edit .*$/m.exec(shellOf(readme));
    const run = (script) => execFileSync("sh", ["-ec", script], { cwd: app, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout });
    run("go mod init example.test/app");
    run(commands);
    run("go vet .");
    assert.throws(() => run("go run ."), /KEY/); // it starts, and wants its settings
  });
});

/** The shell commands of a page. */
const shellOf = (markdown) =>
  fencedBlocks(markdown)
    .filter(({ language }) => language === "sh")
    .map(({ code }) => code)
    .join("\n");

describe("THIRD_PARTY_NOTICES", { timeout }, () => {
  const oneLine = (text) => text.replaceAll(/\s+/g, " ").trim();
  const notices = oneLine(textOf("THIRD_PARTY_NOTICES"));

  test("has every linked module with its licence", () => {
    const modules = new Map(linked().flatMap(({ Module }) => (Module && !Module.Main ? [[Module.Path, Module]] : [])));
    assert.ok(modules.size > 5);
    for (const { Path, Version, Dir } of modules.values()) {
      assert.ok(notices.includes(`==== ${Path} ${Version} `), Path);
      const files = readdirSync(Dir).filter((name) => /^(licen[sc]e|copying|notice)/i.test(name));
      assert.ok(files.length > 0, Path);
      for (const file of files) assert.ok(notices.includes(oneLine(readFileSync(join(Dir, file), "utf8"))), `${file} of ${Path}`);
    }
  });

  test("has Go, and what Go's standard library has of others", () => {
    const goroot = go("env", "GOROOT").trim();
    const vendored = linked().flatMap(({ ImportPath }) => /^vendor\/(golang\.org\/x\/\w+)/.exec(ImportPath)?.[1] ?? []);
    const licences = ["LICENSE", "PATENTS", ...new Set(vendored.map((path) => `src/vendor/${path}/LICENSE`))];
    assert.ok(licences.length > 3);
    for (const file of licences) assert.ok(notices.includes(oneLine(readFileSync(join(goroot, file), "utf8"))), file);
    for (const path of vendored) assert.match(notices, new RegExp(`==== ${path} v\\S+ in Go's standard library`));
  });

  test("has every copyright that a linked source names", () => {
    const others = new Set();
    for (const { Dir, GoFiles = [], SFiles = [], Module, Standard } of linked()) {
      if (!Standard && Module?.Main) continue;
      for (const file of [...GoFiles, ...SFiles]) {
        for (const [, line] of readFileSync(join(Dir, file), "utf8").matchAll(/^[/* \t]*(copyright .*\d{4}.*)$/gim)) {
          if (!line.includes("The Go Authors")) others.add(oneLine(line));
        }
      }
    }
    assert.ok(others.size > 2);
    for (const line of others) assert.ok(notices.includes(line), line);
  });
});

describe("types", { timeout }, () => {
  before(() => installTools(), { timeout });

  const consumer = `
    import { buildInfo, continueGrant, init, isFinalizedGrant } from "open-payments-wasm";

    await init({ wasm: new Uint8Array(8) });
    const grant = await continueGrant({ url: "https://as.example/", accessToken: "t", key: { keyId: "k", sign: (data) => data } });
    if (isFinalizedGrant(grant)) grant.access_token?.value satisfies string | undefined;
    buildInfo.wasm.bytes satisfies number;
    // @ts-expect-error a URL is no number
    await init({ wasm: 5 });
    // @ts-expect-error a signal is no string
    await continueGrant({ url: "https://as.example/", accessToken: "t", key: { keyId: "k", privateKey: "p" }, signal: "stop" });
  `;
  const withPlatform = `
    import { continueGrant, importKey, init, loadKey } from "open-payments-wasm";

    const jwk = await crypto.subtle.exportKey("jwk", (await loadKey("wallet"))?.privateKey!);
    const key = await importKey(jwk, { keyId: "k" });
    key.privateKey?.algorithm.name satisfies string | undefined;
    await continueGrant({ url: new URL("https://as.example/"), accessToken: "t", key, signal: AbortSignal.timeout(1), fetch });
    await init({ wasm: await fetch("https://cdn.example/open-payments.wasm") });
    // @ts-expect-error a key is no string
    key.privateKey satisfies string | undefined;
  `;
  const withWebAssembly = `${withPlatform}
    await init({ wasm: await WebAssembly.compile(new Uint8Array(8)) });
  `;
  const signing = `
    import { continueGrant, generateKey, importKey } from "open-payments-wasm";

    const { privateKey: k } = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]) as Awaited<ReturnType<typeof pair>>;
    const pair = () => crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    const to = { url: "https://as.example/", accessToken: "t" };
    await continueGrant({ ...to, key: { keyId: "k", sign: async (d) => new Uint8Array(await crypto.subtle.sign("Ed25519", k, d)) } });
    await continueGrant({ ...to, key: { keyId: "k", sign: async (d) => new DataView(await crypto.subtle.sign("Ed25519", k, d)) } });
    await continueGrant({ ...to, key: { keyId: "k", sign: (d) => crypto.subtle.sign("Ed25519", k, d) } });
    await continueGrant({ ...to, key: { keyId: "k", sign: async (d: Uint8Array) => d } });
    const { publicKey } = await generateKey();
    if (publicKey) await crypto.subtle.importKey("raw", publicKey, "Ed25519", true, ["verify"]);
    await importKey(new Uint8Array(32));
    await importKey(new ArrayBuffer(32));
    await importKey(await crypto.subtle.exportKey("jwk", k));
    await importKey({ keys: [await crypto.subtle.exportKey("jwk", k)] });
    await importKey({ publicKey: k, privateKey: k }, { keyId: undefined });
  `;
  const addresses = `
    import url from "open-payments-wasm/open-payments.wasm";
    import deferred from "open-payments-wasm/open-payments.deferred.wasm";

    url satisfies string;
    deferred satisfies string;
  `;
  const platforms = {
    "no platform at all": [{ lib: ["es2022"] }, { "consumer.ts": consumer }],
    "a page": [{ lib: ["es2022", "dom"] }, { "consumer.ts": consumer, "platform.ts": withWebAssembly }],
    "a worker": [{ lib: ["es2022", "webworker"] }, { "consumer.ts": consumer, "platform.ts": withWebAssembly }],
    Node: [
      { lib: ["es2022"], types: ["node"] },
      { "consumer.ts": consumer, "platform.ts": withPlatform },
    ],
    "a page and Node": [{ types: ["node"] }, { "consumer.ts": consumer, "platform.ts": withWebAssembly }],
    "a bundler": [
      { module: "esnext", moduleResolution: "bundler" },
      { "consumer.ts": consumer, "url.ts": addresses },
    ],
  };
  for (const [platform, [options, files]] of Object.entries(platforms)) {
    test(platform, () => {
      assert.deepEqual(compile(files, options), []);
    });
  }

  // A setting of its own: what is assignable to the Node package's types must not say undefined, and what is taken must.
  const settings = { "": [], " with exactOptionalPropertyTypes": ["--exactOptionalPropertyTypes"] };
  for (const [name, compiler] of Object.entries(compilers)) {
    for (const [setting, args] of Object.entries(settings)) {
      test(`types.test-d.ts in ${name}${setting}`, () => {
        assert.deepEqual(runCompiler(compiler, ["--project", tests, ...args], tests), []);
      });
    }

    test(`${name} without DOM and without Node`, () => {
      assert.deepEqual(compile({ "consumer.ts": consumer }, { lib: ["es2022"] }, compiler), []);
    });

    test(`signing with WebCrypto, in ${name}`, () => {
      assert.deepEqual(compile({ "sign.ts": signing }, {}, compiler), []);
      assert.deepEqual(compile({ "sign.ts": signing }, { lib: ["es2022"], types: ["node"] }, compiler), []);
    });
  }

  test("the names of the Node package that are not here are those of its mocks and documents", () => {
    const declarations = readFileSync(join(tests, "node_modules/@interledger/open-payments/dist/index.d.ts"), "utf8");
    const theirs = [...declarations.matchAll(/export \{([^}]*)\}/g)].flatMap(([, names]) => names.split(",").map((name) => name.trim()));
    const ours = new Set(
      [...textOf("index.d.ts").matchAll(/^export (?:type|interface|class|function|const) (\w+)/gm)].map(([, name]) => name),
    );
    const missing = theirs.filter((name) => !ours.has(name) && !/^mock|OpenAPI$/.test(name));
    assert.deepEqual(missing, []);
  });
});

test("two builds in two folders are the same bytes", { timeout }, () => {
  const [one, other] = [dist(), buildCopy(join(scratch(), "another folder/with a longer name"))];
  const built = readdirSync(other);
  assert.deepEqual(readdirSync(one).filter(isNoPrecompressedCopy), built);
  for (const name of built) assert.ok(readFileSync(join(one, name)).equals(readFileSync(join(other, name))), name);
});
