// Runs a program that was packed, in Node: calls the function that it called ready with, and prints what it tells.
// Arguments: the folder of the two modules, and wasm_exec.js.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { withSnapshot } from "../../sdk/snapshot.js";

const [folder, wasmExec] = process.argv.slice(2);
const { Object, Array, Uint8Array, Date, Reflect, TextEncoder, TextDecoder, crypto, performance, console, setTimeout, clearTimeout } = globalThis;
const tell = (text) => process.stdout.write(text, () => process.exit(0));
const scope = { Object, Array, Uint8Array, Date, Reflect, TextEncoder, TextDecoder, crypto, performance, console, setTimeout, clearTimeout, tell };
const names = ["globalThis", "crypto", "performance", "console", "setTimeout", "clearTimeout", "TextEncoder", "TextDecoder"];
const wrap = new Function(...names, `let fs; Object.defineProperty(globalThis, "fs", { get: () => fs, set: (value) => { fs = value; } });
  ${await readFile(wasmExec, "utf8")}; return globalThis.Go;`);
const Go = wrap(scope, ...names.slice(1).map((name) => scope[name]));
const compiled = async (name) => WebAssembly.compile(await readFile(join(folder, name)));
const [module, deferred] = await Promise.all([compiled("open-payments.wasm"), compiled("open-payments.deferred.wasm")]);

const go = new Go();
const instance = await WebAssembly.instantiate(module, go.importObject);
const ready = new Promise((resolve) => (scope.ready = resolve));
go.run(withSnapshot(module, instance, go));
const call = await ready;
call();
if (instance.exports.deferred.value === 0) throw new Error("The deferred module is not needed: nothing was tried.");
await WebAssembly.instantiate(deferred, { "open-payments": instance.exports });
instance.exports.deferred.value = 2;
instance.exports.proceed();
