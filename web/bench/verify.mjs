// Verifies what a peer sent, so that no peer is fast because it signs nothing.

import { createHash, createPublicKey, verify } from "node:crypto";

const always = ["@method", "@target-uri"];
const withBody = ["content-digest", "content-length", "content-type"];

/** Throws where the last request of a peer is not a continuation, signed by the key. */
export function verifyContinuation(request, publicJwk) {
  verifySigned(request, publicJwk, [...always, "authorization", ...withBody]);
}

/** Throws where a request of a payment is not signed by the key: reading a wallet address is all that needs no signature. */
export function verifyOfPayment(request, publicJwk) {
  const { method, url, headers, body } = request;
  const isPublic = method === "GET" && /\/wallet\/\w+$/.test(url);
  if (isPublic) return;
  const authorization = headers.authorization ? ["authorization"] : [];
  verifySigned(request, publicJwk, [...always, ...authorization, ...(body ? withBody : [])]);
}

function verifySigned({ method, url, headers, body }, publicJwk, required) {
  const input = /^sig1=(\(([^)]*)\).*)$/.exec(headers["signature-input"]);
  if (!input) throw new Error("there is no signature");
  const [, parameters, list] = input;
  const names = list.split(" ").map((name) => name.slice(1, -1));
  const missing = required.filter((name) => !names.includes(name));
  if (missing.length > 0) throw new Error(`not covered: ${missing.join(", ")}`);
  const derived = { "@method": method, "@target-uri": url };
  const lines = names.map((name) => `"${name}": ${derived[name] ?? headers[name]}`);
  const base = [...lines, `"@signature-params": ${parameters}`].join("\n");
  const signature = Buffer.from(headers.signature.slice("sig1=:".length, -1), "base64");
  const key = createPublicKey({ key: publicJwk, format: "jwk" });
  if (!verify(null, Buffer.from(base), key, signature)) throw new Error("the signature is wrong");
  if (!required.includes("content-digest")) return;
  const digest = `sha-512=:${createHash("sha512").update(body).digest("base64")}:`;
  if (headers["content-digest"] !== digest) throw new Error("the digest is wrong");
}
