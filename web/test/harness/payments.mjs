// A shop's page that makes payments with a sandbox that has money, and the ledger that tells what was paid.

import assert from "node:assert/strict";
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
    return this.prepare(Object.assign(Object.create(PaymentTab.prototype), await Lab.open(browser, site, parameters)));
  }

  /** Puts a client into `lab`, and the steps, wherever the tab runs what it is told to. */
  async prepare(tab) {
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

  /** Asserts that the ledger has the payment of an order once, and that it is the one that a caller was told of. */
  async assertPaidOnce({ key }, { id }) {
    const paid = await this.paid(key);
    assert.deepEqual(
      paid.map(({ id, failed }) => ({ id, failed })),
      [{ id, failed: false }],
    );
  }

  /** The outgoing payments of alice, as the official client lists them: those whose metadata have this order. */
  async paid(key) {
    return (await this.allPaid()).filter(({ metadata }) => metadata?.order === key);
  }

  /** All outgoing payments of alice, whichever client made them. */
  async allPaid() {
    const all = async () => (await (this.listing ??= this.#listing()))();
    return all().catch(() => {
      this.listing = undefined; // its token may be over
      return all();
    });
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
    const access = [{ type: "outgoing-payment", actions: ["read-all", "list-all"], identifier }];
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

/**
 * A payment that meets something at one of its steps: the page stands still there, to be killed, or a fault happens (see
 * lab.untilStep). Another tab goes on with it.
 */
export class Life {
  /** Begins a payment in a page and finishes it, up to step `last` of all. */
  static async in(page, order, { last, fault } = {}) {
    const life = Object.assign(new Life(), { order, till: page.till });
    const begin = (order, last, fault) =>
      lab.untilStep(
        last,
        async (client, signal) => {
          lab.started ??= {};
          lab.started[order.key] = await client.payment.start(order, { signal });
        },
        fault,
      );
    life.steps = await page.run(begin, order, last ?? null, fault);
    const started = await page.run((key) => lab.started?.[key], order.key);
    if (!started) return life;
    life.callback = (await decide(started, "approve")).href;
    const left = last === undefined ? null : last - life.steps.length;
    if (left === 0) return life;
    const finish = (callback, last, fault) => lab.untilStep(last, (client, signal) => client.payment.finish(callback, { signal }), fault);
    life.steps.push(...(await page.run(finish, life.callback, left, fault)));
    return life;
  }

  get lastStep() {
    return this.steps.at(-1);
  }

  /** Goes on in another tab, as a page does. Returns "paid", once by the ledger, or "token lost", and then nothing was paid. */
  async goOnIn(tab) {
    try {
      return await this.#goOnIn(tab);
    } catch (error) {
      throw new Error(`${this.lastStep}: ${error.message}`, { cause: error });
    }
  }

  async #goOnIn(tab) {
    const store = { store: "own" };
    this.callback ??= (await tab.approved(this.order, store)).callback;
    const { value, error } = await tab.finish(this.callback, store);
    if (!error) {
      await this.till.assertPaidOnce(this.order, value);
      return "paid";
    }
    assert.match(`${error.code} ${error.message}`, /^request_denied An earlier attempt .*Nothing was paid/);
    assert.deepEqual(await this.till.paid(this.order.key), []);
    const again = await tab.start(this.order, store);
    assert.equal(again.error?.code, error.code);
    const [{ id }] = (await tab.pending("own")).filter(({ key }) => key === this.order.key);
    assert.equal((await tab.pay("forget", id, store)).error, undefined);
    return "token lost";
  }
}

/** Runs in the page. */
async function setUp({ walletAddressUrl, privateKey, keyId }) {
  lab.stores = { local: lab.webStorage(localStorage), memory: lab.memoryStorage() };
  const key = await lab.importKey(privateKey, { keyId });
  lab.clientWith = (options) => lab.createAuthenticatedClient({ walletAddressUrl, key, ...options });
  lab.client = await lab.clientWith({});
}
