// Work that several callers wait for at once: equal calls share one request. Each waits as long as
// its own signal and deadline let it; what one of them gives up, the others keep.
//
//   under way ── settled ── handed over (cleanUp) ── forgotten
//                   └── kept, where nobody waits any more, until the next caller asks

const lingerMs = 20_000; // how long a response is waited for when nobody waits for it any more
const keptMs = 60 * 60 * 1000;
const mostKept = 100;

const works = new Map(); // by name

/**
 * Waits for the work of this name; `begin` starts it where there is none. It gets the work, whose
 * signal is aborted when nobody waits any more and nothing has left the page.
 *
 * With `survives`, what has left the page goes on when nobody waits, for `lingers` milliseconds at most, and a
 * result for which `isKept` is true waits for the next caller. `cleanUp` is called with the result when it has been handed over;
 * who comes meanwhile begins anew after it. `tooSlow` makes the error of a caller whose time is up.
 */
export function join(name, begin, { signal, timeoutMs, tooSlow, ...options }) {
  if (signal?.aborted) return Promise.reject(signal.reason);
  let work = works.get(name);
  if (!work || work.isOver) {
    work = new Work(name, begin, { ...options, before: work?.isForgotten });
    works.set(name, work);
  }
  return work.wait({ signal, timeoutMs, tooSlow });
}

class Work {
  #resolveForgotten;

  /** The call of the module that has sent a request (inflight.js), once one has left the page. */
  sent;
  /** Whether its result was handed over, or will not be. */
  isOver = false;
  /** Settles when it is out of the way of the next of its name. */
  isForgotten = new Promise((resolve) => {
    this.#resolveForgotten = resolve;
  });

  #name;
  #options;
  #callers = new Set(); // { deadline } of each that waits
  #controller = new AbortController();
  #promise;
  #result; // { value } or { error }, once it is settled
  #timer; // while nobody waits

  constructor(name, begin, options) {
    this.#name = name;
    this.#options = options;
    this.#promise = this.#run(begin);
    this.#promise.catch(() => {}); // those who wait are told
  }

  get signal() {
    return this.#controller.signal;
  }

  /** Milliseconds that the most patient caller has left. */
  get left() {
    const last = Math.max(...Array.from(this.#callers, ({ deadline }) => deadline));
    return Math.max(Math.ceil(last - performance.now()), 1);
  }

  /** To be called when a request leaves the page. */
  onSend = (inFlight) => {
    this.sent = inFlight;
  };

  wait({ signal, timeoutMs, tooSlow }) {
    clearTimeout(this.#timer);
    const caller = { deadline: performance.now() + timeoutMs };
    this.#callers.add(caller);
    if (this.#result) this.#handOver();
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#callers.delete(caller);
      };
      const leave = (reason) => {
        end();
        reject(reason);
        if (this.#callers.size === 0) this.#abandon();
      };
      const onAbort = () => leave(signal.reason);
      const timer = setTimeout(() => leave(tooSlow(this)), timeoutMs);
      signal?.addEventListener("abort", onAbort);
      const settle = (fn) => (outcome) => {
        end();
        fn(outcome);
      };
      this.#promise.then(settle(resolve), settle(reject));
    });
  }

  async #run(begin) {
    await this.#options.before;
    const result = await begin(this).then(
      (value) => ({ value }),
      (error) => ({ error }),
    );
    this.#settle(result);
    if ("error" in result) throw result.error;
    return result.value;
  }

  #settle(result) {
    this.#result = result;
    if (this.isOver) return this.#clean(); // nobody waited for it
    if (this.isWaitedFor || !this.#outlives() || !this.#options.isKept(result)) return this.#handOver();
    this.#startTimer(() => this.#handOver(), keptMs);
    const kept = [...works.values()].filter((work) => work.#result && !work.isOver && !work.#options.cleanUp); // else it would be lost
    if (kept.length > mostKept) kept[0].#handOver();
  }

  get isWaitedFor() {
    return this.#callers.size > 0;
  }

  #outlives() {
    return Boolean(this.#options.survives && this.sent);
  }

  /** Nobody waits any more. */
  #abandon() {
    if (this.#result || this.isOver) return;
    const reason = new Error("Nobody waits for it any more.");
    if (this.#outlives()) return this.#startTimer(() => this.#controller.abort(reason), this.#options.lingers ?? lingerMs);
    this.isOver = true;
    this.#controller.abort(reason);
  }

  #handOver() {
    clearTimeout(this.#timer);
    if (this.isOver) return;
    this.isOver = true;
    this.#clean();
  }

  #clean() {
    const { cleanUp } = this.#options;
    if (!cleanUp) return this.#forget();
    cleanUp(this.#result)
      .catch(() => {})
      .then(() => this.#forget());
  }

  #forget() {
    if (works.get(this.#name) === this) works.delete(this.#name);
    this.#resolveForgotten();
  }

  #startTimer(task, ms) {
    this.#timer = setTimeout(task, ms);
    this.#timer.unref?.(); // Node need not stay for it
  }
}
