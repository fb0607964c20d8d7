/** The address of the deferred module, where a bundler is told to treat `.wasm` as a file: pass it to `init`. */
declare const url: string;
export default url;
