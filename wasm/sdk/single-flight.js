// Single flight: equal calls that are made at the same time share one request. Each caller waits as long as
// its own signal and deadline allow; the abort of one leaves the others waiting.
//
//   in flight ── completed ── handed over (cleanUp) ── forgotten
//                    └── kept, where no caller waits any more, until the next caller joins

const lingerMs = 20_000; // how long a flight goes on when no caller waits for it any more
const keptMs = 60 * 60 * 1000;
const mostKept = 100;

const flights = new Map(); // by name

/**
 * Joins the flight of this name, or calls `begin` with a new one, and returns a promise of its result. The signal of a
 * flight is aborted when no caller waits any more and no request has left the page.
 *
 * With `survives`, a flight whose request has left the page goes on when no caller waits, for `lingers` milliseconds at
 * most, and a result for which `isKept` returns true is kept for the next caller. With `lingersOnce` these milliseconds begin when no
 * caller waits first, and callers who join and leave meanwhile do not make them begin anew. `cleanUp` is called with the result once
 * it was handed over; a call that comes before cleanUp has ended begins a new flight after it. `tooSlow` makes the error of a
 * caller at its deadline.
 */
export function join(name, begin, { signal, timeoutMs, tooSlow, ...options }) {
  if (signal?.aborted) return Promise.reject(signal.reason);
  let flight = flights.get(name);
  if (!flight || flight.isOver) {
    flight = new Flight(name, begin, { ...options, before: flight?.isForgotten });
    flights.set(name, flight);
  }
  return flight.wait({ signal, timeoutMs, tooSlow });
}

class Flight {
  #resolveForgotten;

  /** The ModuleCall that has sent the request, once the request has left the page. */
  sent;
  /** Whether its result was handed over, or will not be. */
  isOver = false;
  /** Fulfilled when the next flight of this name may begin. */
  isForgotten = new Promise((resolve) => {
    this.#resolveForgotten = resolve;
  });

  #name;
  #options;
  #callers = new Set(); // { deadline } of each caller that waits
  #controller = new AbortController();
  #promise;
  #result; // { value } or { error }, once the flight is completed
  #timer; // while no caller waits
  #isLate = false; // whether it has lingered, with lingersOnce, for as long as it may

  constructor(name, begin, options) {
    this.#name = name;
    this.#options = options;
    this.#promise = this.#run(begin);
    this.#promise.catch(() => {}); // each caller handles the rejection itself
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
  onSend = (moduleCall) => {
    this.sent = moduleCall;
  };

  wait({ signal, timeoutMs, tooSlow }) {
    if (!this.#options.lingersOnce) clearTimeout(this.#timer);
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
    this.#complete(result);
    if ("error" in result) throw result.error;
    return result.value;
  }

  #complete(result) {
    this.#result = result;
    if (this.isOver) return this.#clean(); // no caller waited for it
    if (this.isWaitedFor || !this.#outlives() || !this.#options.isKept(result)) return this.#handOver();
    this.#startTimer(() => this.#handOver(), keptMs);
    // What has a cleanUp stays: it would forget a grant whose token nobody has.
    const kept = [...flights.values()].filter((flight) => flight.#result && !flight.isOver && !flight.#options.cleanUp);
    if (kept.length > mostKept) kept[0].#handOver();
  }

  get isWaitedFor() {
    return this.#callers.size > 0;
  }

  #outlives() {
    return Boolean(this.#options.survives && this.sent);
  }

  /** Called when the last caller has left. */
  #abandon() {
    if (this.#result || this.isOver) return;
    // Made when it is needed: V8 keeps its frames, with the signal that the caller aborted, and what that was aborted with.
    const abort = () => this.#controller.abort(new Error("Nobody waits for it any more."));
    if (this.#outlives() && !this.#isLate) return this.#linger(abort, this.#options);
    this.isOver = true;
    abort();
  }

  #linger(abort, { lingers = lingerMs, lingersOnce = false }) {
    if (!lingersOnce) return this.#startTimer(abort, lingers);
    if (this.#timer) return;
    const end = () => {
      this.#isLate = true;
      if (!this.isWaitedFor) this.#abandon();
    };
    this.#startTimer(end, lingers);
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
    if (flights.get(this.#name) === this) flights.delete(this.#name);
    this.#resolveForgotten();
  }

  #startTimer(task, ms) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(task, ms);
    this.#timer.unref?.(); // Node need not stay alive for it
  }
}
