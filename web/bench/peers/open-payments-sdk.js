// @interledger/open-payments as browser extensions use it.

import { sdkClient } from "../page/sdk.js";

export const about = { title: "@interledger/open-payments, noble (SDK)", signed: true };

export async function start(key) {
  const client = await sdkClient(key);
  return ({ url, accessToken, interactRef }) => client.grant.continue({ url, accessToken }, { interact_ref: interactRef });
}
