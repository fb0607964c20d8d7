// Loads the module, watches the instance that runs, and starts another when it has died.

import { buildInfo } from "./build-info.js";
import { fromGo, OpenPaymentsClientError } from "./errors.js";
import { createHost } from "./host.js";
import { InFlight } from "./inflight.js";
import { withSnapshot } from "./snapshot.js";
import { compile, compileDeferred, isResponse, isSame } from "./source.js";
import wrapGo from "./wasm_exec.js";

let sources = {}; // what init() was given: wasm and deferred
let compiling; // Promise<WebAssembly.Module>, kept: a restart does not download again
let compilingDeferred; // the same for what hardly any call needs (wasm/pack/split.go)
let starting; // Promise<Instance> of the instance that runs
let running; // the Instance itself, once it has started
let ended = 0; // how many instances have

/**
 * Calls a function that the module exports (wasm/main_js.go) and returns a promise of its result.
 * `limits` are those of InFlight: signal, deadline, onSend, keepsResponse and late. A call that `needsAll`
 * begins when the deferred module is there: it leaves what must not be lost for want of it.
 */
export function call(name, args = [], { needsAll = false, ...limits } = {}) {
  const inFlight = new InFlight(limits);
  if (running && !needsAll) running.take(inFlight, name, args);
  else begin(inFlight, needsAll, name, args).catch((error) => inFlight.reject(error));
  return inFlight.result;
}

async function begin(inFlight, needsAll, name, args) {
  const instance = await start();
  if (needsAll) await instance.complete().catch((error) => Promise.reject(incomplete(error)(inFlight)));
  instance.take(inFlight, name, args);
}

/** Sets where the two modules come from, and loads the first. Once one is loaded, another source for it is refused. */
export async function load(given) {
  const loaded = { wasm: compiling, deferred: compilingDeferred };
  for (const [name, source] of Object.entries(given)) {
    if (source !== undefined && loaded[name] && !isSame(source, sources[name])) {
      throw new TypeError(`"${name}" must be given before it is needed: it is loaded already`);
    }
  }
  for (const [name, source] of Object.entries(given)) {
    if (!loaded[name]) sources[name] = source ?? sources[name]; // what could not be loaded may be given again, from elsewhere
  }
  await start();
}

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
  compiling ??= compile("open-payments.wasm", sources.wasm ?? new URL("./open-payments.wasm", import.meta.url)).catch((error) => {
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

const pauses = [500, 2000]; // ms before a further attempt: calls in flight depend on it
const patience = 10_000; // ms in which something of it must come: Go stands still meanwhile

/** Loads the deferred module. */
function loadDeferred() {
  const options = { integrity: buildInfo.deferred.integrity, patience };
  const attempt = () => compileDeferred("open-payments.deferred.wasm", sources.deferred ?? new URL("./open-payments.deferred.wasm", import.meta.url), options);
  compilingDeferred ??= attempts(attempt, isResponse(sources.deferred) ? [] : pauses).catch((error) => {
    compilingDeferred = undefined;
    if (isResponse(sources.deferred)) sources.deferred = undefined; // its body is used up
    throw error;
  });
  return compilingDeferred;
}

async function attempts(task, pauses) {
  try {
    return await task();
  } catch (error) {
    if (pauses.length === 0 || error instanceof OpenPaymentsClientError) throw error; // another attempt changes nothing
    await new Promise((resolve) => setTimeout(resolve, pauses[0]));
    return attempts(task, pauses.slice(1));
  }
}

function unavailable(cause) {
  if (cause instanceof OpenPaymentsClientError) return cause; // it says why
  const blocked = cause?.name === "CompileError" && /content security policy|blocked by csp|unsafe-eval/i.test(cause.message);
  const description = blocked
    ? "This page's Content-Security-Policy does not let WebAssembly compile: add 'wasm-unsafe-eval' to its script-src directive."
    : `open-payments.wasm could not be loaded. ${whatToDo}`;
  return new OpenPaymentsClientError(`The module could not be loaded: ${description}`, {
    code: "module_unavailable", description, cause, retryable: !blocked,
  });
}

const whatToDo = "Check that it is served beside index.js, or pass init() where it is. " +
  "After a deploy, the server may have no files of a page that is open any more: reload the page, and keep old files for a while.";

const deferredIs = { needed: 1, loaded: 2 }; // as in wasm/pack/split.go
const paused = new Error("Go waits for the deferred module");

/** One running instance of the module. It has a global object of its own. */
class Instance {
  go; // the object of wasm_exec.js that serves it
  #calls = new Map(); // those in flight (inflight.js), by number
  #lastCall = 0;
  #host = createHost(this.#calls);
  #refuseStart; // while it starts
  #dead = false;
  #exports; // of the WebAssembly instance
  #entries = []; // what waits to enter Go
  #isEntered = false; // whether Go runs, or waits for the deferred module
  #linking; // Promise: the deferred module is there

  /** Makes a call, unless it is over already. */
  take(inFlight, name, args) {
    if (inFlight.isOver) return;
    if (this.#dead) return inFlight.lose(stopped);
    const number = ++this.#lastCall;
    this.#calls.set(number, inFlight);
    this.#holdTimers();
    inFlight.onLeave = () => {
      this.#forget(number);
      this.bindings.cancel(number);
    };
    const binding = this.bindings[name]; // called as no method: a receiver is one more value for Go to hold
    binding(number, ...args);
  }

  #answer(number, isValue, value) {
    const inFlight = this.#forget(number);
    if (!inFlight) return; // it has ended without Go
    isValue ? inFlight.resolve(value) : inFlight.reject(failed(inFlight, value));
  }

  #forget(number) {
    const inFlight = this.#calls.get(number);
    this.#calls.delete(number);
    this.#holdTimers();
    return inFlight;
  }

  async start(module) {
    const scope = createScope(this.#host.functions);
    scope.setTimeout = (callback, ms) => this.#hold(setTimeout(() => this.#enter(callback), ms));
    const ready = new Promise((resolve, reject) => {
      scope.ready = resolve;
      this.#refuseStart = reject;
    });
    scope.answer = (...answer) => this.#answer(...answer);
    const Go = wrapGo(scope);
    const go = (this.go = new Go());
    go.exit = () => this.#died();
    this.#guard(go);
    const instance = await WebAssembly.instantiate(module, go.importObject);
    this.#exports = instance.exports;
    this.#enter(() => {
      go.run(withSnapshot(module, instance, go)).then(() => this.#died(), () => this.#died());
    });
    this.bindings = await ready;
    running = this;
    return this;
  }

  // In Node a timer keeps the process alive. Go's do so only while a call is in flight: it leaves
  // those of calls that are over to run out.
  #hold(timer) {
    timer?.[this.#calls.size > 0 ? "ref" : "unref"]?.();
    return timer;
  }

  #holdTimers() {
    for (const timer of this.go._scheduledTimeouts.values()) this.#hold(timer);
  }

  // What wakes Go enters it in turn. An event is a call of a function of Go, for which wasm_exec.js
  // would set it and resume at once: while Go waits for its deferred module it may not have read the one before.
  // Its timers resume Go too, and have their turn already.
  #guard(go) {
    const resume = go._resume;
    go._resume = () => {
      resume.call(go);
      if (this.#needsDeferred()) throw paused; // a timer would resume it again
    };
    const guard = this;
    go._makeFuncWrapper = (id) => function (...args) {
      guard.#enter(() => {
        go._pendingEvent = { id, this: this, args };
        go._resume();
      });
    };
  }

  #needsDeferred = () => this.#exports.deferred?.value === deferredIs.needed; // a plain module has no such global

  #enter(entry) {
    if (this.#dead) return;
    this.#entries.push(entry);
    if (!this.#isEntered) this.#run();
  }

  #run() {
    this.#isEntered = true;
    while (this.#entries.length > 0 && !this.#dead) {
      try {
        this.#entries.shift()();
      } catch (error) {
        // A trap inside the module surfaces in whatever callback woke it, where nobody would see it.
        if (error !== paused) this.#died();
      }
      if (!this.#dead && this.#needsDeferred()) return this.#goOn();
    }
    this.#isEntered = false;
  }

  /** Loads the deferred module. */
  complete() {
    if (!this.#exports.deferred) return Promise.resolve(); // a plain module is whole
    this.#linking ??= this.#link().catch((error) => {
      this.#linking = undefined;
      throw error;
    });
    return this.#linking;
  }

  async #link() {
    await WebAssembly.instantiate(await loadDeferred(), { "open-payments": this.#exports });
    if (!this.#needsDeferred()) this.#exports.deferred.value = deferredIs.loaded; // else Go goes on first
  }

  /** Gets the deferred module, for which Go waits, and lets Go go on. */
  async #goOn() {
    try {
      await this.complete();
      this.#exports.deferred.value = deferredIs.loaded;
      this.#entries.unshift(() => this.#exports.proceed());
    } catch (error) {
      this.#died(incomplete(error));
    }
    this.#run();
  }

  /** Lets go of everything. `lost` makes the error of each call in flight. */
  #died(lost = stopped) {
    if (this.#dead) return;
    this.#dead = true;
    ended += 1;
    if (running === this) starting = running = undefined;
    // wasm_exec.js repeats a timer until Go has taken notice of it: here, for ever.
    for (const timer of this.go._scheduledTimeouts.values()) clearTimeout(timer);
    this.go._scheduledTimeouts.clear();
    this.#entries.length = 0;
    this.#refuseStart(lost(new InFlight()));
    for (const inFlight of this.#calls.values()) inFlight.lose(lost);
    this.#host.end();
    this.#calls.clear();
  }
}

/** The error of a call whose instance has ended. */
function stopped(inFlight) {
  return lost(inFlight, "internal_error", "The module stopped before this call was answered.", "The next call starts a new instance.");
}

/** The same where Go waited in vain for the deferred module. */
const incomplete = (cause) => (inFlight) => (cause instanceof OpenPaymentsClientError
  ? lost(inFlight, "module_unavailable", "This call needed the deferred module.", cause.description)
  : lost(inFlight, "module_unavailable", "open-payments.deferred.wasm could not be loaded, which this call needed.", whatToDo, cause));

function lost({ wasSent, response }, code, what, advice, cause) {
  const sent = wasSent ? "The server may have processed it." : "Nothing was sent.";
  const description = `${what} ${response ? "The server has answered: the response is in responseText." : sent} ${advice}`;
  return new OpenPaymentsClientError(description, { code, description, cause, ...response });
}

/** What Go rejects a call with. After a fault in Go that is all it knows, and the response is added. */
function failed({ response }, error) {
  const isOurs = error instanceof OpenPaymentsClientError || error instanceof TypeError; // newError makes them, in this module
  if (isOurs && error.code !== "internal_error") return error;
  const { message = String(error), description = message, cause } = isOurs ? error : {};
  return new OpenPaymentsClientError(message, { code: "internal_error", description, cause, ...response });
}

// All that the module can reach. Timers check their receiver, so they are bound to the real global.
function createScope(functions) {
  const { Object, Array, Uint8Array, Date, Reflect, TextEncoder, TextDecoder } = globalThis;
  return {
    Object, Array, Uint8Array, Date, Reflect, TextEncoder, TextDecoder,
    crypto: globalThis.crypto,
    performance: globalThis.performance,
    console: globalThis.console,
    clearTimeout: (id) => globalThis.clearTimeout(id),
    ...functions,
    newError: fromGo,
  };
}
