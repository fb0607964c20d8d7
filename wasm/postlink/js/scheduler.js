// Lets one event at a time enter Go, and lets Go wait for the module that has a function, the embedded or the deferred one.
//
//            enter                      needs a module
//   idle ------------> running ------------------------------> paused
//        <------------         <------------------------------
//       no entry is left  |           linked: proceed            |
//                         |                                      |
//                  a trap +-------------> stopped <--------------+ cannot be loaded
//
// wasm_exec.js enters Go at once: for an event, which is a call of a function of Go, it sets _pendingEvent and calls
// _resume, and its timers call _resume too. But a paused Go returns from _resume in the middle of its work, and may not
// have read its event yet: the next event would overwrite it. So this file patches both, each entry waits in a queue, and
// while Go is paused no entry is taken from it.

import { deferredExport, embeddedExport, linked, needed, primaryName } from "./protocol.js";

const paused = new Error("Go waits for a module");

export class Scheduler {
  #go;
  #load;
  #onStop;
  #exports; // of the primary module
  #entries = []; // functions that enter Go
  #isIdle = true; // neither running nor paused
  #isStopped = false;
  #linking = {}; // by the name of a module, a promise: it is linked

  /**
   * Patches `go`, an object of wasm_exec.js. `load` has functions that return a promise of a compiled module: `deferred`, and `embedded`.
   * `onStop` is called after a trap, and with what was thrown and the name of the module where Go waits for one that cannot be loaded.
   */
  constructor(go, { load, onStop }) {
    this.#go = go;
    this.#load = load;
    this.#onStop = onStop;
    const resume = go._resume;
    go._resume = () => {
      resume.call(go);
      if (this.#awaited()) throw paused; // ends the loop in which wasm_exec.js repeats a timer until Go has noticed it
    };
    const scheduler = this;
    go._makeFuncWrapper = (id) =>
      /** @this {unknown} */ function (...args) {
        scheduler.#enterWith({ id, this: this, args });
      };
  }

  /** Runs Go for the first time. */
  start(instance, run) {
    this.#exports = instance.exports;
    this.enter(run);
  }

  /** Calls a function that enters Go: at once where Go is idle, else after the entries before it. */
  enter(entry) {
    if (this.#isStopped) return;
    this.#entries.push(entry);
    if (this.#isIdle) this.#run();
  }

  #enterWith(event) {
    this.enter(() => {
      this.#go._pendingEvent = event;
      this.#go._resume();
    });
  }

  /** Ends it: Go is never entered again. */
  stop() {
    this.#isStopped = true;
    this.#entries.length = 0;
  }

  /** Loads the deferred module and links it with the primary one, once. It has the functions of the embedded module too. */
  linkDeferred() {
    return this.#linkOnce(deferredExport);
  }

  /** Compiles the embedded module and links it with the primary one, once. */
  linkEmbedded() {
    return this.#linkOnce(embeddedExport);
  }

  #linkOnce(name) {
    const state = this.#exports[name];
    if (!state || state.value === linked) return Promise.resolve(); // a plain module has all functions
    this.#linking[name] ??= this.#link(name).catch((error) => {
      this.#linking[name] = undefined; // the next time tries again
      throw error;
    });
    return this.#linking[name];
  }

  async #link(name) {
    await WebAssembly.instantiate(await this.#load[name](), { [primaryName]: this.#exports });
    for (const brought of name === deferredExport ? [deferredExport, embeddedExport] : [name]) {
      const state = this.#exports[brought];
      if (state && state.value !== needed) state.value = linked; // where Go is paused, #proceed sets it
    }
  }

  /** The name of the module that Go waits for, if it does: that of the export with its state. */
  #awaited() {
    return [embeddedExport, deferredExport].find((name) => this.#exports[name]?.value === needed);
  }

  #run() {
    this.#isIdle = false;
    while (this.#entries.length > 0) {
      try {
        this.#entries.shift()();
      } catch (error) {
        // A trap of the module is thrown here, to whatever entered Go.
        if (error !== paused) this.#onStop();
      }
      const name = this.#isStopped ? undefined : this.#awaited();
      if (name) return void this.#proceed(name);
    }
    this.#isIdle = true;
  }

  /** Links a module and lets the paused Go go on. */
  async #proceed(name) {
    try {
      await this.#linkOnce(name);
      if (this.#isStopped) return;
      this.#exports[name].value = linked;
      this.#entries.unshift(() => this.#exports.proceed());
    } catch (error) {
      this.#onStop(error, name);
    }
    this.#run();
  }
}
