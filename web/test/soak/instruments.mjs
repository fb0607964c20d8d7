// What a page holds on to, and what it sends: timers, listeners, instances of the module, and every request of a call.
// It must be imported before the package.

import { tableIndexWanted } from "/deferred.js";
import { withoutSuffix } from "./resources.mjs";

const own = { fetch: globalThis.fetch, setTimeout: globalThis.setTimeout, instantiate: WebAssembly.instantiate };

/** Sends a request without being watched. */
export const plainFetch = (url, options) => own.fetch.call(globalThis, url, options);

/** Waits without being counted. */
export const sleep = (ms) => new Promise((resolve) => own.setTimeout.call(globalThis, resolve, ms));

const timers = new Set();
const { clearTimeout } = globalThis;
globalThis.setTimeout = (callback, ms, ...args) => {
  const timer = own.setTimeout.call(
    globalThis,
    () => {
      timers.delete(timer);
      callback(...args);
    },
    ms,
  );
  timers.add(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => {
  timers.delete(timer);
  clearTimeout.call(globalThis, timer);
};
export const pendingTimers = () => timers.size;

const instances = []; // WeakRefs to the memories of all that were started
const exported = []; // and to what those export
WebAssembly.instantiate = async (module, imports) => {
  const result = await own.instantiate.call(WebAssembly, module, imports);
  if (!imports?.gojs) return result;
  exported.push(new WeakRef(result.exports));
  instances.push(new WeakRef(result.exports.mem));
  return result;
};
const { compile } = WebAssembly;
/** Modules that are compiled while Go waits take a while, as on a slow machine: calls end meanwhile. */
WebAssembly.compile = async (bytes) => {
  const module = await compile.call(WebAssembly, bytes);
  await sleep(500);
  return module;
};

export const startedInstances = () => instances.length;
export const livingInstances = () => instances.filter((memory) => memory.deref()).length;
export const moduleMemory = () => Math.max(0, ...instances.map((memory) => memory.deref()?.buffer.byteLength ?? 0));

/** Counts the listeners of a signal: of those that were added, how many are there still. */
export function countListeners(signal) {
  const listeners = new Set();
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = function (type, listener, options) {
    listeners.add(listener);
    if (options?.signal) options.signal.addEventListener("abort", () => listeners.delete(listener), { once: true });
    return addEventListener.call(this, type, listener, options);
  };
  signal.removeEventListener = function (type, listener, options) {
    listeners.delete(listener);
    return removeEventListener.call(this, type, listener, options);
  };
  return () => listeners.size;
}

const records = new Map(); // by the id at the end of the address

/** Watches the requests of one call until `forget`. */
export function watchRequests(id) {
  const record = { sent: 0, responded: 0, failed: 0, secrets: new Set(), onSent: [], onResponded: [], forget: () => records.delete(id) };
  records.set(id, record);
  return record;
}

globalThis.fetch = (url, options) => watched(own.fetch.bind(globalThis), url instanceof URL ? withTableIndex(url) : url, options);

/** An address of a file of the package, with the table index of the function that an instance waits for: the site finds its name. */
function withTableIndex(url) {
  const tableIndex = exported.map((exports) => tableIndexWanted(exports.deref() ?? {})).find(Number.isInteger);
  return tableIndex === undefined ? url : new URL(`?tableIndex=${tableIndex}`, url);
}

/** Sends a request with a function like fetch, and remembers what became of it. */
export async function watched(fetch, url, options) {
  const record = records.get(idOf(url));
  if (!record) return fetch(url, options);
  record.sent += 1;
  for (const secret of secretsOf(options)) record.secrets.add(secret);
  for (const listener of record.onSent.splice(0)) listener();
  try {
    const response = await fetch(url, options);
    if (isResponse(response) && url.includes("/start/"))
      record.started = response
        .clone()
        .json()
        .catch(() => undefined);
    if (isResponse(response)) record.responded += 1;
    else record.failed += 1;
    for (const listener of record.onResponded.splice(0)) listener();
    return response;
  } catch (error) {
    record.failed += 1;
    throw error;
  }
}

/** The id of the call that a request is of: see server.mjs. */
function idOf(url) {
  const parts = new URL(url, location.href).pathname.split("/");
  return parts[1] === "pay" ? parts[3] : withoutSuffix(parts).at(-1);
}

const isResponse = (response) => Number.isInteger(response?.status) && response.status >= 200;

/** What a request was signed with. */
function secretsOf({ headers = {}, body } = {}) {
  const { signature = "", "signature-input": input = "" } = Object.fromEntries(new Headers(headers));
  const nonce = /;nonce="([^"]+)"/.exec(input)?.[1];
  const clientNonce = typeof body === "string" ? /"nonce":"([^"]+)"/.exec(body)?.[1] : undefined;
  return [/:(.+):/.exec(signature)?.[1], nonce, clientNonce].filter(Boolean);
}
