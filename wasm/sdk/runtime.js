// Loads the module, watches the instance that runs, and starts another when it has died.

import wrapGo from "./wasm_exec.js";
import { fromGo, OpenPaymentsClientError } from "./errors.js";
import { createHost } from "./host.js";

let source; // what init() was given
let compiling; // Promise<WebAssembly.Module>, kept: a restart does not download again
let starting; // Promise<Instance> of the instance that runs
let running; // the Instance itself, once it has started
let ended = 0; // how many instances have

/** Calls a function that the module exports (wasm/main_js.go) and returns a promise of its answer. */
export async function call(name, ...args) {
  return (running ?? (await start())).call(name, args);
}

/** Sets where the module comes from and loads it. Once it is loaded, another source is refused. */
export async function load(wasm) {
  if (wasm !== undefined && compiling && !isSame(wasm, source)) {
    throw new TypeError('"wasm" must be given before the first call: the module is loaded already');
  }
  if (!compiling) source = wasm ?? source; // what could not be loaded may be given again, from elsewhere
  await start();
}

const isSame = (a, b) => a === b || (a instanceof URL && b instanceof URL && a.href === b.href);

export const isRunning = () => running !== undefined;

/** Changes when an instance ends: what only it knew is gone. */
export const era = () => ended;

export function start() {
  if (starting) return starting;
  const attempt = run().catch((error) => {
    if (starting === attempt) starting = undefined; // the next call tries again
    throw error;
  });
  starting = attempt;
  return attempt;
}

async function run() {
  compiling ??= compile(source ?? new URL("./open-payments.wasm", import.meta.url)).catch((error) => {
    throw unavailable(forget(error));
  });
  const module = await compiling;
  return new Instance().start(module).catch((error) => {
    throw unavailable(forget(error)); // it is no module of ours, or of another version
  });
}

/** Lets the next call load the module again. */
function forget(error) {
  compiling = undefined;
  if (source instanceof Response) source = undefined; // its body is used up
  return error;
}

async function compile(wasm) {
  if (wasm instanceof WebAssembly.Module) return wasm;
  if (ArrayBuffer.isView(wasm) || wasm instanceof ArrayBuffer) return WebAssembly.compile(wasm);
  if (isFile(wasm)) return WebAssembly.compile(await nodeFiles().readFile(new URL(wasm)));
  const response = wasm instanceof Response ? wasm : await fetch(wasm, { credentials: "same-origin" });
  if (!response.ok) throw new Error(`${response.url || "The module"} answered with status ${response.status}.`);
  const isWasm = response.headers.get("content-type")?.startsWith("application/wasm");
  // Only a response of the right type can be compiled while it downloads.
  return isWasm ? WebAssembly.compileStreaming(response) : WebAssembly.compile(await response.arrayBuffer());
}

/** Node's fetch reads no files. An import of node:fs would break bundlers, so it is asked for where it is. */
const nodeFiles = () => globalThis.process?.getBuiltinModule?.("node:fs/promises");
const isFile = (wasm) => !(wasm instanceof Response) && String(wasm).startsWith("file:") && Boolean(nodeFiles());

function unavailable(cause) {
  const blocked = cause instanceof WebAssembly.CompileError && /content security policy|blocked by csp|unsafe-eval/i.test(cause.message);
  const description = blocked
    ? "This page's Content-Security-Policy does not let WebAssembly compile: add 'wasm-unsafe-eval' to its script-src directive."
    : "open-payments.wasm could not be loaded. Check that it is served beside index.js, or pass init() where it is.";
  return new OpenPaymentsClientError(`The module could not be loaded: ${description}`, {
    code: "module_unavailable", description, cause, retryable: !blocked,
  });
}

/** One running instance of the module. It has a global object of its own. */
class Instance {
  #pending = new Set(); // the reject functions of the calls in flight
  #dead = false;
  #go;

  call(name, args) {
    return new Promise((resolve, reject) => {
      if (this.#dead) return reject(stopped());
      const settle = (fn) => (value) => {
        this.#pending.delete(reject);
        this.#holdTimers();
        fn(value);
      };
      this.#pending.add(reject);
      this.#holdTimers();
      this.bindings[name](...args, settle(resolve), settle(reject));
    });
  }

  async start(module) {
    const scope = createScope();
    scope.setTimeout = (...args) => this.#hold(setTimeout(...args));
    const ready = new Promise((resolve, reject) => {
      scope.ready = resolve;
      this.#pending.add(reject); // an instance that dies while it starts
    });
    const Go = wrapGo(scope);
    const go = (this.#go = new Go());
    go.exit = () => this.#died();
    this.#watch(go);
    const instance = await WebAssembly.instantiate(module, go.importObject);
    go.run(instance).then(() => this.#died(), () => this.#died());
    this.bindings = await ready;
    this.#pending.clear();
    running = this;
    return this;
  }

  // In Node a timer keeps the process alive. Go's do so only while a call is in flight: it leaves
  // those of calls that are over to run out.
  #hold(timer) {
    timer?.[this.#pending.size > 0 ? "ref" : "unref"]?.();
    return timer;
  }

  #holdTimers() {
    for (const timer of this.#go._scheduledTimeouts.values()) this.#hold(timer);
  }

  // A trap inside the module surfaces in whatever callback woke it, where nobody would see it.
  #watch(go) {
    const resume = go._resume;
    go._resume = () => {
      if (this.#dead) return;
      try {
        resume.call(go);
      } catch {
        this.#died();
      }
    };
  }

  #died() {
    if (this.#dead) return;
    this.#dead = true;
    ended += 1;
    if (running === this) starting = running = undefined;
    // wasm_exec.js repeats a timer until Go has taken notice of it: here, for ever.
    for (const timer of this.#go._scheduledTimeouts.values()) clearTimeout(timer);
    this.#go._scheduledTimeouts.clear();
    for (const reject of this.#pending) reject(stopped());
    this.#pending.clear();
  }
}

function stopped() {
  const description = "The module stopped before this call was answered; the server may have processed it. The next call starts a new instance.";
  return new OpenPaymentsClientError(description, { code: "internal_error", description });
}

// All that the module can reach. Timers check their receiver, so they are bound to the real global.
function createScope() {
  const { Object, Array, Uint8Array, Date, Reflect, TextEncoder, TextDecoder } = globalThis;
  return {
    Object, Array, Uint8Array, Date, Reflect, TextEncoder, TextDecoder,
    crypto: globalThis.crypto,
    performance: globalThis.performance,
    console: globalThis.console,
    clearTimeout: (id) => globalThis.clearTimeout(id),
    ...createHost(),
    newError: fromGo,
  };
}
