import { continueHere, continueIn } from "../continue.js";

globalThis.project = {
  page: continueHere,
  worker: (continuation) => continueIn(new Worker(new URL("./worker.js", import.meta.url), { type: "module" }), continuation),
};
