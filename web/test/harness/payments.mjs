// A shop's page that makes payments with a sandbox that has money, and the ledger that tells what was paid.

import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { officialClient } from "./clients.mjs";
import { Lab } from "./lab.mjs";
import { decide, publishKey } from "./sandbox.mjs";
import { addSteps } from "./steps.mjs";

const keyId = "till-1";

/** The client of a shop: its key, as the pages have it and as the official client has it, and its wallet address. */
export class Till {
  static async at(server, name = "till") {
    const till = Object.assign(new Till(), { server, name, wallets: server.wallets });
    const { privateKey } = generateKeyPairSync("ed25519");
    till.privateKey = privateKey.export({ format: "pem", type: "pkcs8" });
    const { kty, crv, x } = createPublicKey(privateKey).export({ format: "jwk" });
    till.walletAddressUrl = await publishKey(server, name, { kid: keyId, alg: "EdDSA", kty, crv, x });
    return till;
  }

  /** A page with a client, and in `lab` what the tests call. */
  async open(browser, site, parameters) {
    const tab = Object.assign(Object.create(PaymentTab.prototype), await Lab.open(browser, site, parameters));
    tab.till = this;
    await tab.run(setUp, { walletAddressUrl: this.walletAddressUrl, privateKey: this.privateKey, keyId });
    await tab.run(addSteps);
    return tab;
  }

  /** What a page needs to be this client, with an order. */
  config(order) {
    const { walletAddressUrl, privateKey } = this;
    return { walletAddressUrl, privateKey, keyId, order };
  }

  /** An order of 12.50 dollars by alice, for the shop. */
  order(key, changes = {}) {
    const { alice, shop } = this.wallets;
    const receiveAmount = { value: "1250", assetCode: "USD", assetScale: 2 };
    return { key, from: alice, to: shop, receiveAmount, metadata: { order: key }, finishUri: "https://shop.example/callback", ...changes };
  }

  /** The outgoing payments of alice, as the official client lists them: those whose metadata have this order. */
  async paid(key) {
    const all = await (this.listing ??= this.#listing());
    return (await all()).filter(({ metadata }) => metadata?.order === key);
  }

  /** Returns a function that lists what was paid, with a grant that alice approves. */
  async #listing() {
    const { alice: identifier } = this.wallets;
    const call = await officialClient({ walletAddressUrl: this.walletAddressUrl, privateKey: this.privateKey, keyId, useHttp: true });
    const must = async (...args) => {
      const { value, error } = await call(...args);
      if (error) throw new Error(`${args[0]}: ${error.message} ${error.description}`);
      return value;
    };
    const { authServer, resourceServer } = await must("walletAddress.get", { url: identifier });
    const access = [{ type: "outgoing-payment", actions: ["read", "list", "create"], identifier }];
    const finish = { method: "redirect", uri: "https://shop.example/listed", nonce: "nonce of the ledger" };
    const pending = await must(
      "grant.request",
      { url: authServer },
      { access_token: { access }, interact: { start: ["redirect"], finish } },
    );
    const back = await decide(pending, "approve");
    const { uri, access_token } = pending.continue;
    const interact_ref = back.searchParams.get("interact_ref");
    const grant = await must("grant.continue", { url: uri, accessToken: access_token.value }, { interact_ref });
    const accessToken = grant.access_token.value;
    return async () => {
      const payments = [];
      for (let cursor; ;) {
        const target = { url: resourceServer, accessToken, walletAddress: identifier };
        const page = await must("outgoingPayment.list", target, { first: 100, ...(cursor && { cursor }) });
        payments.push(...page.result);
        if (!page.pagination.hasNextPage) return payments;
        cursor = page.pagination.endCursor;
      }
    };
  }
}

/** A page of the shop. */
export class PaymentTab extends Lab {
  start(order, options) {
    return this.pay("start", order, options);
  }

  finish(callback, options) {
    return this.pay("finish", callback, options);
  }

  /** The payments that are pending, of one of lab.stores. */
  pending(store) {
    return this.run((store) => lab.client.payment.pending({ store: lab.stores[store] }), store);
  }

  /** Makes a call of client.payment: { value } or { error }; `store` is the name of one of lab.stores. */
  pay(name, argument, { store } = {}) {
    return this.outcome((name, argument, store) => lab.client.payment[name](argument, { store: lab.stores[store] }), name, argument, store);
  }

  /** Begins a payment and lets alice approve it. Returns what was begun, and the callback. */
  async approved(order, options) {
    const { value, error } = await this.start(order, options);
    if (error) throw new Error(error.message);
    return { payment: value, callback: (await decide(value, "approve")).href };
  }
}

/** Runs in the page. */
async function setUp({ walletAddressUrl, privateKey, keyId }) {
  lab.stores = { local: lab.webStorage(localStorage), memory: lab.memoryStorage() };
  const key = await lab.importKey(privateKey, { keyId });
  lab.clientWith = (options) => lab.createAuthenticatedClient({ walletAddressUrl, key, ...options });
  lab.client = await lab.clientWith({});
}
