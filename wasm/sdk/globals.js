// The globals that the package needs. They are looked for in calls and not at import, so an import works anywhere.

import { OpenPaymentsClientError } from "./errors.js";

const needed = {
  JSON: () => JSON.parse(JSON.stringify("a")) === "a",
  AbortController: () => globalThis.AbortController,
  TextDecoder: () => globalThis.TextDecoder,
  TextEncoder: () => globalThis.TextEncoder,
  URL: () => globalThis.URL,
  WebAssembly: () => globalThis.WebAssembly,
  crypto: () => globalThis.crypto?.getRandomValues,
  performance: () => typeof performance.now() === "number",
};

/** Whether a global is there and works: a page may have replaced it. */
function works(name) {
  try {
    return needed[name]();
  } catch {
    return false;
  }
}

const remedy = {
  WebAssembly: "Settings of the browser or the device switch it off, such as Lockdown Mode: allow this site to use it.",
};

const usualRemedy =
  "Run this in a page, a worker, an extension or Node, or define it before the first call, " + "in test environments such as jsdom too.";

/** Throws an OpenPaymentsClientError that says which global does not work, if one does not. `more` are names of others that a call needs. */
export function checkGlobals(...more) {
  const missing = [...Object.keys(needed).filter((name) => !works(name)), ...more.filter((name) => !globalThis[name])];
  if (missing.length === 0) return;
  const advice = missing.map((name) => remedy[name] ?? usualRemedy);
  throw unavailable(`${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} missing, or replaced. ${[...new Set(advice)].join(" ")}`);
}

/** Resolves the name of a file beside this script. `resolve` has the name in it, where bundlers look for it. */
export function besideScript(name, resolve) {
  try {
    return resolve();
  } catch (cause) {
    const option = name.includes(".deferred.") ? "deferred" : "wasm";
    throw unavailable(
      `import.meta.url is missing, or no address that ${name} can be beside. A bundler for CommonJS leaves it out: ` +
        `make an ES module, or say with init({ ${option} }) where ${name} is.`,
      cause,
    );
  }
}

function unavailable(description, cause) {
  return new OpenPaymentsClientError(`The module could not be loaded. ${description}`, { code: "module_unavailable", description, cause });
}
