// A call of the module, from JavaScript to Go. It ends once: with the result from Go, at its deadline, or when its signal is
// aborted, even if Go hangs or the module has ended.

import { OpenPaymentsClientError } from "./errors.js";

/**
 * @typedef {object} Limits
 * @property {AbortSignal} [signal]
 * @property {number} [deadline]
 * @property {(call: ModuleCall) => void} [onSend]
 * @property {boolean} [keepsResponse]
 * @property {(call: ModuleCall) => Error} [late]
 */

export class ModuleCall {
  /** A promise of the result. */
  result;
  /** Whether a request of the call was sent. */
  wasSent = false;
  /** Called when the call ends before Go has returned a result. */
  onLeave;

  #received; // the last response, once it is complete, as receive of host.js returns it
  #exchange; // the request that waits for its response: { abort, receiving: a promise of the response }
  #limits;
  #functions; // { resolve, reject } of the promise, until the call ends
  #timer;

  /**
   * The call rejects with the reason of `signal`, and when performance.now() reaches `deadline` with what `late`
   * makes of the call. `onSend` is called with the call right before each request. With `keepsResponse` a response
   * that is on its way is waited for when the module has ended, because the server gives it once.
   *
   * @param {Limits} [limits]
   */
  constructor({ signal, deadline, onSend, keepsResponse = false, late = tooLate } = {}) {
    this.#limits = { signal, onSend, keepsResponse };
    this.result = new Promise((resolve, reject) => {
      this.#functions = { resolve, reject };
    });
    if (signal?.aborted) return void this.reject(signal.reason);
    signal?.addEventListener("abort", this.#onAbort);
    if (deadline !== undefined) this.#timer = setTimeout(() => this.#leave(late(this)), deadline - performance.now());
  }

  get isOver() {
    return this.#functions === undefined;
  }

  /** Whether a request was sent whose response has not come. */
  get isWaiting() {
    return this.#exchange !== undefined;
  }

  /** The last response: { status, responseText }, or undefined. */
  get response() {
    return this.#received && { status: this.#received.status || undefined, responseText: new TextDecoder().decode(this.#received.body) };
  }

  resolve(value) {
    this.#end()?.resolve(value);
  }

  reject(error) {
    this.#end()?.reject(error);
  }

  /** Notes that a request is sent now; `abort` ends it. */
  sends(abort) {
    this.wasSent = true;
    this.#received = undefined;
    this.#exchange = { abort, receiving: undefined };
    this.#limits.onSend?.(this);
  }

  /** Notes the response when its promise is fulfilled, unless the call has ended: a fetch of the caller's own may have aborted it. */
  receives(receiving) {
    receiving.catch(() => {});
    if (!this.#exchange) return;
    this.#exchange.receiving = receiving;
    receiving.then(
      (received) => {
        this.#received = received;
        this.#exchange = undefined;
      },
      () => {
        this.#exchange = undefined;
      },
    );
  }

  /** Whether the response is waited for though the module has ended. */
  get keepsExchange() {
    return this.isWaiting && this.#limits.keepsResponse;
  }

  /** Ends the call because the module has ended. `lost` makes the error. */
  lose(lost) {
    this.onLeave = undefined;
    const end = () => this.reject(lost(this));
    if (!this.keepsExchange) return end();
    this.#exchange.receiving.then(end, end);
  }

  #onAbort = () => this.#leave(this.#limits.signal.reason);

  #leave(error) {
    const { onLeave } = this;
    const exchange = this.#exchange;
    this.reject(error);
    exchange?.abort();
    onLeave?.();
  }

  #end() {
    const functions = this.#functions;
    this.#functions = this.onLeave = this.#exchange = undefined;
    clearTimeout(this.#timer);
    this.#limits.signal?.removeEventListener("abort", this.#onAbort);
    return functions;
  }
}

function tooLate() {
  const description = "The module did not answer in time.";
  return new OpenPaymentsClientError(description, { code: "timeout", description, retryable: true });
}
