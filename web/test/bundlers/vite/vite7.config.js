import config from "./vite.config.js";

// Up to version 7, `vite dev` moves index.js away from its module unless it is told not to.
export default { ...config, optimizeDeps: { exclude: ["open-payments-wasm"] } };
