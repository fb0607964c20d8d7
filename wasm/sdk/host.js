// What the module asks of JavaScript. Every step between the two costs, so each of these does what
// would be many: sign and exchange call `done(true, ...values)` or `done(false, error)`, once, and
// return a function that gives it up, which calls done too.

/**
 * The functions that one instance of the module calls. `ask` calls one of them, `answered` gets the
 * number of the question before the answer, `giveUp` takes the number.
 */
export function createHost() {
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
  return { ask, giveUp: (number) => waiting.get(number)?.(), sign, exchange };
}

/** Signs with a CryptoKey for Ed25519, or with a function that does. done gets the signature. */
export function sign(key, data, done) {
  const signing = attempt(() => (typeof key === "function" ? key(data) : crypto.subtle.sign("Ed25519", key, data)));
  return settle(signing.then((signature) => [bytes(signature)]), done);
}

// Nothing of the page goes along, nothing is kept, and a signed request is for the address that was signed.
const privately = { credentials: "omit", cache: "no-store", redirect: "manual", referrerPolicy: "no-referrer" };

/**
 * Sends a request with a function like fetch. `request` is a text of lines: method, URL, how many
 * headers, name and value of each in turn, and then the body, where there is one.
 * done gets the response as bytes: lines of the status, of name, comma and value of each header, an
 * empty line, and as much of the body as `limit` bytes and one more.
 */
export function exchange(fetch, request, limit, done) {
  const controller = new AbortController();
  const { signal } = controller;
  const [method, url, count, ...lines] = request.split("\n");
  const headers = pairs(lines.splice(0, 2 * count));
  const body = lines.length > 0 ? lines.join("\n") : undefined;
  const options = { method, headers, body, signal, ...privately };
  const giveUp = settle(receive(fetch, url, options, limit), done);
  return () => {
    controller.abort();
    giveUp();
  };
}

async function attempt(task) {
  return task();
}

function settle(promise, done) {
  let isDone = false;
  const once = (...answer) => {
    if (!isDone) done(...answer);
    isDone = true;
  };
  promise.then((values) => once(true, ...values), (error) => once(false, error));
  return () => once(false, undefined);
}

function pairs(lines) {
  const object = {};
  for (let i = 0; i + 1 < lines.length; i += 2) object[lines[i]] = lines[i + 1];
  return object;
}

async function receive(fetch = globalThis.fetch, url, options, limit) {
  const response = await fetch(url, options);
  // Browsers hide where a redirect leads and which one it was.
  if (response.type === "opaqueredirect") return [encoder.encode("302\n\n")];
  if (!Number.isInteger(response.status)) throw noResponse();
  const head = [response.status, ...response.headers].join("\n"); // no name holds a comma, no value a line break (RFC 9110 §5)
  const body = await read(response.body, limit, options.signal);
  return [join([encoder.encode(`${head}\n\n`), body])];
}

const encoder = new TextEncoder();

/** Reads as much as `limit` bytes and one more. Ends the download where it is too long, or not wanted any more. */
export async function read(stream, limit, signal) {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
  const chunks = [];
  let size = 0;
  try {
    while (size <= limit) {
      signal.throwIfAborted();
      const { done, value } = await reader.read();
      signal.throwIfAborted(); // a reader that is cancelled is done too
      if (done) return join(chunks);
      chunks.push(bytes(value));
      size += chunks.at(-1).length;
    }
    return join(chunks).subarray(0, limit + 1);
  } finally {
    reader.cancel().catch(() => {}); // of what is complete: nothing
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

function noResponse() {
  return new TypeError("fetch did not return a Response");
}
