// The globals that the package needs. They are looked for in the first call and not at import, so an import works anywhere.

import { OpenPaymentsClientError } from "./errors.js";

const needed = {
  AbortController: () => globalThis.AbortController,
  TextDecoder: () => globalThis.TextDecoder,
  TextEncoder: () => globalThis.TextEncoder,
  URL: () => globalThis.URL,
  WebAssembly: () => globalThis.WebAssembly,
  crypto: () => globalThis.crypto?.getRandomValues,
  performance: () => globalThis.performance,
};

const remedy = {
  WebAssembly: "Settings of the browser or the device switch it off, such as Lockdown Mode: allow this site to use it.",
};

const usualRemedy =
  "Run this in a page, a worker, an extension or Node, or define it before the first call, " + "in test environments such as jsdom too.";

/** Throws an OpenPaymentsClientError that says which global is missing, if one is. `more` are names of others that a call needs. */
export function checkGlobals(...more) {
  const missing = [...Object.keys(needed).filter((name) => !needed[name]()), ...more.filter((name) => !globalThis[name])];
  if (missing.length === 0) return;
  const advice = missing.map((name) => remedy[name] ?? usualRemedy);
  throw unavailable(`${missing.join(", ")} ${missing.length > 1 ? "are" : "is"} missing. ${[...new Set(advice)].join(" ")}`);
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
