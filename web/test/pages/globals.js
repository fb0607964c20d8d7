// Reports what importing the package, and then calling it, changed about the page's globals.

// Whoever drives the browser adds names of its own at any time, such as __ariaQuerySelector.
const names = () =>
  Reflect.ownKeys(globalThis)
    .map(String)
    .filter((name) => !name.includes("ariaQuerySelector"));
const values = () => [
  globalThis.fetch,
  globalThis.setTimeout,
  globalThis.crypto,
  globalThis.console.log,
  Object.prototype.toString,
  Promise.prototype.then,
];
const before = { names: names(), values: values() };

const changes = () => ({
  added: names().filter((name) => !before.names.includes(name) && name !== "report"),
  removed: before.names.filter((name) => !names().includes(name)),
  replaced: values().filter((value, i) => value !== before.values[i]).length,
});

globalThis.report = (async () => {
  const { continueGrant } = await import("/dist/index.js");
  const afterImport = changes();
  const { privateKey } = await crypto.subtle.generateKey("Ed25519", false, ["sign"]);
  const key = { keyId: "key", privateKey };
  const calls = [
    { url: "https://server.example/", accessToken: "token", key, fetch: async () => new Response("{}") },
    { url: "javascript:alert(1)", accessToken: "token", key },
    { url: "https://server.example/", accessToken: "token", key: { keyId: "key", privateKey: "no key" } },
  ];
  const outcomes = await Promise.allSettled(calls.map(continueGrant));
  return { afterImport, afterCalls: changes(), statuses: outcomes.map(({ status }) => status) };
})();
