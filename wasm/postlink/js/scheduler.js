// Lets one event at a time enter Go, and lets Go wait for the deferred module.
//
//            enter                 needs the deferred module
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

import { deferredLinked, deferredNeeded, primaryName } from "./protocol.js";

const paused = new Error("Go waits for the deferred module");

export class Scheduler {
  #go;
  #loadDeferred;
  #onStop;
  #exports; // of the primary module
  #entries = []; // functions that enter Go
  #isIdle = true; // neither running nor paused
  #isStopped = false;
  #linking; // Promise: the deferred module is linked

  /**
   * Patches `go`, an object of wasm_exec.js. `loadDeferred` returns a promise of the compiled deferred module.
   * `onStop` is called after a trap, and with what was thrown where Go waits for a module that cannot be loaded.
   */
  constructor(go, { loadDeferred, onStop }) {
    this.#go = go;
    this.#loadDeferred = loadDeferred;
    this.#onStop = onStop;
    const resume = go._resume;
    go._resume = () => {
      resume.call(go);
      if (this.#needsDeferred()) throw paused; // ends the loop in which wasm_exec.js repeats a timer until Go has noticed it
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
    if (!this.#exports.deferred) return Promise.resolve(); // a plain module is whole
    this.#linking ??= this.#link().catch((error) => {
      this.#linking = undefined; // the next time tries again
      throw error;
    });
    return this.#linking;
  }

  async #link() {
    await WebAssembly.instantiate(await this.#loadDeferred(), { [primaryName]: this.#exports });
    if (!this.#needsDeferred()) this.#exports.deferred.value = deferredLinked; // where Go is paused, #proceed sets it
  }

  #needsDeferred() {
    return this.#exports.deferred?.value === deferredNeeded; // a plain module has no such global
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
      if (!this.#isStopped && this.#needsDeferred()) return void this.#proceed();
    }
    this.#isIdle = true;
  }

  /** Links the deferred module and lets the paused Go go on. */
  async #proceed() {
    try {
      await this.linkDeferred();
      this.#exports.deferred.value = deferredLinked;
      this.#entries.unshift(() => this.#exports.proceed());
    } catch (error) {
      this.#onStop(error);
    }
    this.#run();
  }
}
