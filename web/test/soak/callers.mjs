// What callers hand over: functions like fetch, functions that sign, stores; good ones and bad ones.

import { sleep, watched } from "./instruments.mjs";

const own = () => new Error("the caller's own failure");
const never = () => new Promise(() => {});
const at = (list, number) => list[number % list.length]();

const responseJunk = [
  () => undefined,
  () => null,
  () => 0,
  () => "text",
  () => ({}),
  () => [],
  () => ({ status: "200" }),
  () => Response.error(),
  () =>
    new Proxy(
      {},
      {
        get() {
          throw own();
        },
      },
    ),
  () => Symbol("junk"),
  () => 10n,
];
const thrownJunk = [() => undefined, () => null, () => 5n, () => "thrown", () => Symbol("thrown"), () => Object.create(null)];
const streamJunk = [() => "text", () => 5, () => undefined, () => ({}), () => Object.create(Uint8Array.prototype)];
const headers = { "content-type": "application/json" };

/** The response with nothing but a status, headers as a plain object, and one way to read it. */
async function bare(url, options, method) {
  const response = await fetchReal(url, options);
  return {
    ok: response.ok,
    status: response.status,
    headers: Object.fromEntries(response.headers),
    [method]: async () => response[method](),
  };
}

const fetchReal = (url, options) => realFetch(url, options);
const realFetch = globalThis.fetch; // counts the request already

const streamOf = (pull) => ({ status: 200, headers: new Headers(headers), body: new ReadableStream({ pull }) });

const fetches = {
  throws: () => {
    throw own();
  },
  rejects: async () => {
    throw own();
  },
  rejectsJunk: async (url, options, number) => {
    throw at(thrownJunk, number);
  },
  returnsJunk: async (url, options, number) => at(responseJunk, number),
  never,
  slow: async (url, options) => {
    await sleep(50);
    return fetchReal(url, options);
  },
  textOnly: (url, options) => bare(url, options, "text"),
  bytesOnly: (url, options) => bare(url, options, "arrayBuffer"),
  jsonOnly: (url, options) => bare(url, options, "json"),
  brokenStream: async () => streamOf((controller) => controller.error(own())),
  junkStream: async (url, options, number) => streamOf((controller) => controller.enqueue(at(streamJunk, number))),
  endlessStream: async () => streamOf((controller) => sleep(5).then(() => controller.enqueue(new Uint8Array([32])))),
};
const asks = ["slow", "textOnly", "bytesOnly", "jsonOnly"]; // these send the request themselves

/** The `fetch` that a script wants, or undefined for the browser's. */
export function fetchOf({ fetch: name, fetchJunk }) {
  if (!name) return undefined;
  if (asks.includes(name)) return (url, options) => fetches[name](url, options);
  return (url, options) => watched((url, options) => fetches[name](url, options, fetchJunk), url, options);
}

const signatureJunk = [
  () => undefined,
  () => null,
  () => 5,
  () => "signature",
  () => new Uint8Array(63),
  () => new Uint8Array(65),
  () => ({}),
  () => [],
  () =>
    new Proxy(
      {},
      {
        get() {
          throw own();
        },
      },
    ),
];

/** A function that signs with a CryptoKey, or fails as a script wants. */
export function signOf(privateKey, { sign: name, signJunk } = {}) {
  const good = async (data) => new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, data));
  const signs = {
    throws: () => {
      throw own();
    },
    rejects: async () => {
      throw own();
    },
    returnsJunk: () => at(signatureJunk, signJunk),
    slow: (data) => sleep(60).then(() => good(data)),
    never,
  };
  return signs[name] ?? good;
}

const storeFailures = {
  throws: () => {
    throw own();
  },
  rejects: async () => {
    throw own();
  },
  never,
  junk: (run, number) => at([() => 5, () => "junk", () => [null], () => ({ id: { hashMethod: 5 } })], number),
  slow: (run) => sleep(30).then(run),
};

/** A store around another, which fails as faults.mjs says. */
export function failingStore(store, { kind, on, skip, times, phase }) {
  const state = { phase: "start", uses: 0 };
  const method =
    (name) =>
    (...args) => {
      const run = () => store[name](...args);
      if (name !== on || state.phase !== phase) return run();
      state.uses += 1;
      const isFailing = state.uses > skip && state.uses <= skip + times;
      return isFailing ? storeFailures[kind](run, state.uses) : run();
    };
  return { get: method("get"), set: method("set"), delete: method("delete"), enter: (phase) => (state.phase = phase) };
}
