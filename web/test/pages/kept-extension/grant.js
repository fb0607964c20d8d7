// The grant, as the worker and the page use it.

import { createAuthenticatedClient, generateKey, loadKey, saveKey } from "./open-payments-wasm/index.js";

async function open({ grant, name }) {
  const key = (await loadKey("shop")) ?? (await generateKey({ keyId: "shop" }));
  await saveKey("shop", key);
  const client = await createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/shop", key });
  return grant ? client.withGrant(grant, { name }) : client.withGrant({ name });
}

/** Keeps a grant under a name. */
export async function keep(grant, name) {
  await open({ grant, name });
}

/** Pays for a quote with the grant of a name: { id } of the payment, or { error }. */
export async function spend({ name, url, quoteId }) {
  try {
    const kept = await open({ name });
    const { id } = await kept.outgoingPayment.create({ url }, { walletAddress: "https://wallet.example/me", quoteId });
    return { id };
  } catch ({ message }) {
    return { error: message };
  }
}
