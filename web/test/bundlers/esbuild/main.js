import { continueHere, continueIn } from "../continue.js";

globalThis.project = {
  page: continueHere,
  serviceWorker: async (continuation) => {
    const { installing } = await navigator.serviceWorker.register("./out/service-worker.js"); // a classic one
    await new Promise((resolve) => installing.addEventListener("statechange", () => installing.state === "activated" && resolve()));
    return continueIn(installing, continuation);
  },
};
