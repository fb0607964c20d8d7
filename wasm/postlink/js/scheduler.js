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
  #linking = {}; // by the export with the state of a module, a promise: it is linked

  /**
   * Patches `go`, an object of wasm_exec.js. `load` has functions that return a promise of a compiled module: `deferred`, and `embedded`.
   * `onStop` is called after a trap, and with what was thrown where Go waits for a module that cannot be loaded.
   */
  constructor(go, { load, onStop }) {
    this.#go = go;
    this.#load = load;
    this.#onStop = onStop;
    const resume = go._resume;
    go._resume = () => {
      resume.call(go);
      if (this.#needed()) throw paused; // ends the loop in which wasm_exec.js repeats a timer until Go has noticed it
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

  /** Loads the deferred module and links it with the primary one, once. */
  linkDeferred() {
    return this.#linkOnce(deferredExport);
  }

  /** The same of the embedded module. */
  linkEmbedded() {
    return this.#linkOnce(embeddedExport);
  }

  #linkOnce(state) {
    if (!this.#exports[state]) return Promise.resolve(); // a plain module is whole
    this.#linking[state] ??= this.#link(state).catch((error) => {
      this.#linking[state] = undefined; // the next time tries again
      throw error;
    });
    return this.#linking[state];
  }

  async #link(state) {
    await WebAssembly.instantiate(await this.#load[state](), { [primaryName]: this.#exports });
    if (this.#needed() !== state) this.#exports[state].value = linked; // where Go is paused, #proceed sets it
  }

  /** The export with the state of the module that Go waits for, if it does. */
  #needed() {
    return [embeddedExport, deferredExport].find((state) => this.#exports[state]?.value === needed);
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
      const state = this.#isStopped ? undefined : this.#needed();
      if (state) return void this.#proceed(state);
    }
    this.#isIdle = true;
  }

  /** Links the module and lets the paused Go go on. */
  async #proceed(state) {
    try {
      await this.#linkOnce(state);
      this.#exports[state].value = linked;
      this.#entries.unshift(() => this.#exports.proceed());
    } catch (error) {
      this.#onStop(error);
    }
    this.#run();
  }
}
