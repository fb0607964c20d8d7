// Grants of a page at the sandbox: what is asked for, what comes back, and who asks.

import { createHash } from "node:crypto";
import { Lab } from "./lab.mjs";
import { decide, publishKey } from "./sandbox.mjs";

/** Asks for an outgoing payment. `finish` is interact.finish, or undefined for a grant to be polled. */
export const outgoing = (sandbox, finish) => ({
  access_token: {
    access: [
      {
        type: "outgoing-payment",
        actions: ["create", "read"],
        identifier: sandbox.walletAddress,
        limits: { debitAmount: { value: "500", assetCode: "USD", assetScale: 2 } },
      },
    ],
  },
  interact: { start: ["redirect"], finish },
});

/** Where a continuation goes, and with which token. */
export const continuation = ({ continue: { uri, access_token } }) => ({ url: uri, accessToken: access_token.value });
export const management = ({ access_token: { manage, value } }) => ({ url: manage, accessToken: value });

/** The hash that a server puts into the callback (RFC 9635 §4.2.3). */
export function interactionHash({ clientNonce, serverNonce, reference, endpoint, encoding = "base64", method = "sha256" }) {
  return createHash(method).update([clientNonce, serverNonce, reference, endpoint].join("\n")).digest(encoding);
}

/** A page with a client whose key is published: all pages of one browser that are opened here have the same key. */
export class Shop extends Lab {
  /** Opens a page; `parameters` are those of Lab.open. */
  static async at(sandbox, browser, site, parameters) {
    const lab = await Lab.open(browser, site, parameters);
    const shop = Object.assign(Object.create(Shop.prototype), lab, { sandbox, finishUri: `${site.origin}/blank.html` });
    shop.publicJwk = await shop.run(async () => {
      lab.key = (await lab.loadKey("shop")) ?? (await lab.generateKey());
      await lab.saveKey("shop", lab.key);
      return lab.publicJwkOf(lab.key);
    });
    const walletAddressUrl = await publishKey(sandbox, "shop", shop.publicJwk);
    await shop.run(async (walletAddressUrl) => {
      lab.stores = { session: lab.webStorage(sessionStorage), local: lab.webStorage(localStorage), memory: lab.memoryStorage() };
      lab.clientWith = (options) => lab.createAuthenticatedClient({ walletAddressUrl, key: lab.key, ...options });
      lab.client = await lab.clientWith();
    }, walletAddressUrl);
    return shop;
  }

  /** Starts a grant and returns the response. `finish` is added to interact.finish, `store` is one of lab.stores, else the one by default. */
  async start({ finish, store = "default", url = this.sandbox.authServer } = {}) {
    const request = outgoing(this.sandbox, { method: "redirect", uri: this.finishUri, ...finish });
    const { value, error } = await this.outcome(
      (url, request, store) => lab.client.grant.start({ url }, request, { store: lab.stores[store] }),
      url,
      request,
      store,
    );
    if (error) throw Object.assign(new Error(error.message), error);
    return value;
  }

  /** Starts a grant, lets the person approve it, and returns the response and the callback's address. */
  async approved(options) {
    const pending = await this.start(options);
    return { pending, callback: (await decide(pending, "approve")).href };
  }

  /** Finishes the grant that a callback is for. */
  finish(callback, store = "default") {
    return this.outcome((callback, store) => lab.client.grant.finish(callback, { store: lab.stores[store] }), callback, store);
  }

  /** The grants that are pending in a store. */
  pending(store = "default") {
    return this.run((store) => lab.client.grant.pending({ store: lab.stores[store] }), store);
  }

  /** Forgets every grant of every store, and what was claimed. */
  async forgetAll() {
    await this.run(() => {
      sessionStorage.clear();
      localStorage.clear();
    });
    await this.editEntries(() => undefined);
  }

  /** Changes the entries of the journal in IndexedDB: `edit` gets key and value of each and returns the new value, or undefined to delete it. */
  editEntries(edit) {
    return this.run(`(${editEntries})(${edit})`);
  }

  /** Changes the records of grants in the journal. */
  editRecords(edit) {
    return this.editEntries(`(key, value) => (key.includes(".pending.") ? (${edit})(value) : value)`);
  }
}

/** Runs in the page. */
async function editEntries(edit) {
  const done = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const opening = indexedDB.open("open-payments-wasm.journal", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("entries");
  const database = await done(opening);
  const entries = database.transaction("entries", "readwrite").objectStore("entries");
  for (const key of await done(entries.getAllKeys())) {
    const edited = edit(key, await done(entries.get(key)));
    await done(edited === undefined ? entries.delete(key) : entries.put(edited, key));
  }
  database.close();
}

/** An address with some parameters changed, or taken away where they are undefined. */
export function withParameters(url, changes) {
  const changed = new URL(url);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.searchParams.delete(name);
    else changed.searchParams.set(name, value);
  }
  return changed.href;
}
