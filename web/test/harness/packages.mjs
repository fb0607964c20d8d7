// What the tests need built: the package, its variant that can be made to fail, and the sandbox.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
const cache = fileURLToPath(new URL("../node_modules/.cache/open-payments-wasm", import.meta.url));

/** The package as it is published: `make build` writes it. */
export function dist() {
  const folder = resolve(process.env.DIST ?? join(root, "dist"));
  if (!existsSync(join(folder, "open-payments.wasm"))) throw new Error(`${folder} is not built: run make build`);
  return folder;
}

let withoutDeferred;

/** The package without the deferred module, which no page may need. */
export function primaryOnly() {
  if (withoutDeferred) return withoutDeferred;
  const folder = mkdtempSync(join(tmpdir(), "primary-"));
  process.on("exit", () => rmSync(folder, { recursive: true }));
  for (const name of readdirSync(dist())) {
    if (!name.startsWith("open-payments.deferred.")) symlinkSync(join(dist(), name), join(folder, name));
  }
  return (withoutDeferred = folder);
}

/** The package with the functions of wasm/faults_js.go. */
export function distWithFaults() {
  return built("faults", (folder) => {
    execFileSync(join(root, "build.sh"), [folder, "faults"], {
      env: { ...process.env, COMPRESS: "no" },
      stdio: ["ignore", "ignore", "inherit"],
    });
  });
}

/** The package with the module as Go's linker wrote it. */
export function distPlain() {
  return built("plain", (folder) => {
    execFileSync(join(root, "build.sh"), [folder], {
      env: { ...process.env, COMPRESS: "no", PLAIN: "yes" },
      stdio: ["ignore", "ignore", "inherit"],
    });
  });
}

/** Builds the package in a copy of the sources, which is a repository of its own: no commit is to be built in. Returns its dist. */
export function buildCopy(folder, env = {}) {
  mkdirSync(folder, { recursive: true });
  for (const source of ["go.mod", "go.sum", "build.sh", "pkg", "wasm"]) {
    cpSync(join(root, source), join(folder, source), { recursive: true });
  }
  const git = (...args) => execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x", ...args], { cwd: folder, stdio: "ignore" });
  git("init");
  git("add", ".");
  git("commit", "--no-gpg-sign", "-m", basename(folder));
  execFileSync(join(folder, "build.sh"), {
    env: { ...process.env, COMPRESS: "no", GOFLAGS: "-buildvcs=true", ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return join(folder, "dist");
}

/** The program of web/serve. */
export function serveProgram() {
  const folder = built("serve", (folder) => {
    execFileSync("go", ["build", "-o", join(folder, "serve"), "./web/serve"], { cwd: root });
  });
  return join(folder, "serve");
}

/**
 * Builds into a folder that is named after the sources, unless it is there already. Test files
 * run side by side: each builds in a folder of its own, and the first to finish wins.
 */
function built(name, build) {
  const folder = join(cache, `${name}-${hashOfSources()}`);
  if (existsSync(folder)) return folder;
  const own = `${folder}.${process.pid}`;
  mkdirSync(own, { recursive: true });
  build(own);
  try {
    renameSync(own, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(own, { recursive: true });
  }
  return folder;
}

function hashOfSources() {
  const hash = createHash("sha256");
  for (const file of sources()) hash.update(`${file}\n`).update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

function sources() {
  const folders = ["pkg", "wasm", "web/serve"];
  const inside = folders.flatMap((folder) => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }));
  const files = inside.filter((entry) => entry.isFile() && !entry.name.endsWith("_test.go"));
  return [...files.map((entry) => join(entry.path, entry.name)), join(root, "go.sum"), join(root, "build.sh")].sort();
}
