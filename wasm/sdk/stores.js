// Where records are kept while the person is at the wallet. A store is any { get(key), set(key,
// value), delete(key) }, with or without promises; values are plain objects. `keys()` lists its keys;
// `add(key, value)` atomically writes an entry unless there is one, and returns whether it did.

/** @type {typeof import("./index.js").webStorage} */
export function webStorage(storage) {
  return {
    get: (key) => parse(storage.getItem(key)),
    set: (key, value) => storage.setItem(key, JSON.stringify(value)),
    delete: (key) => storage.removeItem(key),
    ...(typeof storage?.key === "function" && { keys: () => Array.from({ length: storage.length }, (_, i) => storage.key(i)) }),
  };
}

function parse(text) {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined; // damaged, so as good as missing
  }
}

/**
 * An area of chrome.storage or browser.storage. `session` is never written to disk, and is lost when
 * the browser restarts or the extension is updated; `local` outlives both.
 *
 * @type {typeof import("./index.js").extensionStorage}
 */
export function extensionStorage(area) {
  return {
    get: async (key) => (await area.get(key))[key],
    set: (key, value) => area.set({ [key]: value }),
    delete: (key) => area.remove(key),
    ...(typeof area?.getKeys === "function" && { keys: () => area.getKeys() }), // get(null) would copy all that an extension keeps
  };
}

/** @type {typeof import("./index.js").memoryStorage} */
export function memoryStorage() {
  const values = new Map();
  const set = (key, value) => void values.set(key, JSON.stringify(value));
  return {
    get: (key) => (values.has(key) ? JSON.parse(values.get(key)) : undefined),
    set,
    delete: (key) => void values.delete(key),
    keys: () => [...values.keys()],
    add: (key, value) => {
      if (values.has(key)) return false;
      set(key, value);
      return true;
    },
  };
}
