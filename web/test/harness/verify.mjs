// The verifier of the reference server, and what it must refuse.

import assert from "node:assert/strict";
import { validateSignature, validateSignatureHeaders } from "@interledger/http-signature-utils";

/** What the reference server makes of a request: it digests JSON.stringify of the parsed body. */
export async function isAccepted(exchange, jwk) {
  return isVerified(exchange, jwk, (body) => JSON.stringify(JSON.parse(body)));
}

/** The same of a body of any kind: its bytes are digested. */
export async function isAcceptedAsSent(exchange, jwk) {
  return isVerified(exchange, jwk, (body) => body);
}

async function isVerified(exchange, jwk, digested) {
  const { method, url, headers } = exchange;
  const body = exchange.body.length > 0 ? digested(exchange.body) : undefined;
  const request = { method, url, headers, body };
  try {
    return validateSignatureHeaders(request) && (await validateSignature({ ...jwk, alg: "EdDSA" }, request));
  } catch {
    return false; // a digest or a signature that it cannot even read
  }
}

/** Asserts that a request is accepted, and refused once any part of it is changed by one byte. */
export async function assertBound(exchange, jwk, accepts = isAccepted) {
  assert.ok(await accepts(exchange, jwk), `${exchange.method} ${exchange.url} was refused`);
  for (const [what, changed] of Object.entries(tampered(exchange))) {
    assert.equal(await accepts(changed, jwk), false, `accepted with another ${what}`);
  }
}

function tampered(exchange) {
  const withHeader = (name, change) => ({ ...exchange, headers: { ...exchange.headers, [name]: change(exchange.headers[name]) } });
  const variants = {
    target: { ...exchange, url: bump(exchange.url, exchange.url.length - 1) },
    method: { ...exchange, method: exchange.method === "POST" ? "PUT" : "POST" },
    signature: withHeader("signature", (value) => bump(value, 10)),
  };
  for (const parameter of ["created", "nonce", "tag", "keyid"]) {
    const at = (value) => value.indexOf(`;${parameter}=`) + parameter.length + 3;
    variants[parameter] = withHeader("signature-input", (value) => bump(value, at(value)));
  }
  if (exchange.headers.authorization) {
    variants.token = withHeader("authorization", (value) => bump(value, value.length - 1));
  }
  if (exchange.body.length > 0) {
    variants.body = { ...exchange, body: Buffer.from(bump(exchange.body.toString(), exchange.body.length - 4)) };
    variants["content-length"] = withHeader("content-length", (value) => String(Number(value) + 1));
    variants["content-type"] = withHeader("content-type", (value) => `${value};a`);
    variants.digest = withHeader("content-digest", (value) => bump(value, 12));
  }
  return variants;
}

/** Replaces one character by its neighbour. */
function bump(text, at) {
  const code = text.charCodeAt(at);
  const last = "9Zz".includes(text[at]);
  return text.slice(0, at) + String.fromCharCode(code + (last ? -1 : 1)) + text.slice(at + 1);
}
