// The module comes as it is once Go waits for its first call (wasm/pack/snapshot.go). Here it gets
// again what it had from JavaScript by then, and random numbers of its own.

/** Returns an instance for wasm_exec.js to run: its program begins where the snapshot ended. */
export function withSnapshot(module, instance, go) {
  const [section] = WebAssembly.Module.customSections(module, "snapshot");
  if (!section) return instance; // a plain module begins at its beginning
  const { steps, random } = JSON.parse(new TextDecoder().decode(section));
  const run = () => {
    renew(instance.exports.mem.buffer, random);
    retake(steps, go);
  };
  return Object.create(instance, { exports: { value: { ...instance.exports, run } } });
}

/** Takes the steps that the program took: it knows the values by their numbers. */
function retake(steps, go) {
  const values = go._values;
  const keep = (value) => {
    go._ids.set(value, values.length);
    values.push(value);
    go._goRefCounts.push(Infinity);
  };
  const step = {
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
  };
  for (const [name, ...args] of steps) step[name](...args);
}

const stateSize = { numbers: 256, seed: 32 }; // of internal/chacha8rand, in bytes

/** Seeds Go's random generators anew: the numbers that they hold are spent, so they make others. */
function renew(buffer, addresses) {
  for (const address of addresses) {
    crypto.getRandomValues(new Uint8Array(buffer, address + stateSize.numbers, stateSize.seed));
    new Uint32Array(buffer, address + stateSize.numbers + stateSize.seed, 3).set([32, 32, 0]); // used, of so many, block
  }
}
