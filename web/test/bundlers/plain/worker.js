// A worker of any kind. Import maps do not reach workers, so the package's address is written out.

import { buildInfo, continueGrant, generateKey, publicJwk } from "/open-payments-wasm/index.js";

async function respond({ data, ports: [port] }) {
  try {
    const key = await generateKey();
    const grant = await continueGrant({ ...data, key });
    port.postMessage({ grant, jwk: publicJwk(key), version: buildInfo.version });
  } catch (error) {
    port.postMessage({ error: String(error) });
  }
}

addEventListener("message", respond);
addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = respond;
});
