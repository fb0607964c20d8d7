// Runs a program in Node, as it is or linked, with the JavaScript half of the protocol, and ends with its exit code.
// Arguments: wasm_exec.js of the Go that compiled it, the folder with primary.wasm and maybe deferred.wasm, and those of the program,
// the first of which is its name. FILES=yes lets the program see the file system of Node, and not only its output.

import * as fs from "node:fs";
import * as path from "node:path";
import { embeddedSection } from "../js/protocol.js";
import { Scheduler } from "../js/scheduler.js";
import { withSnapshot } from "../js/snapshot.js";

const [wasmExec, folder, ...argv] = process.argv.slice(2);
const compiled = async (name) => WebAssembly.compile(fs.readFileSync(path.join(folder, name)));

const names = "crypto performance console setTimeout clearTimeout TextEncoder TextDecoder".split(" ");
const scope = Object.fromEntries([...names, "Object", "Array", "Uint8Array", "Date", "Reflect", "Error"].map((name) => [name, globalThis[name]]));
if (process.env.FILES) {
  // Without argv0, by which net/http would recognise Node.
  Object.assign(scope, { fs: { ...fs }, path: { ...path }, process: Object.create(process, { argv0: { value: undefined } }) });
}
scope.setTimeout = (callback, ms) => setTimeout(() => scheduler.enter(callback), ms);
scope.ready = (call) => setTimeout(call);
const wrap = new Function("globalThis", ...names, `let fs = globalThis.fs;
  Object.defineProperty(globalThis, "fs", { get: () => fs, set: (value) => { fs = value; } });
  ${fs.readFileSync(wasmExec, "utf8")}; return globalThis.Go;`);
const Go = wrap(scope, ...names.map((name) => scope[name]));

const fail = (reason) => {
  console.error(reason);
  process.exit(70);
};
const go = new Go();
go.argv = argv;
let isOver = false;
go.exit = (code) => {
  isOver = true;
  process.exit(code); // timers of the program may be left
};
process.on("exit", () => {
  if (!isOver && !process.exitCode) fail("The program waits, and nothing is left to wait for.");
});
const onStop = (error) => fail(error ?? "The module has trapped.");
const module = await compiled("primary.wasm");
const load = {
  embedded: () => WebAssembly.compile(WebAssembly.Module.customSections(module, embeddedSection)[0]),
  deferred: () => compiled("deferred.wasm"),
};
const scheduler = new Scheduler(go, { load, onStop });
const instance = await WebAssembly.instantiate(module, go.importObject);
scheduler.start(instance, () => go.run(withSnapshot(module, instance, go)).catch(fail));
