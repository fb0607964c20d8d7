// A payment with this package, with a key that WebCrypto holds.

import { createAuthenticatedClient, init } from "open-payments-wasm";
import { importKey } from "../page/webcrypto.js";

export async function connect(key) {
  const [privateKey] = await Promise.all([importKey(key), init()]);
  const walletAddressUrl = "https://wallet.example/client";
  const { payment } = await createAuthenticatedClient({ walletAddressUrl, keyId: key.id, privateKey });
  return {
    start: async (order) => (await payment.start(order)).interact,
    finish: (callbackUrl) => payment.finish(callbackUrl),
    watch: (outgoing) => payment.watch(outgoing),
    forget: (outgoing) => payment.forget(outgoing.id),
  };
}
