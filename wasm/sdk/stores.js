// Where pending grants are remembered while the person is at the wallet. A store is any
// { get(key), set(key, value), delete(key) }, with or without promises; values are plain objects.

export function webStorage(storage) {
  return {
    get: (key) => parse(storage.getItem(key)),
    set: (key, value) => storage.setItem(key, JSON.stringify(value)),
    delete: (key) => storage.removeItem(key),
  };
}

function parse(text) {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined; // damaged: there is nothing to be had from it
  }
}

/**
 * An area of chrome.storage or browser.storage. `session` is never written to disk, and is lost when
 * the browser restarts or the extension is updated; `local` outlives both.
 */
export function extensionStorage(area) {
  return {
    get: async (key) => (await area.get(key))[key],
    set: (key, value) => area.set({ [key]: value }),
    delete: (key) => area.remove(key),
  };
}

export function memoryStorage() {
  const values = new Map();
  return {
    get: (key) => structuredClone(values.get(key)),
    set: (key, value) => void values.set(key, structuredClone(value)),
    delete: (key) => void values.delete(key),
  };
}
