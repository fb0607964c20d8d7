// A store in IndexedDB that all tabs and workers of the origin see: one entry for each name.

const databaseName = "open-payments-wasm.journal";
const entriesName = "entries";

let opening; // a promise of the connection, which is kept

/** Reads and writes single entries. No transaction outlives the task that began it by more than its one request. */
export const database = {
  get: (key) => request("readonly", (entries) => entries.get(key)),
  set: (key, value) => request("readwrite", (entries) => entries.put(value, key)).then(() => {}),
  delete: (key) => request("readwrite", (entries) => entries.delete(key)),
  keys: () => request("readonly", (entries) => entries.getAllKeys()),
  /** Reads all entries whose keys begin with a prefix, at once. */
  all: (prefix) => request("readonly", (entries) => entries.getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`))),
  /** Writes an entry unless there is one; resolves with whether it was written. */
  add: (key, value) =>
    request("readwrite", (entries) => entries.add(value, key)).then(
      () => true,
      (error) => {
        if (error?.name === "ConstraintError") return false;
        throw error;
      },
    ),
};

/** Whether IndexedDB can be used here: it may be missing, or denied. */
export async function hasDatabase() {
  return connect().then(
    () => true,
    () => false,
  );
}

async function request(mode, make) {
  const transaction = await begin(mode);
  return new Promise((resolve, reject) => {
    const made = make(transaction.objectStore(entriesName));
    transaction.oncomplete = () => resolve(made.result);
    transaction.onabort = () => {
      const failed = made.readyState === "done" ? made.error : undefined; // it may be pending, where there is no room, and throw if asked
      reject(failed ?? transaction.error);
    };
    transaction.commit?.(); // a page that stands still from here on holds up nobody
  });
}

async function begin(mode) {
  try {
    return (await connect()).transaction(entriesName, mode);
  } catch (error) {
    if (error?.name !== "InvalidStateError") throw error;
    opening = undefined; // the browser has closed the connection, and may never say so
    return (await connect()).transaction(entriesName, mode);
  }
}

function connect() {
  opening ??= open().catch((error) => {
    opening = undefined;
    throw error;
  });
  return opening;
}

function open() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(databaseName, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(entriesName);
    asked.onerror = () => reject(asked.error);
    asked.onsuccess = () => {
      const connection = asked.result;
      const close = () => {
        opening = undefined;
        connection.close();
      };
      connection.onversionchange = close;
      connection.onclose = close;
      resolve(connection);
    };
  });
}
