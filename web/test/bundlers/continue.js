// What each of these projects does: a new key, and a grant continued with it.

import { buildInfo, continueGrant, generateKey, init, publicJwk } from "open-payments-wasm";

export async function continueHere({ wasm, deferred, ...continuation }) {
  await init({ wasm, deferred });
  const key = await generateKey();
  const grant = await continueGrant({ ...continuation, key });
  return { grant, jwk: publicJwk(key), version: buildInfo.version };
}

/** Does it in a worker, which responds on the port that it is sent. */
export function continueIn(worker, continuation) {
  return new Promise((resolve, reject) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.onerror = (event) => reject(new Error(event.message || "The worker did not start."));
    (worker.port ?? worker).postMessage(continuation, [port2]);
  });
}

/** Responds to such a message. */
export async function respond({ data, ports: [port] }, options) {
  port.postMessage(await continueHere({ ...data, ...options }).catch((error) => ({ error: String(error) })));
}
