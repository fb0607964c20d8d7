// Watches what is sent: a fetch that keeps each request and its response, and the signature base
// (RFC 9421 §2.5), built again here from nothing but the headers.

/** @typedef {{ method: string, url: string, headers: Record<string, string>, signedBody?: string, body?: string }} Sent */

/**
 * Returns a function like fetch that passes a record of every exchange to `keep`, in the order in which the requests left.
 *
 * @param {(exchange: any) => unknown} keep
 * @param {(sent: Sent) => { send?: (body: string) => string, receive?: (text: string) => string }} meddle
 *   what somebody on the way makes of a body that is signed already, and of the response's; `receive` throws where it is lost
 */
export function recordingFetch(keep, meddle = () => ({})) {
  let recorded = Promise.resolve();
  return async (url, init = {}) => {
    const signedBody = init.body && asText(init.body);
    const sent = { method: init.method ?? "GET", url: String(url), headers: headersOf(init.headers), signedBody };
    const { send = same, receive = same } = meddle(sent);
    const body = signedBody && send(signedBody);
    const before = recorded;
    const isRecorded = deferred();
    recorded = isRecorded.promise;
    const began = performance.now();
    const done = async (received) => {
      const tookMs = performance.now() - began;
      const digest = body && (await digestOf(body));
      const base = sent.headers["signature-input"] && signatureBase(sent);
      await before;
      await keep({ ...sent, body, ...received, tookMs, digest, base });
      isRecorded.resolve();
    };
    try {
      const response = await fetch(url, body === signedBody ? init : { ...init, body });
      const { status, headers } = response;
      const sentText = await response.clone().text();
      const text = receive(sentText);
      await done({ status, type: headers.get("content-type"), text, sentText });
      return text === sentText ? response : new Response(text, { status, headers });
    } catch (error) {
      await done({ status: 0 });
      throw error;
    }
  };
}

const same = (text) => text;

function deferred() {
  let resolve;
  const promise = new Promise((resolvePromise) => {
    resolve = resolvePromise;
  });
  return { promise, resolve };
}

/** What a signature covers, component by component, with the values that were signed. */
export function signatureBase({ method, url, headers, signedBody }) {
  const known = {
    "@method": method,
    "@target-uri": url,
    "content-length": signedBody && String(byteLength(signedBody)), // the browser adds this header itself
  };
  const params = headers["signature-input"].replace(/^sig1=/, "");
  const lines = coveredComponents(params).map((name) => [name, known[name] ?? headers[name]]);
  return [...lines, ["@signature-params", params]];
}

/** The names in a value of signature-input (RFC 9421 §4.1). */
export function coveredComponents(params) {
  return [...params.slice(0, params.indexOf(")")).matchAll(/"([^"]+)"/g)].map(([, name]) => name);
}

export function byteLength(text) {
  return new TextEncoder().encode(text).length;
}

async function digestOf(text) {
  const digest = await crypto.subtle.digest("SHA-512", new TextEncoder().encode(text));
  return btoa(String.fromCharCode(...new Uint8Array(digest)));
}

function asText(body) {
  return typeof body === "string" ? body : new TextDecoder().decode(body);
}

function headersOf(headers = {}) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
