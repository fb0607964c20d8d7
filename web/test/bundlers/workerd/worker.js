import { continueGrant, init } from "open-payments-wasm";
import wasm from "open-payments-wasm/open-payments.wasm";
import deferred from "open-payments-wasm/open-payments.deferred.wasm";

export default {
  async fetch(request, { KEY_ID, PRIVATE_KEY }) {
    await init({ wasm, deferred }); // both are compiled already: a worker may compile no WebAssembly itself
    const { url, accessToken, interactRef } = await request.json();
    const key = { keyId: KEY_ID, privateKey: PRIVATE_KEY };
    return Response.json(await continueGrant({ url, accessToken, interactRef, key }));
  },
};
