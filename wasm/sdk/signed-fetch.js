// client.fetch: the web's own fetch, signed. JavaScript makes the bytes of a body, as the browser would send them, and sends
// the request; Go makes the headers of the signature.

import { anyOf, within } from "./abort.js";
import { checkControl, checkObject, checkText, defaultTimeoutMs, tooSlow } from "./call.js";
import { argumentError, fromGo } from "./errors.js";
import { checkGlobals } from "./globals.js";
import { encodeFrame } from "./host.js";
import { prepareKey } from "./keys.js";
import { call } from "./runtime.js";

/**
 * Returns the method `fetch` of a client, whose `control` is what all its calls have in common.
 *
 * @returns {import("./index.js").AuthenticatedClient["fetch"]}
 */
export function signedFetch({ key, fetch, useHttp, timeoutMs = defaultTimeoutMs }) {
  return async (input, init) => {
    checkGlobals("Request", "Response");
    const { accessToken, signal, body, ...request } = read(input, init);
    const url = useHttp ? request.url.replace(/^https:/, "http:") : request.url;
    const reading = body && bytesOf(body);
    const makes = !repeatable.includes(request.method);
    let sent = false;
    const send = async (own) => {
      const content = await reading;
      const { keyId, signer } = await prepareKey(key);
      const head = { keyId, url, accessToken, allowHTTP: useHttp };
      const headers = await sign({ head, ...request, content, signer, signal: own });
      const options = { ...request.options, method: request.method, headers, body: content, signal: signal ? anyOf(signal, own) : own };
      own.throwIfAborted();
      sent = true;
      return respond(fetch, url, options, makes);
    };
    return within({ signal, timeoutMs, tooSlow: () => tooSlow("fetch", { makes })({ sent }) }, send);
  };
}

const repeatable = ["GET", "HEAD", "OPTIONS", "PUT", "DELETE"]; // RFC 9110 §9.2.2

/** What the profile fixes: the values that a Request has which was told nothing else, and why no other can be had. */
const fixed = {
  credentials: [["same-origin", "omit"], "a signed request carries nothing of the page"],
  redirect: [["follow"], "a signed request is for the address that was signed"],
  mode: [["cors"], "the response must be there to be read"],
};

/** The headers that the profile fixes, and why. */
const fixedHeaders = {
  signature: "the key makes it",
  "signature-input": "the key makes it",
  "content-digest": "the body makes it",
  authorization: "the token is given as accessToken",
};

const isFixed = (name, why) => argumentError(name, `must not be given: ${why}`);

/** Reads what fetch is called with. `headers` are those that the browser would send, `body` is what has the bytes. */
function read(input, init) {
  if (init !== undefined && init !== null && !refusing("init", () => isRequest(init))) init = checkObject(init, "init");
  /** @type {any} */
  const given = isRequest(input) ? membersOfRequest(input) : {};
  const { accessToken, signal, body, ...options } = Object.assign(given, isRequest(init) ? membersOfRequest(init) : membersOf(init));
  if (accessToken !== undefined) checkText(accessToken, "accessToken");
  checkControl({ signal: signal ?? undefined });
  if (isStream(body)) throw argumentError("body", streamProblem);
  const url = urlOf(input);
  // What the browser makes of it. It refuses a body where there must be none, and one of no bytes has no type of its own.
  const { method, headers } = refusing("init", () => {
    return new Request("https://a.example/", { ...options, body: body === undefined ? undefined : new Uint8Array() });
  });
  for (const [name, why] of Object.entries(fixedHeaders)) if (headers.has(name)) throw isFixed(`headers.${name}`, why);
  const content = body === undefined || isRequest(body) ? body : refusing("body", () => new Response(body));
  const type = headers.get("content-type") ?? (content === body ? "" : content.headers.get("content-type")) ?? "";
  if (type) headers.set("content-type", type);
  if (/[^\t -~]/.test(type)) throw argumentError("headers.content-type", "must be ASCII");
  Object.assign(options, { credentials: "omit", redirect: "manual", referrerPolicy: options.referrerPolicy || "no-referrer" });
  return { url, method, headers, accessToken, signal: signal ?? undefined, body: content, options };
}

/** Calls what the browser may refuse, for a reason that may repeat what it was given. */
function refusing(argument, make) {
  try {
    return make();
  } catch (cause) {
    throw Object.assign(argumentError(argument, "is not what fetch takes: see cause"), { cause });
  }
}

/** The members of init that are there, those that it inherits too. */
function membersOf(init) {
  const members = {};
  for (const name in init) if (init[name] !== undefined) members[name] = init[name];
  for (const name in fixed) if (name in members) throw isFixed(name, fixed[name][1]);
  if (members.body === null) delete members.body;
  return members;
}

const ofRequest = ["method", "headers", "cache", "integrity", "keepalive", "referrer", "referrerPolicy", "signal"];

/** The same of a Request, which always has what the profile fixes. Its body is itself. */
function membersOfRequest(request) {
  for (const name in fixed) {
    const [untold, why] = fixed[name];
    if (![undefined, ...untold].includes(request[name])) throw isFixed(name, why);
  }
  const members = membersOf(Object.fromEntries(ofRequest.map((name) => [name, request[name]])));
  const hasBody = request.body !== null && !["GET", "HEAD"].includes(request.method); // Firefox does not tell
  return hasBody ? { ...members, body: request } : members;
}

/** A Request of any realm. */
const isRequest = (value) => typeof value?.url === "string" && typeof value.method === "string" && typeof value.arrayBuffer === "function";

/** A stream of the web, or of Node. */
const isStream = (body) => typeof body?.getReader === "function" || typeof body?.[Symbol.asyncIterator] === "function";

const streamProblem =
  "must not be a stream: its digest is sent before its first byte. Read it before, as with await new Response(stream).blob()";

function urlOf(input) {
  const url = isRequest(input) ? input.url : (input?.href ?? input);
  if (typeof url !== "string") throw argumentError("input", "must be a string, a URL or a Request");
  try {
    const absolute = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
    absolute.hash = "";
    return absolute.href;
  } catch {
    throw argumentError("input", "must be a URL");
  }
}

/** The bytes of a Request or Response. A Request without a body has none. */
async function bytesOf(content) {
  try {
    const bytes = new Uint8Array(await content.arrayBuffer());
    return bytes.length === 0 && isRequest(content) ? undefined : bytes;
  } catch (cause) {
    throw Object.assign(argumentError("body", "could not be read: see cause"), { cause });
  }
}

/** Returns the headers with those of the signature. */
async function sign({ head, method, headers, content, signer, signal }) {
  if (content && !headers.has("content-type")) headers.set("content-type", "application/octet-stream"); // a type is signed
  const { subtle } = globalThis.crypto; // not in an insecure context
  const isDigested = content?.length > 0 && subtle;
  const digest = isDigested ? new Uint8Array(await subtle.digest("SHA-512", content)) : content;
  const described = [method, headers.get("content-type") ?? undefined, isDigested ? String(content.length) : undefined];
  const args = [encodeFrame(head, digest), signer, undefined, ...described];
  const signature = await call("signRequest", args, { signal }).catch(named);
  for (const name in signature) headers.set(name, signature[name]);
  headers.delete("content-length"); // fetch writes it
  return Object.fromEntries(headers);
}

/** Go knows the URL by another name. */
function named(error) {
  throw error?.name === "TypeError" ? new TypeError(error.message.replace('"url"', '"input"')) : error;
}

const redirects = [301, 302, 303, 307, 308];

async function respond(fetch = globalThis.fetch, url, options, makes) {
  let response;
  try {
    response = await fetch(url, options);
  } catch (cause) {
    const description =
      "No response from the server: it could not be reached, the connection was lost, its responses carry no CORS headers for this page, " +
      "or the page's Content-Security-Policy does not name it in connect-src.";
    throw fromGo({ operation: "fetch", code: "network_error", description, retryable: !makes, cause });
  }
  const { type, redirected, status } = Object(response);
  if (type !== "opaqueredirect" && !redirected && !redirects.includes(status)) return response;
  Promise.resolve(response.body?.cancel?.()).catch(() => {});
  const description =
    "The server answered with a redirect, which was not followed. Check the URL, and that it is spelled as the server gave it.";
  throw fromGo({ operation: "fetch", code: "redirected", status: status || 302, description }); // browsers hide which one it was
}
