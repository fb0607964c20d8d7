// web/extension/build.sh puts the package there.

export * from "../../../../../wasm/sdk/index.js";
