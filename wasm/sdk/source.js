// Where a module may come from, and how it is compiled. A source is recognised by its methods, not by its class:
// it may come from another realm.

import { buildInfo } from "./build-info.js";
import { OpenPaymentsClientError } from "./errors.js";
import { embeddedSection, tagSection } from "./protocol.js";

export const isModule = (value) => succeeds(() => WebAssembly.Module.customSections(value, tagSection));
const isBytes = (value) => ArrayBuffer.isView(value) || succeeds(() => new DataView(value));
const isAddress = (value) => typeof value === "string" || typeof value?.href === "string";
export const isResponse = (value) => typeof value?.arrayBuffer === "function" && typeof value.status === "number";

/** Tells whether a module can be made of a value. */
export function isSource(value) {
  return succeeds(() => [isAddress, isBytes, isResponse, isModule].some((is) => is(value)) || fail("none of them"));
}

/** Tells whether two sources are the same one. */
export const isSame = (a, b) => a === b || (isAddress(a) && isAddress(b) && String(a) === String(b));

function succeeds(task) {
  try {
    task();
    return true;
  } catch {
    return false;
  }
}

/** Compiles the primary module, while it downloads if that can be. */
export async function compile(name, source) {
  return checkBuild(name, await compileAny(source));
}

/** Compiles the module that lies in a custom section of the primary one. */
export async function compileEmbedded(module) {
  const [bytes] = WebAssembly.Module.customSections(module, embeddedSection);
  return WebAssembly.compile(bytes);
}

const emptyModule = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Tells whether WebAssembly may be compiled here. In Cloudflare's workers, for one, only their build may. */
export async function mayCompile() {
  try {
    return Boolean(await WebAssembly.compile(emptyModule));
  } catch {
    return false;
  }
}

async function compileAny(source) {
  if (isModule(source)) return source;
  if (isBytes(source)) return WebAssembly.compile(withoutDataView(source));
  if (isFile(source)) return compileBytes(await readFile(source), source);
  const response = checkOk(isResponse(source) ? source : await download(source), source);
  // The type decides whether it can be compiled while it downloads: without parameters, as the standard has it.
  const isWasm = response.headers?.get?.("content-type")?.trim().toLowerCase() === "application/wasm";
  if (!isWasm || isForeign(response)) return compileBytes(await response.arrayBuffer(), source);
  return WebAssembly.compileStreaming(response).catch(async (cause) => {
    // A browser may refuse the type all the same, and Firefox says "out of memory" of a module that is cut off: the bytes tell.
    if (cause?.name !== "CompileError" && isAddress(source)) return compileBytes(await (await download(source)).arrayBuffer(), source);
    throw damaged(addressOf(response), cause);
  });
}

/** Makes a LoadError of a failure to compile, unless a policy is the cause. */
function damaged(address, cause) {
  if (cause?.name !== "CompileError" || isForbidden(cause)) return cause;
  return new LoadError(`${address} is damaged, cut off or empty: it does not compile.`, { cause });
}

/** Tells whether a Content-Security-Policy keeps WebAssembly from compiling. */
export const isForbidden = (error) =>
  error?.name === "CompileError" && /content security policy|blocked by csp|unsafe-eval/i.test(error.message);

function download(source, options) {
  return fetch(source, { credentials: "same-origin", ...options }).catch((cause) => {
    if (options?.signal?.aborted) throw options.signal.reason;
    const why = "the server could not be reached, or a Content-Security-Policy does not allow it in connect-src";
    throw new LoadError(`${addressOf(source)} could not be fetched: ${why}.`, { cause });
  });
}

/** Compiles bytes that should be a module, and says what they are if they are none. */
function compileBytes(given, source) {
  const bytes = new Uint8Array(given);
  if (bytes.length === 0) throw new LoadError(`${addressOf(source)} is empty.`);
  const head = String.fromCharCode(...bytes.subarray(0, 64)).trimStart();
  if (head.startsWith("<")) throw new LoadError(`${addressOf(source)} is HTML, and no WebAssembly: nothing else is served there.`);
  if (!head.startsWith("\0asm")) throw new LoadError(`${addressOf(source)} is no WebAssembly.`);
  return WebAssembly.compile(bytes).catch((cause) => {
    throw damaged(addressOf(source), cause);
  });
}

/** A file could not be loaded: the message names the file and says why. */
export class LoadError extends Error {}

/** The address for error messages: that of a response, or what was given. */
function addressOf(source) {
  if (isResponse(source)) return source.url || "The response";
  return isBytes(source) ? "What was given" : String(source);
}

/** Chromium and Node compile no DataView, though it is a BufferSource. */
const withoutDataView = (bytes) => (ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes);

/** Tells whether a response is not a platform object: an imitation has the methods, but compileStreaming refuses it. */
function isForeign(response) {
  const { get } = Object.getOwnPropertyDescriptor(Response.prototype, "status");
  return !succeeds(() => get.call(response));
}

/**
 * Compiles the deferred module, which calls wait for. Its download is given up when nothing of it has come for
 * `patience` ms: a slow one may take as long as it takes.
 */
export async function compileDeferred(name, source, { integrity, patience }) {
  if (isModule(source) || isBytes(source) || isFile(source)) return compile(name, source);
  const progress = watch(patience);
  try {
    // With an integrity option, fetch returns no byte before the last has come, and progress could not be seen: so the sum is
    // checked here. Without WebCrypto it cannot be, and fetch does it.
    const options = globalThis.crypto?.subtle ? {} : { integrity };
    const response = isResponse(source) ? source : await progress.of(download(source, { signal: progress.signal, ...options }));
    const bytes = await readAll(checkOk(response, source), progress);
    const module = checkBuild(name, await compileBytes(bytes, source));
    if (!isResponse(source)) await checkSum(bytes, integrity);
    return module;
  } finally {
    progress.end();
  }
}

function checkOk(response, source) {
  if (response.ok) return response;
  throw new LoadError(`${response.url || addressOf(source)} answered with status ${response.status}.`);
}

async function readAll(response, progress) {
  if (typeof response.body?.getReader !== "function") return progress.of(response.arrayBuffer());
  const reader = response.body.getReader();
  const chunks = [];
  for (;;) {
    const { done, value } = await progress.of(reader.read());
    if (done) return new Blob(chunks).arrayBuffer();
    chunks.push(value);
  }
}

/** Bounds promises, each by `patience` ms: after that, of() rejects and `signal` is aborted. */
function watch(patience) {
  const controller = new AbortController();
  const { signal } = controller;
  const stopped = new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  stopped.catch(() => {});
  let timer;
  const end = () => clearTimeout(timer);
  const of = (promise) => {
    end();
    timer = setTimeout(() => controller.abort(new Error(`Nothing came for ${patience / 1000} s.`)), patience);
    return Promise.race([promise, stopped]);
  };
  return { signal, of, end };
}

/** Checks that a module is of the same build as this script. */
function checkBuild(name, module) {
  const [tag] = WebAssembly.Module.customSections(module, tagSection);
  const text = tag ? new TextDecoder().decode(tag) : ""; // a plain module has no tag
  if (text === buildInfo.tag) return module;
  const description = `${name} is not of the build that index.js is of. Reload the page, and serve all files of one build together.`;
  throw new OpenPaymentsClientError(description, { code: "module_unavailable", description });
}

/** Compares the bytes with the sum in this script: so a page that checks the script's integrity has checked the module too. */
async function checkSum(bytes, integrity) {
  if (!globalThis.crypto?.subtle) return; // fetch has checked it
  const [algorithm, expected] = integrity.split("-");
  const sum = new Uint8Array(await crypto.subtle.digest(algorithm.replace("sha", "SHA-"), bytes));
  if (btoa(String.fromCharCode(...sum)) !== expected) fail("It is not what its sum in index.js says.");
}

function fail(message) {
  throw new Error(message);
}

/**
 * What reads files in Node, Deno and Bun, where fetch reads none, or none at a path. An import of node:fs would
 * break bundlers, so it is asked for where it is.
 */
function fileReader() {
  const { process, Deno, Bun } = /** @type {any} */ (globalThis);
  const node = process?.getBuiltinModule?.("node:fs/promises");
  if (node) return (file) => node.readFile(file);
  if (Deno) return (file) => Deno.readFile(file);
  return Bun && ((file) => Bun.file(file).arrayBuffer());
}

/** Tells whether a source is a file URL or, where files can be read, a path. */
function isFile(source) {
  if (isResponse(source) || !fileReader()) return false;
  const text = String(source);
  return text.startsWith("file:") || !URL.canParse(text) || /^[a-z]:[\\/]/i.test(text); // or a drive of Windows
}

const readFile = (source) => {
  const text = String(source);
  return fileReader()(text.startsWith("file:") ? new URL(text) : text).catch((cause) => {
    throw new LoadError(`${text} could not be read: ${cause?.message ?? cause}.`, { cause });
  });
};
