// A bare fetch: no signature, no digest. No authorization server would take it.

import { body } from "../page/continuation.js";

export const about = { title: "fetch, unsigned", signed: false };

export async function start() {
  return async ({ url, accessToken, interactRef }) => {
    const headers = { accept: "application/json", authorization: `GNAP ${accessToken}`, "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: body(interactRef) });
    return response.json();
  };
}
