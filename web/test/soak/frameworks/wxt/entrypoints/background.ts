import { continueHere } from "../../continue.js";

export default defineBackground({
  type: "module", // else the whole package is written into background.js as text
  main() {
    Object.assign(globalThis, { project: { worker: continueHere } });
  },
});
