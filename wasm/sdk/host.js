// What the module asks of JavaScript. Every step between the two costs, so each of these does what
// would be many: it calls `done(true, ...values)` or `done(false, error)`, once.

/** Signs with a CryptoKey for Ed25519, or with a function that does. done gets the signature. */
export function sign(key, data, done) {
  const signing = typeof key === "function" ? attempt(() => key(data)) : attempt(() => crypto.subtle.sign("Ed25519", key, data));
  signing.then((signature) => [bytes(signature)]).then(...settling(done));
}

// Nothing of the page goes along, nothing is kept, and a signed request is for the address that was signed.
const privately = { credentials: "omit", cache: "no-store", redirect: "manual", referrerPolicy: "no-referrer" };

/**
 * Sends a request with a function like fetch. `headers` is a text of lines, name and value in turn.
 * done gets the status, the headers as lines of name, comma and value, and as much of the body as
 * `limit` bytes and one more. Returns a function that gives the request up.
 */
export function exchange(fetch, method, url, headers, body, limit, done) {
  const controller = new AbortController();
  const { signal } = controller;
  const options = { method, headers: pairs(headers.split("\n")), body, signal, ...privately };
  receive(fetch, url, options, limit).then(...settling(done));
  return () => controller.abort();
}

async function attempt(task) {
  return task();
}

const settling = (done) => [(values) => done(true, ...values), (error) => done(false, error)];

function pairs(lines) {
  const object = {};
  for (let i = 0; i + 1 < lines.length; i += 2) object[lines[i]] = lines[i + 1];
  return object;
}

async function receive(fetch = globalThis.fetch, url, options, limit) {
  const response = await fetch(url, options);
  // Browsers hide where a redirect leads and which one it was.
  if (response.type === "opaqueredirect") return [302, "", new Uint8Array()];
  if (!Number.isInteger(response.status)) throw noResponse();
  const headers = Array.from(response.headers).join("\n"); // no name holds a comma, no value a line break (RFC 9110 §5)
  return [response.status, headers, await read(response.body, limit, options.signal)];
}

/** Ends the download where it has become too long, or is not wanted any more. */
async function read(stream, limit, signal) {
  if (stream === null) return new Uint8Array();
  const reader = stream.getReader();
  const chunks = [];
  let size = 0;
  try {
    while (size <= limit && !signal.aborted) {
      const { done, value } = await reader.read();
      if (done) return join(chunks, size);
      chunks.push(bytes(value));
      size += chunks.at(-1).length;
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error;
  }
  reader.cancel().catch(() => {});
  return join(chunks, size).subarray(0, limit + 1);
}

function join(chunks, size) {
  if (chunks.length === 1) return chunks[0];
  const whole = new Uint8Array(size);
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
