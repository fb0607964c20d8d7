// What both pages of the shop need: its client, made of what the test left in localStorage, and a
// place for what came of a grant.

import { createAuthenticatedClient, loadKey } from "/dist/index.js";

export const { walletAddressUrl, authServer, request } = JSON.parse(localStorage.getItem("config"));
export const key = await loadKey("shop");
export const client = await createAuthenticatedClient({ walletAddressUrl, key });

/** Shows the token of a grant, or how the attempt ended. */
export async function show(grant) {
  const outcome = await Promise.resolve(grant).then(
    ({ access_token }) => ({ token: access_token.value }),
    (error) => ({ name: error.name, code: error.code, message: error.message }),
  );
  document.getElementById("outcome").textContent = JSON.stringify(outcome);
}
