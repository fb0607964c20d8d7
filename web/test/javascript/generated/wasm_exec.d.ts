// wasm_exec.js is Go's own, wrapped by build.sh.

/** What of Go's class this package names. */
export class Go {
  importObject: WebAssembly.Imports;
  exit: (code: number) => void;
  mem: DataView;
  run(instance: WebAssembly.Instance): Promise<void>;
  [internal: string]: any;
}

export default function wrapGo(globalThis: object): typeof Go;
