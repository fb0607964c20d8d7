// What both pages of the till need: its client and its order, made of what the test left in localStorage.

import { createAuthenticatedClient, importKey } from "/dist/index.js";

export const { walletAddressUrl, privateKey, keyId, order } = JSON.parse(localStorage.getItem("till"));
export const client = await createAuthenticatedClient({ walletAddressUrl, key: await importKey(privateKey, { keyId }) });

/** Finishes the payment that a callback is for, and shows what arrived, or how it ended. */
export async function show(callback) {
  const outcome = await arrived(await callback).catch(({ name, code, message }) => ({ name, code, message }));
  document.getElementById("outcome").textContent = JSON.stringify(outcome);
}

async function arrived(callback) {
  const accepted = await client.payment.finish(callback);
  const { receivedAmount, outgoingPayment } = await client.payment.watch(accepted);
  return { id: accepted.id, receivedAmount, sentAmount: outgoingPayment.sentAmount };
}
