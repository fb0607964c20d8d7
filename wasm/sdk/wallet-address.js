// What a wallet address may look like, wherever one is taken.

import { argumentError, guarded } from "./errors.js";

/**
 * Returns a wallet address as servers must see it: they compare it letter by letter and append to it.
 * Takes a string, a URL of any realm, or a payment pointer ($wallet.example/alice), which becomes its
 * URL. Throws a TypeError that names the argument for what no wallet address has: spaces, a user name,
 * a query or a fragment. A slash at its end stays where there is a path, since some addresses are read
 * with it; that of an origin alone goes.
 */
export function toWalletAddress(value, name) {
  const text = typeof value === "string" ? value : guarded(Object(value), name, `${name}.`).href;
  if (typeof text !== "string") throw argumentError(name, "must be a string or a URL");
  const address = text.startsWith("$") ? fromPaymentPointer(text.slice(1)) : text;
  const url = parse(address);
  if (!url) throw argumentError(name, "must be an absolute https: or http: URL, or a payment pointer like $wallet.example/alice");
  const problem = problemOf(address, url);
  if (problem) throw argumentError(name, problem);
  return url.pathname === "/" ? address.replace(/\/$/, "") : address;
}

/** https://paymentpointers.org: without a path, the address is below /.well-known. */
function fromPaymentPointer(pointer) {
  const isBare = /^[^/?#]+\/?$/.test(pointer);
  return isBare ? `https://${pointer.replace(/\/$/, "")}/.well-known/pay` : `https://${pointer}`;
}

function parse(address) {
  try {
    const url = new URL(address);
    return /^https?:\/\/[^/]/i.test(address.trim()) ? url : undefined;
  } catch {
    return undefined;
  }
}

function problemOf(address, url) {
  if (/[\s\p{C}\\]/u.test(address)) return "must not hold spaces, control characters or backslashes";
  if (url.username || url.password || /^[^/]*\/\/[^/?#]*@/.test(address)) return "must not hold a user name or password";
  if (address.includes("?")) return "must not have a query: servers append to it";
  if (address.includes("#")) return "must not have a fragment";
  return undefined;
}
