// Watches what is sent: a fetch that keeps each request and its response, and the signature base
// (RFC 9421 §2.5), built again here from nothing but the headers.

/**
 * Returns a function like fetch that passes a record of every exchange to `keep`. `tamper` may
 * change a body that is signed already, as somebody on the way would.
 */
export function recordingFetch(keep, { tamper = (body) => body } = {}) {
  return async (url, init = {}) => {
    const signedBody = init.body && asText(init.body);
    const body = signedBody && tamper(signedBody);
    const sent = { method: init.method ?? "GET", url: String(url), headers: headersOf(init.headers), body, signedBody };
    const began = performance.now();
    const done = async (received) =>
      keep({
        ...sent,
        ...received,
        tookMs: performance.now() - began,
        digest: body && (await digestOf(body)),
        base: sent.headers["signature-input"] && signatureBase({ ...sent, body: signedBody }),
      });
    try {
      const response = await fetch(url, body === signedBody ? init : { ...init, body });
      const text = await response.clone().text();
      await done({ status: response.status, type: response.headers.get("content-type"), text });
      return response;
    } catch (error) {
      await done({ status: 0 });
      throw error;
    }
  };
}

/** What a signature covers, component by component, with the values that were signed. */
export function signatureBase({ method, url, headers, body }) {
  const known = {
    "@method": method,
    "@target-uri": url,
    "content-length": body && String(byteLength(body)), // the browser adds this header itself
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
