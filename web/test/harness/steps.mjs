// Calls that stand still at one of their steps: before or after a request, or before or after a write into the store.

/**
 * Runs in the page: adds the store `own` to lab.stores, an IndexedDB, and lab.clientInSteps, which makes a client of
 * lab.clientWith that waits in `step` at each of its steps. lab.untilStep runs a task with such a client up to step `last`.
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
  lab.clientInSteps = (step) => {
    const around = (what, task) => async (first, second) => {
      await step(`before ${what} ${first}`);
      const result = await task(first, second);
      await step(`after ${what} ${first}`);
      return result;
    };
    const store = { ...own, set: around("set", own.set), add: around("add", own.add) };
    return lab.clientWith({ fetch: around("fetch", (...args) => fetch(...args)), store });
  };
  /** At step `last` the task stands still for ever. Returns the steps that were gone, when it is done or stands still. */
  lab.untilStep = async (last, task) => {
    const steps = [];
    let stop;
    const stopped = new Promise((resolve) => {
      stop = resolve;
    });
    const client = await lab.clientInSteps(async (step) => {
      if (steps.length < last) steps.push(step);
      if (steps.length < last) return undefined;
      stop();
      return new Promise(() => {});
    });
    await Promise.race([stopped, task(client)]);
    return steps;
  };
}
