// From another origin: the module is taken only if it is the one that this package was built with.

import { buildInfo } from "open-payments-wasm";
import { continueHere } from "../continue.js";

const fetchModule = () =>
  fetch(import.meta.resolve("open-payments-wasm").replace("index.js", "open-payments.wasm"), { integrity: buildInfo.wasm.integrity });

globalThis.project = {
  page: async (continuation) => continueHere({ ...continuation, wasm: await fetchModule() }),
};
