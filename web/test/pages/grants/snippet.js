import { createAuthenticatedClient, isFinalizedGrant } from "/dist/index.js";
const { walletAddressUrl, privateKey, keyId, CONTINUE_ACCESS_TOKEN, CONTINUE_URI, interactRef } =
  Object.fromEntries(new URLSearchParams(location.search));

const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });
const grant = await client.grant.continue({ accessToken: CONTINUE_ACCESS_TOKEN, url: CONTINUE_URI }, { interact_ref: interactRef });
if (!isFinalizedGrant(grant)) throw new Error("Expected finalized grant. Received non-finalized grant.");
console.log(grant.access_token.value, grant.access_token.manage);
