// Watches what is sent: a fetch that keeps each request and its answer, and the signature base
// (RFC 9421 §2.5), built again here from nothing but the headers.

/** Returns a function like fetch that passes a record of every exchange to `keep`. */
export function recordingFetch(keep) {
  return async (url, init) => {
    const began = performance.now();
    const response = await fetch(url, init);
    const answer = await response.clone().text();
    const body = init.body && new TextDecoder().decode(init.body);
    keep({
      method: init.method, url, headers: init.headers, body,
      base: signatureBase(init.method, url, init.headers, body),
      status: response.status, answer, tookMs: performance.now() - began,
    });
    return response;
  };
}

function signatureBase(method, url, headers, body) {
  const values = new Headers(headers);
  const known = {
    "@method": method,
    "@target-uri": url,
    "content-length": body && String(new TextEncoder().encode(body).length), // the browser adds this header itself
  };
  const params = values.get("signature-input").replace(/^sig1=/, "");
  const components = [...params.slice(0, params.indexOf(")")).matchAll(/"([^"]+)"/g)].map(([, name]) => name);
  const lines = components.map((name) => `"${name}": ${known[name] ?? values.get(name)}`);
  return [...lines, `"@signature-params": ${params}`].join("\n");
}
