// Puts the package into a worker as `lab`, as lab.js does in a page, and evaluates what it is told.

globalThis.localStorage ??= undefined; // a worker has none
self.addEventListener("message", async ({ data, ports: [port] }) => {
  await ready;
  port.postMessage(
    await (0, eval)(data).then(
      (value) => ({ value }),
      (error) => ({ error: String(error?.stack ?? error) }),
    ),
  );
});
const ready = import("./lab.js");
