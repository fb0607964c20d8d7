// Which step of a walk a request is, by what it asks for.

/** @type {[string, RegExp, string][]} */
const byPath = [
  ["PUT", /\/jwks\.json$/, "publish"],
  ["GET", /\/jwks\.json$/, "checkPublished"],
  ["POST", /\/incoming-payments$/, "bill"],
  ["GET", /\/incoming-payments\/[^/]+$/, "receipt"],
  ["POST", /\/incoming-payments\/[^/]+\/complete$/, "complete"],
  ["POST", /\/quotes$/, "quote"],
  ["POST", /\/outgoing-payments$/, "pay"],
  ["GET", /\/outgoing-payments$/, "list"],
  ["GET", /\/outgoing-payments\/[^/]+$/, "look"],
];

/** Of a request and the steps before it. `shop` is the shop's wallet address. */
export function nameOf({ method, url, signedBody }, { steps, shop }) {
  const { pathname } = new URL(url);
  const [, , name] = byPath.find(([itsMethod, path]) => method === itsMethod && path.test(pathname)) ?? [];
  if (name === "quote" && steps.some((step) => step.name === "quote")) return "requote";
  if (name) return name;
  if (method === "GET") return url === shop ? "shop" : "discover";
  if (method === "DELETE") return "giveBack";
  const { access_token: asked, interact_ref: reference } = JSON.parse(signedBody || "{}");
  if (!asked) return reference ? "continue" : "tooSoon";
  return asked.access.some(({ type }) => type === "outgoing-payment") ? "request" : "grants";
}
