// The JavaScript half of this package: the functions that Go calls, which are globals of its program. build.sh puts
// this file beside those of wasm/sdk. Every crossing between Go and JavaScript costs, so each function does what would
// be many: sign, invoke and exchange call `done(true, ...values)` or `done(false, error)`, once, and return a function that
// cancels, which calls done too.

/**
 * What one instance of the module gets: `functions`, which it calls, and `end`, which cancels its host calls.
 * callHost calls one of the functions and throws nothing, `settled` gets the id of the host call before the result, and
 * cancelHostCall takes the id. `calls` are the calls in flight (module-call.js) by the ids that the module knows.
 */
export function createHost(calls = new Map()) {
  const cancels = new Map(); // id of a host call → the function that cancels it
  const callHost = (settled, id, fn, ...args) => {
    let isDone = false;
    const done = (...result) => {
      isDone = true;
      cancels.delete(id);
      settled(id, ...result);
    };
    try {
      const cancel = fn(...args, done);
      if (!isDone) cancels.set(id, cancel);
    } catch (error) {
      done(false, error); // thrown, it would be a panic in Go, which the deferred module makes
    }
  };
  const functions = {
    callHost,
    cancelHostCall: (id) => cancels.get(id)?.(),
    sign,
    invoke,
    exchange(id, ...args) {
      if (id > 0 && !calls.has(id)) throw new Error("The call is over"); // and its caller was told what was sent
      return exchange(calls.get(id), ...args);
    },
  };
  return { functions, end: () => cancels.forEach((cancel) => cancel()) };
}

/** Signs with a CryptoKey for Ed25519, or with a function that does. done gets the signature. */
export function sign(key, data, done) {
  const signing = attempt(() => (typeof key === "function" ? key(data) : crypto.subtle.sign("Ed25519", key, data)));
  return whenSettled(
    signing.then((signature) => [bytes(signature)]),
    done,
  );
}

/** Calls a function. done gets what it returns, or what the promise is fulfilled with. */
export function invoke(fn, ...args) {
  const done = args.pop();
  return whenSettled(
    attempt(() => fn(...args)).then((value) => [value]),
    done,
  );
}

// Nothing of the page goes along.
const privately = { credentials: "omit", referrerPolicy: "no-referrer" };

/**
 * Sends a request of a call with a function like fetch. The request is a frame with the head { method, url, headers }.
 * done gets the response as a frame with the head { status, headers, url? }, where headers are pairs and url is where
 * redirects have led, and as much of the body as `limit` bytes and one more. Where the response could not be read to
 * its end, done gets what was thrown as well.
 */
export function exchange(call, fetch = globalThis.fetch, request, limit, done) {
  const controller = new AbortController();
  const { signal } = controller;
  const { head, body } = decodeFrame(request);
  const { method, url } = head;
  const options = { method, ...modes(head.headers), body: toFetchBody(body), signal, ...privately };
  call?.sends(() => controller.abort());
  const receiving = receive(fetch, url, options, limit);
  call?.receives(receiving);
  const cancel = whenSettled(receiving.then(encodeResponse), done);
  return () => {
    if (!call?.keepsExchange) controller.abort();
    cancel();
  };
}

/**
 * How a request with these headers is sent. A signed request is for the address that was signed; others follow redirects.
 * "no-store" is a mode and no header, which would ask for a preflight; and as a mode it asks for one each time. The mode
 * "default" is not named: it is what fetch does without one, and workerd refuses its name.
 */
function modes({ "Cache-Control": control, ...headers }) {
  const cache = control === "no-store" ? { cache: control } : {};
  return { headers, ...cache, redirect: Object.hasOwn(headers, "Signature") ? "manual" : "follow" };
}

/** Text where the bytes are text, because a function like fetch may look at it. */
function toFetchBody(body) {
  if (body.length === 0) return undefined;
  try {
    return decodeText(body);
  } catch {
    return body;
  }
}

/** @param {{ status: number, headers: any[], url?: string, body: any, failed?: any[] }} response */
const encodeResponse = ({ status, headers, url, body, failed = [] }) => [encodeFrame({ status, headers, url }, body), ...failed];

// A frame takes values with names, and bytes, over to Go or back in one crossing: the head, as a line of JSON, and then
// the body. JSON.stringify writes no line breaks. frame_js.go reads and writes frames in Go.

const lineFeed = 10;

/** Returns a frame. The body is text or bytes. */
export function encodeFrame(head, body = "") {
  const line = `${JSON.stringify(head)}\n`;
  return typeof body === "string" ? bytes(encodeText(line + body)) : join([encodeText(line), body]);
}

/** Returns the { head, body } of a frame. */
function decodeFrame(frame) {
  const end = frame.indexOf(lineFeed);
  return { head: JSON.parse(decodeText(frame.subarray(0, end))), body: frame.subarray(end + 1) };
}

// They are made at their first use, because an import must work where they are missing.
let encoder, decoder;
const encodeText = (text) => (encoder ??= new TextEncoder()).encode(text);
const decodeText = (data) => (decoder ??= new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })).decode(data);

/**
 * Runs a task that may call a function of the caller, and not on Go's stack: until the stack of an error is first read V8 keeps its
 * frames, and with those of Go an instance of the module that has died meanwhile.
 */
async function attempt(task) {
  await undefined;
  return task();
}

/** Calls done once: when the promise settles, or when the function that it returns is called. */
function whenSettled(promise, done) {
  const once = (...result) => {
    const settle = done;
    done = undefined; // a promise that never settles would hold the instance of the module
    settle?.(...result);
  };
  promise.then(
    (values) => once(true, ...values),
    (error) => once(false, error),
  );
  return () => once(false, undefined);
}

const withoutBody = [101, 103, 204, 205, 304]; // null body statuses: json() of such a response rejects

/** Sends a request. A response is { status, headers, body } and, where it could not be read to its end, `failed` with what was thrown. */
async function receive(fetch, url, options, limit) {
  const response = await attempt(() => fetch(url, options));
  /** @type {{ status: number, headers: any[], url?: string, failed?: any[] }} */
  const received = { status: 0, headers: [], url: undefined, failed: undefined };
  const chunks = [];
  try {
    // Browsers hide where a redirect leads and which one it was.
    if (response.type === "opaqueredirect") return { ...received, status: 302, body: join(chunks) };
    received.status = checkStatus(response.status);
    received.headers = headersOf(response);
    if (options.redirect === "follow" && response.url && response.url !== url) received.url = String(response.url);
    if (!withoutBody.includes(received.status)) await readBody(response, limit, options.signal, chunks);
  } catch (error) {
    received.failed = [error];
  }
  return { ...received, body: join(chunks).subarray(0, limit + 1) };
}

function checkStatus(status) {
  if (Number.isInteger(status) && status >= 100 && status <= 599) return status;
  throw new TypeError("fetch did not return a Response");
}

/** The names and values of a Headers, a Map, a list of pairs or a plain object; none where they cannot be read: the body counts. */
function headersOf(response) {
  try {
    const pairs = entriesOf(response.headers ?? []).map((entry) => Array.from(entry, (text) => String(text).replace(/[\r\n]+/g, " ")));
    return pairs.filter(([name, value]) => value !== undefined && !/[\s,:]/.test(name)); // no name holds these (RFC 9110 §5.6.2)
  } catch {
    return [];
  }
}

function entriesOf(headers) {
  if (typeof headers[Symbol.iterator] === "function") return [...headers];
  if (typeof headers.forEach !== "function") return Object.entries(headers);
  const entries = []; // of an old Headers, which is not iterable
  headers.forEach((value, name) => entries.push([name, value]));
  return entries;
}

/** What a response without a web stream may offer, and how that becomes bytes. React Native has an arrayBuffer() that always fails. */
const ways = {
  text: (text) => toBytes(text),
  arrayBuffer: (buffer) => bytes(buffer),
  json: (value) => toBytes(JSON.stringify(value)),
};

/** Reads the body of a response, whatever it offers, into chunks. */
async function readBody(response, limit, signal, chunks) {
  const { body } = response;
  if (typeof body?.getReader === "function") return readStream(body, limit, signal, chunks);
  const offered = Object.keys(ways).filter((name) => typeof response[name] === "function");
  if (offered.length === 0 && body !== undefined && body !== null) throw new TypeError("The body of the response cannot be read");
  const failures = [];
  for (const name of offered) {
    try {
      return void chunks.push(ways[name](await response[name]()));
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function toBytes(text) {
  if (typeof text !== "string") throw new TypeError("The body of the response is no text");
  return encodeText(text);
}

/** Reads as much of a stream as `limit` bytes and one more. */
export async function read(response, limit, signal) {
  const chunks = [];
  await readBody(response, limit, signal, chunks);
  return join(chunks).subarray(0, limit + 1);
}

/** Reads chunks until they are more than `limit` bytes. Ends the download where it is too long, or not wanted any more. */
async function readStream(stream, limit, signal, chunks) {
  const reader = stream.getReader();
  const cancel = () => void attempt(() => reader.cancel()).catch(() => {}); // of what is complete: nothing
  signal.addEventListener("abort", cancel);
  try {
    for (let size = 0; size <= limit; size += chunks.at(-1).length) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted(); // a reader that is cancelled is done too
      if (done) return;
      chunks.push(bytes(value));
    }
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

function join(chunks) {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(chunks.reduce((size, chunk) => size + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** What may be a Uint8Array of another page, or another view, or an ArrayBuffer: as one of ours. Else a TypeError. */
function bytes(data) {
  const view = ArrayBuffer.isView(data) ? data : new DataView(data);
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
