// The walk of a wallet of one's own: a grant alone, which ends with its token.

import {
  checkPublished,
  createAuthenticatedClient,
  generateKey,
  isFinalizedGrantWithAccessToken,
  loadKey,
  toAmountValue,
} from "/dist/index.js";
import { showCallback, steppingFetch, takeKey } from "./walk.js";

/** Asks for a grant, and returns it with the way to the wallet. */
export async function begin(walk, tools) {
  const { walletAddress } = walk.setup;
  const key = await takeKey(walk, tools);
  await checkPublished(key, walletAddress, { fetch: steppingFetch(walk, tools) });
  const client = await connect(walk, key, tools);
  const wallet = await client.walletAddress.get({ url: walletAddress });
  return client.grant.start({ url: wallet.authServer }, grantRequest(wallet));
}

/** Back from the wallet: shows the token. */
export async function finish(walk, callback, tools) {
  const key = (await loadKey(walk.setup.keyName)) ?? (await generateKey());
  const client = await connect(walk, key, tools);
  await showCallback(walk, callback, tools);
  const grant = await client.grant.finish(callback);
  if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("The server did not issue a token yet.");
  tools.step("token", { token: grant.access_token.value, parts: { "The grant": JSON.stringify(grant, null, 2) } });
}

function connect(walk, key, tools) {
  return createAuthenticatedClient({ walletAddressUrl: walk.setup.walletAddress, key, fetch: steppingFetch(walk, tools) });
}

/**
 * Asks to send up to 5.00 of what is in the wallet.
 *
 * @returns {import("/dist/index.js").StartRequest}
 */
function grantRequest({ id, assetCode, assetScale }) {
  const debitAmount = { value: toAmountValue("5", assetScale), assetCode, assetScale };
  return {
    access_token: {
      access: [{ type: "outgoing-payment", actions: ["create", "read", "list"], identifier: id, limits: { debitAmount } }],
    },
    interact: { start: ["redirect"], finish: { method: "redirect", uri: location.origin + location.pathname } },
  };
}
