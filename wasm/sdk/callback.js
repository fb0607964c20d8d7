// The address that the wallet sends a person back to: what it says. Which grant it is for, interaction.js decides by the hash.

import { argumentError, ended, OpenPaymentsClientError } from "./errors.js";

const names = ["hash", "interact_ref", "result"];

/**
 * Reads { url, hash, interactRef, result, message } of a callback, each of the last four null where it
 * is missing. Hash routers have parameters after "#". Whatever stands there proves nothing yet.
 */
export function readCallback(callbackUrl) {
  const url = parse(callbackUrl, "callbackUrl");
  const { parameters } = fragmentOf(url);
  // The last, because a finish URI may have a parameter of that name itself, and the wallet adds its own behind it.
  const get = (name) => url.searchParams.getAll(name).at(-1) ?? parameters.getAll(name).at(-1) ?? null;
  const callback = { url, hash: get("hash"), interactRef: get("interact_ref"), result: get("result"), message: get("message") };
  if (callback.interactRef === null && callback.result === null) {
    throw argumentError(
      "callbackUrl",
      "must be the address that the wallet sent the person back to, with interact_ref and hash, or result",
    );
  }
  return { ...callback, hash: callback.hash?.replaceAll(" ", "+") ?? null }; // a "+" that was not percent-encoded
}

/**
 * The address without what the wallet added to it.
 *
 * @type {typeof import("./index.js").cleanCallbackUrl}
 */
export function cleanCallbackUrl(callbackUrl) {
  const url = parse(callbackUrl, "url");
  const { before, parameters } = fragmentOf(url);
  removeFrom(url.searchParams);
  if (removeFrom(parameters)) url.hash = [before, String(parameters)].filter(Boolean).join(before.endsWith("#") ? "" : "?");
  return url.href;
}

/** Removes the parameters of a callback, and the message of a failed one. Returns whether there were any. */
function removeFrom(parameters) {
  const found = [...names, ...(parameters.has("result") ? ["message"] : [])].filter((name) => parameters.has(name));
  for (const name of found) parameters.delete(name);
  return found.length > 0;
}

/** The parameters in the fragment of an address, if a callback is there, and what stands before them. */
function fragmentOf({ hash }) {
  const [before, query] = hash.includes("?") ? split(hash, "?") : ["#", hash.slice(1)];
  const parameters = new URLSearchParams(query);
  const isCallback = parameters.has("interact_ref") || parameters.has("result");
  return isCallback ? { before, parameters } : { before: hash, parameters: new URLSearchParams() };
}

function split(text, separator) {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + 1)];
}

/**
 * Whether a callback without a proof may be for a grant with this finish URI: the same page, as servers
 * and routers may spell it, with the URI's own parameters.
 */
export function mayBeFor(finishUri, callback) {
  const expected = new URL(finishUri);
  if (!isSameHost(expected, callback) || pathOf(expected) !== pathOf(callback)) return false;
  return [...expected.searchParams].every(([name, value]) => callback.searchParams.getAll(name).includes(value));
}

/** Whether two addresses have the same host, `www.` more or less. */
export function isSameHost(a, b) {
  const hostOf = ({ host }) => host.replace(/^www\./, "");
  const schemeOf = ({ protocol }) => protocol.replace(/^http:/, "https:");
  return hostOf(a) === hostOf(b) && schemeOf(a) === schemeOf(b);
}

const pathOf = ({ pathname }) => pathname.replace(/\/(index\.html?)?$/, "");

function parse(url, name) {
  try {
    return new URL(url);
  } catch {
    throw argumentError(name, "must be an absolute URL");
  }
}

/** The error of a callback without a reference: what the wallet says of an interaction that has ended. */
export function interactionEnded(result, message) {
  const words = message ? ` The wallet says: ${ended(sanitized(message))}` : "";
  const details = { result: sanitized(result), ...(message && { message: sanitized(message) }) };
  if (result === "grant_rejected") {
    const description = `The person declined the grant.${words}`;
    return new OpenPaymentsClientError(`${description} Nothing was sent.`, { code: "interaction_rejected", description, details });
  }
  const description =
    `The wallet ended the interaction without a decision (${sanitized(result)}).${words} ` +
    "The grant may still be approved: by a callback that comes later, or was opened before.";
  return new OpenPaymentsClientError(`${description} Nothing was sent.`, { code: "interaction_failed", description, details });
}

/** Words of others: bounded, and without what could forge a line or change its direction. */
function sanitized(text) {
  const plain = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ");
  return plain.length > 300 ? `${plain.slice(0, 300)}…` : plain;
}
