// Loads the module, watches the instance that runs, and starts another when it has died.

import { buildInfo } from "./build-info.js";
import { fromGo, OpenPaymentsClientError } from "./errors.js";
import { besideScript, checkGlobals } from "./globals.js";
import { createHost } from "./host.js";
import { ModuleCall } from "./module-call.js";
import { Scheduler } from "./scheduler.js";
import { withSnapshot } from "./snapshot.js";
import { compile, compileDeferred, compileEmbedded, isForbidden, isModule, isResponse, isSame, LoadError, mayCompile } from "./source.js";
import wrapGo from "./wasm_exec.js";

let sources = {}; // what init() was given: wasm and deferred
let compiling; // Promise<WebAssembly.Module>, kept: a restart does not download again
let compilingDeferred; // the same of the deferred module, which hardly any call needs (wasm/postlink/internal/split)
let compilingEmbedded; // the same of the embedded module, which lies in the primary one
let linksFirst = false; // the embedded module could not be compiled in the middle of a call: no further call waits for it there
let starting; // Promise<Instance> of the instance that runs
let running; // the Instance itself, once it has started
let ended = 0; // how many instances have ended

/**
 * Calls a function that the module exports (wasm/main_js.go) and returns a promise of its result.
 * `limits` are those of ModuleCall: signal, deadline, onSend, keepsResponse and late. A call with `needsDeferred`
 * begins when the deferred module is linked: such a call makes something that would be lost if it could not be loaded.
 *
 * @param {string} name
 * @param {unknown[]} [args]
 * @param {import("./module-call.js").Limits & { needsDeferred?: boolean }} [options]
 */
export function call(name, args = [], { needsDeferred = false, ...limits } = {}) {
  const moduleCall = new ModuleCall(limits);
  if (running && !needsDeferred) running.take(moduleCall, name, args);
  else begin(moduleCall, needsDeferred, name, args).catch((error) => moduleCall.reject(error));
  return moduleCall.result;
}

async function begin(moduleCall, needsDeferred, name, args) {
  const instance = await start();
  if (needsDeferred) await instance.linkDeferred().catch((error) => Promise.reject(unlinked("deferred", error)(moduleCall)));
  instance.take(moduleCall, name, args);
}

/** Sets where the two modules come from, and loads the primary one. Once one is loaded, another source for it is refused. */
export async function load(given) {
  const loaded = { wasm: compiling, deferred: compilingDeferred };
  for (const [name, source] of Object.entries(given)) {
    if (source !== undefined && loaded[name] && !isSame(source, sources[name])) {
      throw new TypeError(`"${name}" must be given before it is needed: it is loaded already`);
    }
  }
  for (const [name, source] of Object.entries(given)) {
    if (!loaded[name]) sources[name] = source ?? sources[name]; // a source that failed may be replaced
  }
  await start();
}

export const isRunning = () => running !== undefined;

/** How many instances have ended. A key that Go holds is gone once this has changed. */
export const generation = () => ended;

/** Starts an instance, unless one runs or starts already, and returns a promise of it. */
export function start() {
  if (starting) return starting;
  const attempt = run().catch((error) => {
    if (starting === attempt) starting = undefined; // the next call tries again
    throw error;
  });
  starting = attempt;
  return attempt;
}

const primaryUrl = () => besideScript("open-payments.wasm", () => new URL("./open-payments.wasm", import.meta.url));
const deferredUrl = () => besideScript("open-payments.deferred.wasm", () => new URL("./open-payments.deferred.wasm", import.meta.url));

async function run() {
  checkGlobals();
  compiling ??= compile("open-payments.wasm", sources.wasm ?? primaryUrl()).catch((error) => {
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
  if (isResponse(sources.wasm)) sources.wasm = undefined; // its body is used up
  return error;
}

const retryDelays = [500, 2000]; // ms: calls in flight depend on the module
const patience = 10_000; // ms without a byte, after which the download is given up: Go is paused meanwhile

/** Loads the deferred module. */
function loadDeferred() {
  const options = { integrity: buildInfo.deferred.integrity, patience };
  const load = async () => compileDeferred("open-payments.deferred.wasm", sources.deferred ?? deferredUrl(), options);
  compilingDeferred ??= retry(load, isResponse(sources.deferred) ? [] : retryDelays).catch((error) => {
    compilingDeferred = undefined;
    if (isResponse(sources.deferred)) sources.deferred = undefined; // its body is used up
    throw error;
  });
  return compilingDeferred;
}

/**
 * Runs a task, and again after each of the delays until it succeeds.
 *
 * @template T
 * @param {() => Promise<T>} task
 * @param {number[]} delays
 * @returns {Promise<T>}
 */
async function retry(task, [delay, ...delays]) {
  try {
    return await task();
  } catch (error) {
    if (delay === undefined || error instanceof OpenPaymentsClientError) throw error; // a retry would fail alike
    await new Promise((resolve) => setTimeout(resolve, delay));
    return retry(task, delays);
  }
}

/** Compiles the embedded module. */
function loadEmbedded(module) {
  compilingEmbedded ??= retry(() => compileEmbedded(module), retryDelays).catch((error) => {
    compilingEmbedded = undefined;
    linksFirst = true;
    throw error;
  });
  return compilingEmbedded;
}

function unavailable(cause) {
  if (cause instanceof OpenPaymentsClientError) return cause; // it says why
  const blocked = isForbidden(cause);
  const description = blocked
    ? "This page's Content-Security-Policy does not let WebAssembly compile: add 'wasm-unsafe-eval' to its script-src directive."
    : `open-payments.wasm could not be loaded. ${wordsOf(cause)}${whatToDo}`;
  return new OpenPaymentsClientError(description, { code: "module_unavailable", description, cause, retryable: !blocked });
}

/** The message of a LoadError, which names the file, as a sentence before the advice. */
const wordsOf = (cause) => (cause instanceof LoadError ? `${cause.message} ` : "");

const whatToDo =
  "Check that it is served there with all of its bytes, or tell init({ wasm, deferred }) other addresses, paths or the modules themselves. " +
  "After a deploy, the server may have no files of a page that is open any more: reload the page, and keep old files for a while.";

/** One running instance of the module. It has a global object of its own. */
class Instance {
  go; // the object of wasm_exec.js that serves it: tests count the values that it holds
  #scheduler;
  #bindings; // the functions of Go, once it has started
  #calls = new Map(); // those in flight (module-call.js), by id
  #lastCall = 0;
  #host = createHost(this.#calls);
  #refuseStart; // rejects the promise of the start
  #isDead = false;
  #isLinking = false;

  /** @param {WebAssembly.Module} module */
  async start(module) {
    const load = { embedded: () => loadEmbedded(module), deferred: loadDeferred };
    const scope = createScope(this.#host.functions);
    const ready = new Promise((resolve, reject) => {
      scope.ready = resolve;
      this.#refuseStart = reject;
    });
    scope.settle = (...result) => this.#settle(...result);
    scope.setTimeout = (callback, ms) => this.#hold(setTimeout(() => this.#scheduler.enter(callback), ms));
    const Go = wrapGo(scope);
    Object.setPrototypeOf(Go.prototype, null); // setters of a page on Object.prototype would swallow its properties
    const go = (this.go = new Go());
    go.exit = () => this.#died();
    this.#scheduler = new Scheduler(go, { load, onStop: (error, name) => this.#died(error && unlinked(name, error)) });
    const instance = await WebAssembly.instantiate(module, go.importObject);
    this.#scheduler.start(instance, () => {
      go.run(withSnapshot(module, instance, go)).then(
        () => this.#died(),
        () => this.#died(),
      );
    });
    this.#bindings = await ready;
    await this.#linkFirst();
    if (this.#isDead) throw stopped(new ModuleCall());
    running = this;
    return this;
  }

  /** Links, before any call, what none could be waited for in its middle. */
  async #linkFirst() {
    const isGiven = isModule(sources.wasm); // compiled by somebody who may, and perhaps here nobody may
    const isForbidden = isGiven && !(await mayCompile());
    if (!isForbidden && !linksFirst) return;
    const name = isForbidden ? "deferred" : "embedded";
    try {
      if (isForbidden && !isModule(sources.deferred)) throw alone();
      await (isForbidden ? this.#scheduler.linkDeferred() : this.#scheduler.linkEmbedded());
    } catch (error) {
      this.#died();
      throw unlinked(name, error)(new ModuleCall());
    }
  }

  /** Lets Go run a call, unless it is over already. */
  take(moduleCall, name, args) {
    if (moduleCall.isOver) return;
    if (this.#isDead) return moduleCall.lose(stopped);
    const id = ++this.#lastCall;
    this.#calls.set(id, moduleCall);
    this.#holdTimers();
    moduleCall.onLeave = () => {
      this.#forget(id);
      this.#bindings.cancel(id);
    };
    const binding = this.#bindings[name]; // not called as a method: Go would hold the receiver as one more value
    binding(id, ...args);
  }

  #settle(id, isFulfilled, value) {
    const moduleCall = this.#forget(id);
    if (!moduleCall) return; // it has ended without Go
    isFulfilled ? moduleCall.resolve(value) : moduleCall.reject(failed(moduleCall, value));
    this.#linkAfter();
  }

  /** Links the embedded module when the first call is over, and its caller has had a turn. */
  #linkAfter() {
    if (this.#isLinking) return;
    this.#isLinking = true;
    setTimeout(() => this.#scheduler.linkEmbedded().catch(() => {})); // a call that needs it tries again
  }

  #forget(id) {
    const moduleCall = this.#calls.get(id);
    this.#calls.delete(id);
    this.#holdTimers();
    return moduleCall;
  }

  // In Node a timer keeps the process alive. Go lets the timers of calls that are over run out, so its timers keep the
  // process alive only while a call is in flight.
  #hold(timer) {
    timer?.[this.#calls.size > 0 ? "ref" : "unref"]?.();
    return timer;
  }

  #holdTimers() {
    for (const timer of this.go._scheduledTimeouts.values()) this.#hold(timer);
  }

  /** Loads the deferred module, before Go needs it. */
  linkDeferred() {
    return this.#scheduler.linkDeferred();
  }

  /** Releases everything when the instance has ended. `lost` makes the error of each call in flight. */
  #died(lost = stopped) {
    if (this.#isDead) return;
    this.#isDead = true;
    ended += 1;
    if (running === this) starting = running = undefined;
    // wasm_exec.js repeats a timer until Go has noticed it. Go has ended and would never notice.
    for (const timer of this.go._scheduledTimeouts.values()) clearTimeout(timer);
    this.go._scheduledTimeouts.clear();
    this.#scheduler.stop();
    this.#refuseStart(lost(new ModuleCall()));
    for (const moduleCall of this.#calls.values()) moduleCall.lose(lost);
    this.#host.end();
    this.#calls.clear();
  }
}

/** The error of a call whose instance has ended. */
function stopped(moduleCall) {
  return lost(moduleCall, "internal_error", "The module stopped before this call was answered.", "The next call starts a new instance.");
}

/** The same where a module that Go waited for could not be linked, by its name. */
const unlinked = (name, cause) => (moduleCall) => {
  if (cause instanceof OpenPaymentsClientError)
    return lost(moduleCall, "module_unavailable", "This call needed the deferred module.", cause.description);
  const [what, advice] =
    name === "deferred"
      ? ["open-payments.deferred.wasm could not be loaded, which this call needed.", adviceOn(cause)]
      : ["A part of open-payments.wasm could not be compiled, which this call needed.", "There may be too little memory: reload the page."];
  return lost(moduleCall, "module_unavailable", what, advice, cause);
};

function alone() {
  const description = "No WebAssembly may be compiled here: give init both modules compiled, as { wasm, deferred }.";
  return new OpenPaymentsClientError(description, { code: "module_unavailable", description });
}

const adviceOn = (cause) => `${whatToDo} ${wordsOf(cause)}`.trim();

function lost({ wasSent, response }, code, what, advice, cause) {
  const sent = wasSent ? "The server may have processed it." : "Nothing was sent.";
  const description = `${what} ${response ? "The server has answered: the response is in responseText." : sent} ${advice}`;
  return new OpenPaymentsClientError(description, { code, description, cause, ...response });
}

/** The error of a call that Go rejected. After a fault Go knows no response, so the response is added here. */
function failed({ response }, error) {
  /** @type {boolean} */
  const isOurs = error instanceof OpenPaymentsClientError || error instanceof TypeError; // newError makes them, in this module
  if (isOurs && error.code !== "internal_error") return error;
  const { message = String(error), description = message, cause } = isOurs ? error : {};
  return new OpenPaymentsClientError(message, { code: "internal_error", description, cause, ...response });
}

/** All that the module can reach. Timers check their receiver, so they are bound to the real global. */
function createScope(functions) {
  const { Array, Uint8Array, Date, Reflect, TextEncoder, TextDecoder } = globalThis;
  return {
    __proto__: null, // setters of a page on Object.prototype would swallow what is set
    Object: BareObject,
    Array,
    Uint8Array,
    Date,
    Reflect,
    TextEncoder,
    TextDecoder,
    crypto: globalThis.crypto,
    performance: globalThis.performance,
    console: globalThis.console,
    clearTimeout: (id) => globalThis.clearTimeout(id),
    ...functions,
    newError: fromGo,
  };
}

/** Go fills the objects that it makes property by property: they have no prototype, for the same reason. */
function BareObject() {
  return Object.create(null);
}
