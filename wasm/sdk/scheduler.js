// Enters Go in turn, and lets it wait for the deferred module.
//
//              enter                     needs the deferred module
//   ┌──────┐ ─────────────────▶ ┌─────────┐ ─────────────────▶ ┌────────┐
//   │ idle │                    │ running │                    │ paused │
//   └──────┘ ◀───────────────── └─────────┘ ◀───────────────── └────────┘
//             no entry is left       │       linked: proceed        │
//                                    │                              │
//                             a trap │  ┌─────────┐                 │ cannot be loaded
//                                    └▶ │ stopped │ ◀───────────────┘
//                                       └─────────┘
//
// wasm_exec.js enters Go by itself: for an event, which is a call of a function of Go, it sets _pendingEvent and calls
// _resume at once, and its timers call _resume as well. But Go that is paused returns from _resume in the middle of
// its work, and may not have read the event: the next one would replace it. So what enters Go is an entry in a
// queue here, and while Go is paused, none is taken.

const deferredIs = { needed: 1, linked: 2 }; // values of the global `deferred` of the primary module: wasm/pack/split.go

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
      if (this.#needsDeferred()) throw paused; // wasm_exec.js repeats a timer until Go has noticed it: Go cannot, before it proceeds
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

  /** Calls a function that enters Go, now or in its turn. */
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

  /** Lets Go not be entered any more. */
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
    await WebAssembly.instantiate(await this.#loadDeferred(), { "open-payments": this.#exports });
    if (!this.#needsDeferred()) this.#exports.deferred.value = deferredIs.linked; // else it says that Go has to proceed
  }

  #needsDeferred() {
    return this.#exports.deferred?.value === deferredIs.needed; // a plain module has no such global
  }

  #run() {
    this.#isIdle = false;
    while (this.#entries.length > 0) {
      try {
        this.#entries.shift()();
      } catch (error) {
        // A trap in the module is thrown to whatever entered it, where nobody would see it.
        if (error !== paused) this.#onStop();
      }
      if (!this.#isStopped && this.#needsDeferred()) return void this.#proceed();
    }
    this.#isIdle = true;
  }

  /** Lets Go, which is paused, go on with the deferred module. */
  async #proceed() {
    try {
      await this.linkDeferred();
      this.#exports.deferred.value = deferredIs.linked;
      this.#entries.unshift(() => this.#exports.proceed());
    } catch (error) {
      this.#onStop(error);
    }
    this.#run();
  }
}
