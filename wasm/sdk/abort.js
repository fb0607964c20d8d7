// Waits that end when an AbortSignal is aborted, or at a deadline.

/** Waits for a promise, unless the signal is aborted before: then it rejects with the signal's reason. */
export function abortable(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      signal.removeEventListener("abort", onAbort);
      reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

/** Returns a signal that is aborted when one of these is. */
export function anyOf(...signals) {
  try {
    return AbortSignal.any(signals); // which holds nothing of what is over
  } catch {
    const controller = new AbortController(); // there is none, or not for a signal of another make
    for (const signal of signals) {
      if (signal.aborted) controller.abort(signal.reason);
      signal.addEventListener("abort", () => controller.abort(signal.reason));
    }
    return controller.signal;
  }
}

/** Waits so many milliseconds, unless the signal is aborted before. */
export async function pause(ms, signal) {
  if (signal?.aborted) throw signal.reason;
  if (!(ms > 0)) return;
  let timer;
  const elapsed = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await abortable(elapsed, signal).finally(() => clearTimeout(timer));
}

/**
 * Runs a task with a signal, which is aborted when the caller's own is, or after `timeoutMs` with the error that
 * `tooSlow` returns. Then the promise rejects at once, whether the task heeds its signal or not.
 */
export async function within({ signal, timeoutMs, tooSlow }, task) {
  const controller = new AbortController();
  const onAbort = () => controller.abort(signal.reason);
  if (signal?.aborted) onAbort();
  signal?.addEventListener("abort", onAbort);
  const timer = setTimeout(() => controller.abort(tooSlow()), timeoutMs);
  try {
    return await abortable(task(controller.signal), controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
  }
}
