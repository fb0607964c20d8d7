// One request and its answer. Every step between Go and JavaScript costs, so what takes many of
// them is done here: the headers come over in one text, and the body in one piece.

/**
 * Sends a request with a function like fetch. `options` are those of fetch as JSON text. Returns
 * `abort`, which gives the request up, and a promise of the `answer`: its status, its headers as
 * lines of name, comma and value, and as much of its body as `limit` bytes and one more.
 */
export function exchange(fetch, url, options, body, limit) {
  const controller = new AbortController();
  const { signal } = controller;
  const answer = receive(fetch, url, { ...JSON.parse(options), body, signal }, limit);
  return { answer, abort: () => controller.abort() };
}

async function receive(fetch = globalThis.fetch, url, options, limit) {
  const response = await fetch(url, options);
  // Browsers hide where a redirect leads and which one it was.
  if (response.type === "opaqueredirect") return [302, "", new Uint8Array()];
  if (!Number.isInteger(response.status)) throw new TypeError("fetch did not return a Response");
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

function bytes(chunk) {
  if (ArrayBuffer.isView(chunk)) return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new TypeError("fetch did not return a Response: its body is no stream of bytes");
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
