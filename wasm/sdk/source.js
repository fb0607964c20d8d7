// Where a module may come from, and how it is compiled. What a caller passes counts by what it can do:
// it may be of another realm.

import { buildInfo } from "./build-info.js";
import { OpenPaymentsClientError } from "./errors.js";

const isModule = (value) => succeeds(() => WebAssembly.Module.customSections(value, "build"));
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

async function compileAny(source) {
  if (isModule(source)) return source;
  if (isBytes(source)) return WebAssembly.compile(withoutDataView(source));
  if (isFile(source)) return WebAssembly.compile(await nodeFiles().readFile(new URL(source)));
  const response = checkOk(isResponse(source) ? source : await fetch(source, { credentials: "same-origin" }));
  const isWasm = response.headers?.get?.("content-type")?.startsWith("application/wasm"); // else it is refused
  if (!isWasm || isForeign(response)) return WebAssembly.compile(await response.arrayBuffer());
  return WebAssembly.compileStreaming(response);
}

/** Chromium and Node compile no DataView, though it is a BufferSource. */
const withoutDataView = (bytes) => (ArrayBuffer.isView(bytes) ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength) : bytes);

/** Tells whether a response is none of the platform's, of whatever realm. */
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
    // fetch gives nothing before all has come where it is to check a sum, so we do. Without WebCrypto we cannot.
    const options = globalThis.crypto?.subtle ? {} : { integrity };
    const download = () => progress.of(fetch(source, { credentials: "same-origin", signal: progress.signal, ...options }));
    const response = isResponse(source) ? source : await download();
    const bytes = await readAll(checkOk(response), progress);
    const module = checkBuild(name, await WebAssembly.compile(bytes));
    if (!isResponse(source)) await checkSum(bytes, integrity);
    return module;
  } finally {
    progress.end();
  }
}

function checkOk(response) {
  return response.ok ? response : fail(`${response.url || "The module"} answered with status ${response.status}.`);
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

/** Watches steps, each of which may take so many ms: of() rejects after that, and `signal` is aborted. */
function watch(patience) {
  const controller = new AbortController();
  const { signal } = controller;
  const stopped = new Promise((resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  stopped.catch(() => {});
  let timer;
  const end = () => clearTimeout(timer);
  const of = (step) => {
    end();
    timer = setTimeout(() => controller.abort(new Error(`Nothing came for ${patience / 1000} s.`)), patience);
    return Promise.race([step, stopped]);
  };
  return { signal, of, end };
}

/** The two modules and this script are of one build, or nothing works. */
function checkBuild(name, module) {
  const [tag] = WebAssembly.Module.customSections(module, "build");
  const text = tag ? new TextDecoder().decode(tag) : ""; // a plain module has none
  if (text === buildInfo.tag) return module;
  const description = `${name} is not of the build that index.js is of. Reload the page, and serve all files of one build together.`;
  throw new OpenPaymentsClientError(`The module could not be loaded: ${description}`, { code: "module_unavailable", description });
}

/** Checks the sum that this script has: whoever has checked the script has checked the module. */
async function checkSum(bytes, integrity) {
  if (!globalThis.crypto?.subtle) return; // fetch did
  const [algorithm, expected] = integrity.split("-");
  const sum = new Uint8Array(await crypto.subtle.digest(algorithm.replace("sha", "SHA-"), bytes));
  if (btoa(String.fromCharCode(...sum)) !== expected) fail("It is not what its sum in index.js says.");
}

function fail(message) {
  throw new Error(message);
}

/** Node's fetch reads no files. An import of node:fs would break bundlers, so it is asked for where it is. */
const nodeFiles = () => globalThis.process?.getBuiltinModule?.("node:fs/promises");
const isFile = (source) => !isResponse(source) && String(source).startsWith("file:") && Boolean(nodeFiles());
