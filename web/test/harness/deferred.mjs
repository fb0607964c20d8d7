// The deferred module, open-payments.deferred.wasm. No call may need it but for a panic and a key that Go holds, so tests get
// none unless they say so, and what asks for it fails with the names of the functions that are missing in the primary
// module: they belong into wasm/npm/keep.txt, or into needed.txt, which `make profile` renews.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./packages.mjs";

export const deferred = "open-payments.deferred.wasm";

const firstTableIndex = 4096; // of a function in the table, as Go's linker writes it

/**
 * The table index of the function that an instance waits for: a placeholder leaves its program counter below the
 * stack pointer (wasm/postlink/internal/split). undefined where it waits for none. Pages use it too: it must stand for itself.
 */
export function tableIndexWanted({ deferred: state, mem, global0 }) {
  if (state?.value !== 1) return undefined; // "needed" in wasm/postlink/js/protocol.js
  return new DataView(mem.buffer).getUint32(global0.value - 6, true); // of eight bytes below the stack pointer, without the lowest two
}

/** Makes every instance in this process that needs the deferred module fail. Call it before the package is imported. */
export function refuseDeferred() {
  const wanted = [];
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = (module, imports) => {
    const exports = imports?.primary;
    if (tableIndexWanted(exports ?? {}) === undefined) return instantiate.call(WebAssembly, module, imports);
    wanted.push(tableIndexWanted(exports));
    return Promise.reject(new Error(`${deferred} is refused`));
  };
  return { assertUnneeded: () => assertUnneeded(wanted) };
}

/** Fails where instances have waited for the functions at these table indexes, NaN for an unknown one. */
export function assertUnneeded(tableIndexes) {
  if (tableIndexes.length === 0) return;
  const known = [...new Set(tableIndexes)].filter(Number.isInteger);
  const names = functionsAt(known).join(", ") || "unknown";
  assert.fail(`${tableIndexes.length} times ${deferred} was asked for, because these are not in open-payments.wasm: ${names}`);
}

/** The names of functions, which a build of the same sources has: the package has none. */
function functionsAt(tableIndexes) {
  if (tableIndexes.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), "names-"));
  try {
    const env = { ...process.env, COMPRESS: "no", PROFILE: "yes" };
    execFileSync(join(root, "build.sh"), [folder], { env, stdio: ["ignore", "ignore", "inherit"] });
    const module = new WebAssembly.Module(readFileSync(join(folder, "open-payments.wasm")));
    const imported = WebAssembly.Module.imports(module).filter(({ kind }) => kind === "function").length;
    const names = readNames(new Uint8Array(WebAssembly.Module.customSections(module, "name")[0]));
    return tableIndexes.map((tableIndex) => names.get(tableIndex - firstTableIndex + imported) ?? `function ${tableIndex}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The names of functions by function index, from a name section. */
function readNames(bytes) {
  const names = new Map();
  let at = 0;
  const varuint = () => {
    // LEB128
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  const text = () => {
    const length = varuint();
    at += length;
    return new TextDecoder().decode(bytes.subarray(at - length, at));
  };
  while (bytes[at] !== 1) {
    // the kind of a part; 1 has the functions
    at += 1;
    const length = varuint();
    at += length;
  }
  at += 1;
  varuint(); // the length of the part
  for (let left = varuint(); left > 0; left--) names.set(varuint(), text());
  return names;
}
