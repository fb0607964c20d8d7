// Adds to wasm/npm/needed.txt the functions of the module that run when the package is used as in the
// tests named here. `make profile`, after a change to what calls do; a few minutes. To begin anew, empty the file first.
// What may run at any time, and was not seen to, belongs into anytime.txt, what inputs can reach besides into keep.txt.
// And it writes early.txt anew: what runs in the calls of early.mjs. `node profile.mjs --early` does that alone.

import { execFileSync, spawn } from "node:child_process";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { root } from "./harness/packages.mjs";

const tests = [
  "endurance",
  "json",
  "arguments",
  "client",
  "compare",
  "continue",
  "failures",
  "interaction",
  "keys",
  "load",
  "stores",
  "wallet",
];

const lists = join(root, "wasm/npm");
const folder = mkdtempSync(join(tmpdir(), "profile-"));
process.on("exit", () => rmSync(folder, { recursive: true }));
execFileSync(join(root, "build.sh"), [folder], {
  env: { ...process.env, COMPRESS: "no", PROFILE: "yes" },
  stdio: ["ignore", "ignore", "inherit"],
});

let ran; // what has run
const collector = createServer(async (request, response) => {
  for (const name of (await text(request)).split("\n")) ran.add(name);
  response.end();
}).listen(0, "127.0.0.1");
await once(collector, "listening");
appendFileSync(join(folder, "index.js"), `(${report})("http://127.0.0.1:${collector.address().port}/");\n`);

const early = `const { callEarly } = await import("./early.mjs");
  await callEarly(await import(${JSON.stringify(pathToFileURL(join(folder, "index.js")))}));`;
await profile("early.txt", [], "--input-type=module", "--eval", early);
if (!process.argv.includes("--early")) {
  const before = readFileSync(join(lists, "needed.txt"), "utf8").split("\n");
  await profile("needed.txt", before, "--test", "--test-concurrency=2", ...tests.map((name) => `${name}.test.mjs`));
}
collector.close();

/** Has Node run something, and writes the names of what has run, and ran before, into a file. */
async function profile(file, before, ...args) {
  ran = new Set(before);
  const run = spawn("node", args, {
    cwd: import.meta.dirname,
    env: { ...process.env, DIST: folder },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = await once(run, "exit");
  if (code !== 0) throw new Error(`It failed, so what it needs is not known: ${file} is as it was.`);
  const linked = new Set(
    WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(join(folder, "open-payments.wasm")))).map(({ name }) => name),
  );
  const names = [...ran].filter((name) => linked.has(`ran ${name}`)); // one that is not there ends the build
  writeFileSync(
    join(lists, file),
    names
      .sort()
      .map((name) => `${name}\n`)
      .join(""),
  );
}

/** Runs beside the package, and tells the collector which functions have run. */
function report(url) {
  const told = new Set();
  const instances = [];
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (...args) => {
    const instance = await instantiate.apply(WebAssembly, args);
    instances.push(instance);
    return instance;
  };
  const send = globalThis.fetch; // tests replace it
  const tell = () => {
    const names = instances.flatMap(({ exports }) =>
      Object.keys(exports ?? {}).filter((name) => name.startsWith("ran ") && exports[name].value === 1 && !told.has(name)),
    );
    for (const name of names) told.add(name);
    if (names.length > 0)
      send(url, { method: "POST", mode: "no-cors", body: names.map((name) => name.slice(4)).join("\n") }).catch(() => {});
  };
  setInterval(tell, 50).unref?.();
  globalThis.process?.on?.("beforeExit", tell); // it may have had no turn before
}
