// Starts server.mjs in a process of its own and talks to it.

import { fork } from "node:child_process";

export async function startServer(settings) {
  const child = fork(new URL("server.mjs", import.meta.url));
  const waiting = new Map();
  const fail = () => waiting.forEach(({ reject }) => reject(new Error("the server ended")));
  child.on("exit", fail);
  child.on("message", ({ id, value, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    error ? reject(new Error(error)) : resolve(value);
  });
  let count = 0;
  const ask = (name, argument) =>
    new Promise((resolve, reject) => {
      count += 1;
      waiting.set(count, { resolve, reject });
      child.send({ id: count, name, argument });
    });
  const places = await ask("start", settings);
  return {
    ...places,
    /** What the authorization server saw at a path: { calls, preflights, last }. */
    report: (path) => ask("report", path),
    /** What the servers of a payment saw, in order, preflights included: { method, url, headers, body }. */
    requestsOf: (payment) => ask("requestsOf", payment),
    close: () => child.connected && child.disconnect(),
  };
}
