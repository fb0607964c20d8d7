// A module worker, and just as well a module service worker: static imports only.

import { continueHere } from "/continue.js";

self.addEventListener("message", async ({ data, ports: [port] }) => {
  port.postMessage(await continueHere(data).catch((error) => ({ error: String(error) })));
});
