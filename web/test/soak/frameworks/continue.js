// What each of these projects does: a new key, and a grant continued with it.

import { buildInfo, continueGrant, generateKey, publicJwk } from "open-payments-wasm";

export async function continueHere(continuation) {
  const key = await generateKey();
  const grant = await continueGrant({ ...continuation, key });
  return { grant, jwk: publicJwk(key), version: buildInfo.version };
}
