// One way to call every client that we compare: the official Node client, ours in Node, and ours in a page. Each function takes
// the options of a client and returns a function that makes a call by its name, such as "quote.create", and tells what came of it:
// { value } or { error }.

import { createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as official from "@interledger/open-payments";
import { dist } from "./packages.mjs";

/** The official client. Without `privateKey` it is the one that needs no key. */
export async function officialClient(options) {
  if (options.privateKey === undefined) return callsOf(await official.createUnauthenticatedClient(options));
  const privateKey = createPrivateKey(options.privateKey); // a string would be the path of a file
  return callsOf(await official.createAuthenticatedClient({ ...options, privateKey }));
}

/** Our client in Node. */
export async function clientInNode() {
  const { createAuthenticatedClient, createUnauthenticatedClient, init } = await import(pathToFileURL(join(dist(), "index.js")));
  await init({ wasm: await readFile(join(dist(), "open-payments.wasm")) });
  return async (options) => callsOf(await (options.privateKey ? createAuthenticatedClient : createUnauthenticatedClient)(options));
}

/** Our client in a page. */
export const clientInPage =
  (lab) =>
  async (options) =>
  (name, ...args) =>
    lab.outcome(
      async (options, name, args) => {
        const create = options.privateKey ? lab.createAuthenticatedClient : lab.createUnauthenticatedClient;
        const [group, method] = name.split(".");
        return (await create(options))[group][method](...args);
      },
      options,
      name,
      args,
    );

const callsOf =
  (client) =>
  async (name, ...args) => {
    const [group, method] = name.split(".");
    try {
      return { value: await client[group][method](...args) };
    } catch (error) {
      const { name, message, description, status, code, details, validationErrors, retryable } = error;
      return { error: { name, message, description, status, code, details, validationErrors, retryable } };
    }
  };
