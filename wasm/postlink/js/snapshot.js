// The module is a snapshot of itself, taken at build time when Go had started and waited for its first call, or for main to begin
// (../internal/snapshot). Each instance gets here the JavaScript values that Go had by then, and seeds of its own.

import { randomBuffer, randomNumbers, randomSeed, snapshotSection } from "./protocol.js";

/** Returns an instance for wasm_exec.js to run: its program begins where the snapshot ended. */
export function withSnapshot(module, instance, go) {
  const [section] = WebAssembly.Module.customSections(module, snapshotSection);
  if (!section) return instance; // a plain module begins at its beginning
  const { trace, random } = JSON.parse(new TextDecoder().decode(section));
  const run = () => {
    reseed(instance.exports.mem.buffer, random);
    replay(trace, go);
  };
  return Object.create(instance, { exports: { value: { ...instance.exports, run } } });
}

/**
 * Accesses JavaScript as Go did before the snapshot: Go finds each value under the id that it had then. Where the snapshot was taken
 * before main, the last access is to proceed there.
 */
function replay(trace, go) {
  const values = go._values;
  const keep = (value) => {
    go._ids.set(value, values.length);
    values.push(value);
    go._goRefCounts.push(Infinity);
  };
  const access = {
    get(of, name, expected) {
      const value = values[of][name];
      if ((typeof expected === "number" ? value : typeof value) !== expected) throw new Error(`${name} is ${value}`);
      if (expected === "object" || expected === "function") keep(value);
    },
    wrap: (id) => keep(go._makeFuncWrapper(id)),
    new: (of) => keep(new values[of]()),
    set(of, name, value) {
      values[of][name] = values[value];
    },
    ready: (value) => values[5].ready(values[value]),
    proceed: () => go._inst.exports.proceed(),
  };
  for (const [kind, ...args] of trace) access[kind](...args);
}

/** Gives Go's random generators new seeds, and marks their buffers as used up, so that they fill them from the new seeds. */
function reseed(buffer, addresses) {
  for (const address of addresses) {
    crypto.getRandomValues(new Uint8Array(buffer, address + randomBuffer, randomSeed));
    // used, of so many, block
    new Uint32Array(buffer, address + randomBuffer + randomSeed, 3).set([randomNumbers, randomNumbers, 0]);
  }
}
