// What the module asks of JavaScript. Every step between the two costs, so each of these does what
// would be many: sign and exchange call `done(true, ...values)` or `done(false, error)`, once, and
// return a function that gives it up, which calls done too.

/**
 * What one instance of the module gets: `functions`, which it calls, and `end`, which gives up what it has
 * asked for. `ask` calls one of them, `answered` gets the number of the question before the answer,
 * `giveUp` takes the number. `calls` are the calls in flight (inflight.js) by the numbers that the module knows.
 */
export function createHost(calls = new Map()) {
  const waiting = new Map(); // number to the function that gives the question up
  const ask = (answered, number, fn, ...args) => {
    let isDone = false;
    const giveUp = fn(...args, (...answer) => {
      isDone = true;
      waiting.delete(number);
      answered(number, ...answer);
    });
    if (!isDone) waiting.set(number, giveUp);
  };
  const functions = {
    ask,
    giveUp: (number) => waiting.get(number)?.(),
    sign,
    exchange(number, ...request) {
      if (number > 0 && !calls.has(number)) throw new Error("The call is over"); // and its caller was told what was sent
      return exchange(calls.get(number), ...request);
    },
  };
  return { functions, end: () => waiting.forEach((giveUp) => giveUp()) };
}

/** Signs with a CryptoKey for Ed25519, or with a function that does. done gets the signature. */
export function sign(key, data, done) {
  const signing = attempt(() => (typeof key === "function" ? key(data) : crypto.subtle.sign("Ed25519", key, data)));
  return settle(signing.then((signature) => [bytes(signature)]), done);
}

// Nothing of the page goes along, nothing is kept, and a signed request is for the address that was signed.
const privately = { credentials: "omit", cache: "no-store", redirect: "manual", referrerPolicy: "no-referrer" };

/**
 * Sends a request of a call with a function like fetch. `request` is a text of lines: method, URL, how many
 * headers, name and value of each in turn, and then the body, where there is one.
 * done gets the response as bytes: lines of the status, of name, comma and value of each header, an
 * empty line, and as much of the body as `limit` bytes and one more. Where the response could not be read
 * to its end, done gets what was thrown as well.
 */
export function exchange(call, fetch = globalThis.fetch, request, limit, done) {
  const controller = new AbortController();
  const { signal } = controller;
  const [method, url, count, ...lines] = request.split("\n");
  const headers = pairs(lines.splice(0, 2 * count));
  const body = lines.length > 0 ? lines.join("\n") : undefined;
  const options = { method, headers, body, signal, ...privately };
  call?.sends(() => controller.abort());
  const receiving = receive(fetch, url, options, limit);
  call?.receives(receiving);
  const giveUp = settle(receiving.then(encode), done);
  return () => {
    if (!call?.keepsExchange) controller.abort();
    giveUp();
  };
}

async function attempt(task) {
  return task();
}

function settle(promise, done) {
  const once = (...answer) => {
    const tell = done;
    done = undefined; // what never settles would hold the instance of the module
    tell?.(...answer);
  };
  promise.then((values) => once(true, ...values), (error) => once(false, error));
  return () => once(false, undefined);
}

function pairs(lines) {
  const object = {};
  for (let i = 0; i + 1 < lines.length; i += 2) object[lines[i]] = lines[i + 1];
  return object;
}

/** Sends a request. A response is { status, headers, body } and, where it could not be read to its end, `failed` with what was thrown. */
async function receive(fetch, url, options, limit) {
  const response = await fetch(url, options);
  const received = { status: 0, headers: [] };
  const chunks = [];
  try {
    // Browsers hide where a redirect leads and which one it was.
    if (response.type === "opaqueredirect") return { ...received, status: 302, body: join(chunks) };
    received.status = checkStatus(response.status);
    received.headers = headersOf(response);
    await readBody(response, limit, options.signal, chunks);
  } catch (error) {
    received.failed = [error];
  }
  return { ...received, body: join(chunks).subarray(0, limit + 1) };
}

function checkStatus(status) {
  if (Number.isInteger(status) && status >= 100 && status <= 599) return status;
  throw new TypeError("fetch did not return a Response");
}

function encode({ status, headers, body, failed = [] }) {
  const head = [status, ...headers.map(([name, value]) => `${name},${value}`)].join("\n");
  return [join([encoder.encode(`${head}\n\n`), body]), ...failed];
}

const encoder = new TextEncoder();

/** The names and values of a Headers, a Map, a list of pairs or a plain object; none where they cannot be read: the body counts. */
function headersOf(response) {
  try {
    const texts = entriesOf(response.headers ?? []).map((entry) => Array.from(entry, (text) => String(text).replace(/[\r\n]+/g, " ")));
    return texts.filter(([name, value]) => value !== undefined && !name.includes(",")); // no name holds a comma (RFC 9110 §5)
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
  text: (text) => encodeText(text),
  arrayBuffer: (buffer) => bytes(buffer),
  json: (value) => encodeText(JSON.stringify(value)),
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

function encodeText(text) {
  if (typeof text !== "string") throw new TypeError("The body of the response is no text");
  return encoder.encode(text);
}

/** Reads as much of a stream as `limit` bytes and one more. */
export async function read(stream, limit, signal) {
  const chunks = [];
  if (stream !== null) await readStream(stream, limit, signal, chunks);
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
