// The package as npm delivers it: packed, and installed from the tarball into bundlers/.

import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dist } from "./packages.mjs";

/** The folder of the projects and of the tools that build them. */
export const projects = fileURLToPath(new URL("../bundlers", import.meta.url));
export const installed = join(projects, "node_modules/open-payments-wasm");

/** Runs npm and returns what it prints. */
function npm(cwd, ...args) {
  const env = { ...process.env, npm_config_fetch_timeout: "30000" };
  return execFileSync("npm", args, {
    cwd,
    env,
    encoding: "utf8",
    timeout: 240_000,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "inherit"],
  });
}

/** Installs what the lock file says. npm may wait for a registry for ever; what has come is in its cache when it is tried again. */
function install(folder, tries = 3) {
  try {
    npm(folder, "ci", "--no-fund", "--no-audit", "--prefer-offline");
  } catch (error) {
    if (tries === 1) throw error;
    install(folder, tries - 1);
  }
}

/** The script that an installed tool is started by. */
export function toolPath(tool) {
  if (tool === "vite7") return join(projects, "node_modules/vite7/bin/vite.js"); // two packages have a command of that name
  return join(projects, "node_modules/.bin", tool);
}

/** Runs an installed tool and returns what it prints. */
export function runTool(tool, args, options) {
  const defaults = { cwd: projects, encoding: "utf8", timeout: 300_000, maxBuffer: 2 ** 26, stdio: ["ignore", "pipe", "pipe"] };
  return execFileSync(process.execPath, [toolPath(tool), ...args], { ...defaults, ...options });
}

/** Installs the tools of a folder, unless the lock file's are there already. */
export function installTools(folder = projects) {
  const stamp = join(folder, "node_modules/.stamp");
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  install(folder);
  writeFileSync(stamp, lock);
}

/** Makes a folder that is removed when the process ends. */
export function scratch() {
  const folder = mkdtempSync(join(tmpdir(), "open-payments-package-"));
  made.push(folder);
  return folder;
}

const made = [];
process.on("exit", () => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Packs the package and returns the tarball. */
export function pack(folder = scratch()) {
  const [{ filename }] = JSON.parse(npm(dist(), "pack", "--json", "--pack-destination", folder));
  return join(folder, filename);
}

/** Installs the tools of a folder, and the package from its tarball beside them. */
export function installPackage(folder = projects) {
  installTools(folder);
  const fresh = scratch();
  writeFileSync(join(fresh, "package.json"), "{}");
  npm(fresh, "install", "--no-save", "--no-package-lock", "--no-fund", "--no-audit", pack(fresh));
  const modules = join(folder, "node_modules");
  for (const stale of ["open-payments-wasm", ".vite"]) rmSync(join(modules, stale), { recursive: true, force: true });
  // Beside the tools npm would take the time to look after all of them.
  cpSync(join(fresh, "node_modules/open-payments-wasm"), join(modules, "open-payments-wasm"), { recursive: true });
}
