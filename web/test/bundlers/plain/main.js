import { continueHere, continueIn } from "../continue.js";

globalThis.project = {
  page: continueHere,
  worker: (continuation) => continueIn(new Worker("./worker.js", { type: "module" }), continuation),
  sharedWorker: (continuation) => continueIn(new SharedWorker("./worker.js", { type: "module" }), continuation),
  serviceWorker: async (continuation) => {
    const { installing } = await navigator.serviceWorker.register("./worker.js", { type: "module" });
    await new Promise((resolve) => installing.addEventListener("statechange", () => installing.state === "activated" && resolve()));
    return continueIn(installing, continuation);
  },
};
