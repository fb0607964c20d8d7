// Calls that stand still, or meet a fault, at one of their steps: before or after a request, or before or after a write into the store.

import { once } from "node:events";

/** Ways to end a page. Only Chromium can be made to crash. */
export const kills = {
  closed: (page) => page.close(),
  crashed: async (page) => {
    const crashed = once(page, "error");
    page.goto("chrome://crash").catch(() => {});
    await crashed;
    await page.close();
  },
};

/**
 * Runs in the page: adds the store `own` to lab.stores, an IndexedDB, and lab.clientInSteps, which makes a client of
 * lab.clientWith that waits in `step` at each of its steps, and lab.untilStep, which lets something happen at one of them.
 */
export async function addSteps() {
  const database = await new Promise((resolve) => {
    const opening = indexedDB.open("own", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("values");
    opening.onsuccess = () => resolve(opening.result);
  });
  const entries = (mode, ask) =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction("values", mode);
      const asked = ask(transaction.objectStore("values"));
      transaction.oncomplete = () => resolve(asked.result);
      transaction.onabort = () => reject(asked.error);
    });
  const isAdded = (adding) =>
    adding.then(
      () => true,
      () => false,
    );
  const own = {
    get: (key) => entries("readonly", (values) => values.get(key)),
    keys: () => entries("readonly", (values) => values.getAllKeys()),
    delete: (key) => entries("readwrite", (values) => values.delete(key)),
    set: (key, value) => entries("readwrite", (values) => values.put(value, key)),
    add: (key, value) => isAdded(entries("readwrite", (values) => values.add(value, key))),
  };
  lab.stores.own = own;
  // What `step` returns takes the place of what was done, or is not done then. `options` are those of the client, whose store may be another.
  lab.clientInSteps = (step, options) => {
    const around = (what, task) => async (first, second) => {
      const before = await step(`before ${what} ${first}`, what);
      if (before) return before();
      const result = await task(first, second);
      const after = await step(`after ${what} ${first}`, what);
      return after ? after() : result;
    };
    const store = { ...own, set: around("set", own.set), add: around("add", own.add) };
    return lab.clientWith({ fetch: around("fetch", (...args) => fetch(...args)), store, ...options });
  };
  const fail = () => {
    throw new TypeError("Failed at a step");
  };
  const faults = {
    throw: () => fail,
    500: (what) => (what === "fetch" ? () => new Response("no", { status: 500 }) : fail),
    abort: (_, aborter) => void aborter.abort(new Error("Aborted at a step")),
  };
  /**
   * Runs a task, which is called with a client and a signal. At step `last` it stands still for ever, or the fault of that name
   * happens. Returns the steps that were gone, when it is done, has failed or stands still.
   */
  lab.untilStep = async (last, task, fault) => {
    const most = last ?? Infinity;
    const steps = [];
    const aborter = new AbortController();
    let stop;
    const stopped = new Promise((resolve) => {
      stop = resolve;
    });
    const client = await lab.clientInSteps(async (step, what) => {
      if (steps.length >= most) return fault ? undefined : new Promise(() => {});
      steps.push(step);
      if (steps.length < most) return undefined;
      if (fault) return faults[fault](what, aborter);
      stop();
      return new Promise(() => {});
    });
    const running = task(client, aborter.signal);
    await Promise.race([stopped, fault ? running.catch(() => {}) : running]);
    return steps;
  };
}
