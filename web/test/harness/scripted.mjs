// An authorization server that answers the polls of a grant one after the other, as a test writes
// them down, and remembers when each came and with which token.

import { createServer } from "node:http";
import { close, listen } from "./http.mjs";

const headers = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization",
  "content-type": "application/json",
};

export const issued = { access_token: { value: "issued", manage: "http://localhost/manage", access: [] } };
export const denied = { error: { code: "user_denied", description: "no" } };
export const tooFast = { error: { code: "too_fast", description: "wait" } };

export async function startScripted() {
  const grants = [];
  const server = createServer((req, res) => {
    if (req.method === "OPTIONS") return res.writeHead(204, headers).end();
    const grant = grants[Number(req.url.split("/")[1])];
    grant.requests.push({ url: `${origin}${req.url}`, token: req.headers.authorization, at: performance.now() });
    const response = grant.responses[grant.requests.length - 1] ?? denied;
    res.writeHead(response.error ? 400 : 200, headers).end(JSON.stringify(response));
  });
  const origin = await listen(server);

  /** One of the continuations of a grant: each has a URI and a token of its own. */
  const continuation = (index, i, wait) => ({ access_token: { value: `token-${index}-${i}` }, uri: `${origin}/${index}/${i}`, wait });

  return {
    /** A grant that is polled. `waits` are those of the responses that say "still pending"; `end` are the responses after them. */
    grant({ wait, waits = [], end = [issued] }) {
      const index = grants.length;
      const pending = waits.map((wait, i) => ({ continue: continuation(index, i + 1, wait) }));
      const grant = {
        requests: [],
        responses: [...pending, ...end],
        continuations: [continuation(index, 0, wait), ...pending.map((response) => response.continue)],
      };
      grants.push(grant);
      return grant;
    },
    close: () => close(server),
  };
}
