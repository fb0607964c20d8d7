// A worker in workerd, as at Cloudflare. It may compile no WebAssembly, so both modules are imported, compiled already.

import wasm from "open-payments-wasm/open-payments.wasm";
import deferred from "open-payments-wasm/open-payments.deferred.wasm";
import { continueHere } from "../continue.js";

export default {
  async fetch(request) {
    return Response.json(await continueHere({ ...(await request.json()), wasm, deferred }).catch((error) => ({ error: String(error) })));
  },
};
