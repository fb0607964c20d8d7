// The resources of Open Payments: wallet addresses, incoming payments, quotes and outgoing payments.

import { checkObject, checkText } from "./call.js";
import { argumentError, OpenPaymentsClientError } from "./errors.js";
import { operations } from "./operations.js";
import { toWalletAddress } from "./wallet-address.js";

/**
 * Returns the methods of a client by resource: { walletAddress: { get, … }, … }. `sendTo` sends a request to its
 * target: (operation, target, body, settings), where settings are further members of its head.
 *
 * @returns {any} the routes of index.d.ts
 */
export function resources({ sendTo, stringify }) {
  const routes = new Map(); // of names to methods, by resource
  for (const [operation, { address, body, pages }] of Object.entries(operations)) {
    const [resource, name] = operation.split(".");
    if (!routes.has(resource)) routes.set(resource, new Map());
    const methods = routes.get(resource);
    if (address) {
      methods.set(name, async (target) => {
        const { url, signal } = checkObject(target ?? {}, "target");
        return sendTo(operation, { url: toWalletAddress(url, "url"), signal });
      });
    } else if (body) {
      methods.set(name, async (target, args) => sendTo(operation, target, stringify(withWalletAddress(args), "args")));
    } else if (pages) {
      const list = async (target, pagination) => sendTo(operation, target, undefined, listSettings(target, pagination));
      methods.set(name, list);
      methods.set("all", (target, pagination) => everyItem(list, target, pagination));
    } else {
      methods.set(name, async (target) => sendTo(operation, target));
    }
  }
  return Object.fromEntries(Array.from(routes, ([resource, methods]) => [resource, Object.fromEntries(methods)]));
}

/** What a client without a key can call. Its incomingPayment.get is what a client with one calls getPublic. */
export function publicResources(options) {
  const { walletAddress, incomingPayment } = resources(options);
  return { walletAddress, incomingPayment: { get: incomingPayment.getPublic } };
}

function listSettings(target, pagination) {
  const { walletAddress } = checkObject(target, "target");
  const { first, last, cursor } = checkObject(pagination ?? {}, "pagination");
  for (const [name, value] of Object.entries({ first, last })) {
    const isCount = Number.isInteger(value) && value >= 1 && value <= 100;
    if (value !== undefined && !isCount) throw argumentError(name, "must be a whole number from 1 to 100");
  }
  if (cursor !== undefined) checkText(cursor, "cursor");
  return { walletAddress: toWalletAddress(walletAddress, "walletAddress"), first, last, cursor };
}

/** The body of a create: servers know a wallet address by its URL, and not by its payment pointer. */
function withWalletAddress(args) {
  const given = checkObject(args, "args", "args.");
  return { ...given, walletAddress: toWalletAddress(given.walletAddress, "args.walletAddress") };
}

/** Goes through a list page by page. The next page is asked for when its first item is. */
async function* everyItem(list, target, pagination) {
  pagination = checkObject(pagination ?? {}, "pagination");
  if (/** @type {any} */ (pagination).last !== undefined)
    throw argumentError("last", "must not be given: every page is read, from the first");
  let { cursor } = pagination;
  for (;;) {
    const page = await list(target, { ...pagination, cursor });
    yield* page.result;
    const { hasNextPage, endCursor } = page.pagination;
    if (!hasNextPage) return;
    if (typeof endCursor !== "string" || endCursor === cursor) throw endless();
    cursor = endCursor;
  }
}

function endless() {
  const description =
    "The server says that there is a next page, and does not say where: pagination.endCursor is missing or that of the page before.";
  return new OpenPaymentsClientError(description, { code: "invalid_response", description, validationErrors: ["pagination.endCursor"] });
}
