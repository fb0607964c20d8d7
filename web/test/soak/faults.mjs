// What can go wrong: for each fault how often, with which parameters, and what may come of a call that meets it.
// `expects` is "success", "failure" or "either"; `code` is what the error must have where only one is right.
// The server (server.mjs) and the page (page.mjs) do what the names say.

const gnapCodes = [
  "invalid_request",
  "invalid_client",
  "invalid_interaction",
  "invalid_flag",
  "invalid_rotation",
  "invalid_continuation",
  "user_denied",
  "request_denied",
  "unknown_interaction",
  "too_many_attempts",
];
const statuses = [400, 401, 403, 404, 405, 408, 410, 415, 421, 425, 429, 500, 502, 503, 504];
const notNow = [408, 425, 429, 503]; // these may come with Retry-After (RFC 9110 §10.2.3)
const ownForms = ["codeless", "text", "html", "nothing"]; // without a GNAP code
const codedForms = ["coded", "bare", "wild", "echo", "echoPercent", "echoEntities", "echoEscapes"];

/** Of the server. The parameters become part of the address. */
export const serverFaults = {
  resetBefore: { weight: 4, expects: "failure", code: "network_error" },
  resetAfterHeaders: { weight: 4, expects: "failure", parameters: (random) => [random.int(0, 60)] },
  resetInBody: { weight: 4, expects: "failure", parameters: (random) => [random.int(0, 60)] },
  truncated: { weight: 4, expects: "failure", parameters: (random) => [random.pick(["length", "chunks"])] },
  never: { weight: 4, expects: "failure" },
  slowHeaders: { weight: 5, expects: "success", parameters: (random) => [random.int(10, 600)] },
  slowBody: { weight: 5, expects: "success", parameters: (random) => [random.int(2, 8), random.int(1, 80)] },
  endless: { weight: 3, expects: "failure", parameters: (random) => [random.pick(["fast", "slow", "stalled"])] },
  wrongType: { weight: 3, expects: "either", parameters: (random) => [random.pick(["text", "html", "none", "problem"])] },
  html: { weight: 4, expects: "failure" },
  redirect: { weight: 3, expects: "failure", code: "redirected", parameters: (random) => [random.pick([301, 302, 303, 307, 308])] },
  status: { weight: 20, expects: "failure", parameters: statusParameters, code: statusCode },
  huge: { weight: 2, expects: "failure", code: "response_too_large", parameters: (random) => [random.int(1_048_700, 3_000_000)] },
  large: { weight: 2, expects: "success", parameters: (random) => [random.int(50_000, 1_000_000)] },
  odd: { weight: 8, expects: "success", parameters: (random) => [random.pick(oddities)] },
  invalidUtf8: { weight: 3, expects: "either" },
  junk: { weight: 6, expects: "failure", parameters: (random) => [random.int(0, junkCount - 1)] },
  tooFast: {
    weight: 4,
    expects: "success",
    parameters: (random) => [random.pick(["0.0001", "0.5", "1", "1.2", "0", "-1", "3600", "none", "header1", "header3600"])],
  },
  noCORS: { weight: 3, expects: "failure", code: "network_error" },
  preflight: { weight: 3, expects: "failure", parameters: (random) => [random.pick(["bare", "refused", "reset"])], code: "network_error" },
};

const oddities = [
  "latin",
  "euro",
  "astral",
  "escapes",
  "ampersand",
  "numbers",
  "beyond",
  "literals",
  "mark",
  "nested",
  "members",
  "separators",
];
export const junkCount = 18;

const waits = ["none", "none", "0", "1", "3600", "-1", "Wed, 01 Jan 2070 00:00:00 GMT", "soon"]; // what Retry-After may say

function statusParameters(random) {
  const status = random.pick(random.chance(0.4) ? notNow : statuses);
  const form = random.pick(random.chance(0.4) ? ownForms : codedForms);
  return [status, form, random.pick(gnapCodes), notNow.includes(status) ? encodeURIComponent(random.pick(waits)) : "none"];
}

function statusCode(status, form, code) {
  return ownForms.includes(form) ? "http_error" : code;
}

/** Of a `fetch` of the caller. */
export const fetchFaults = {
  throws: { weight: 2, expects: "failure" },
  rejects: { weight: 2, expects: "failure" },
  rejectsJunk: { weight: 2, expects: "failure" },
  returnsJunk: { weight: 4, expects: "failure" },
  never: { weight: 2, expects: "failure" },
  slow: { weight: 2, expects: "success" },
  textOnly: { weight: 2, expects: "success" },
  bytesOnly: { weight: 2, expects: "success" },
  jsonOnly: { weight: 2, expects: "success" },
  brokenStream: { weight: 2, expects: "failure" },
  junkStream: { weight: 2, expects: "failure" },
  endlessStream: { weight: 2, expects: "failure" },
};

/** Of a `sign` of the caller. */
export const signFaults = {
  throws: { weight: 2, expects: "failure", code: "invalid_key" },
  rejects: { weight: 2, expects: "failure", code: "invalid_key" },
  returnsJunk: { weight: 4, expects: "failure", code: "invalid_key" },
  slow: { weight: 2, expects: "success" },
  never: { weight: 2, expects: "failure" },
};

/** Of a store, with weights. The method `on` works `skip` times, fails `times` times, and works again, in one phase of the grant. */
export const storeFaults = { throws: 2, rejects: 2, never: 2, junk: 2, slow: 2 };

export const weights = (faults) => Object.fromEntries(Object.entries(faults).map(([name, { weight }]) => [name, weight]));
