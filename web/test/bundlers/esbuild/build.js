import { copyFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const options = { absWorkingDir: import.meta.dirname, bundle: true, minify: true, outdir: "out" };

// A module: import.meta.url stays what it is, so the files lie beside the bundle.
await build({ ...options, entryPoints: ["main.js"], format: "esm" });
for (const file of ["open-payments.wasm", "open-payments.deferred.wasm"]) {
  await copyFile(fileURLToPath(import.meta.resolve(`open-payments-wasm/${file}`)), `${import.meta.dirname}/out/${file}`);
}

// A classic script has no import.meta.url: init() is told the address that the loader gives.
await build({
  ...options,
  entryPoints: ["service-worker.js"],
  format: "iife",
  loader: { ".wasm": "file" },
  logOverride: { "empty-import-meta": "silent" },
});
