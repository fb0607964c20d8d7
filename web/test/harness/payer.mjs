// A person who has the extension, and pays with it.

import assert from "node:assert/strict";
import { eventually, stepShown } from "./extension.mjs";

/** The extension in a browser, connected to alice's wallet. `proxy` is the way to her wallet. */
export class Payer {
  log = [];

  static async connect(extension, proxy) {
    const payer = Object.assign(new Payer(), { extension, proxy });
    payer.page = await payer.open();
    await payer.connect();
    return payer;
  }

  /** Connects her wallet, and calls `atKey` when the key is shown. */
  async connect(atKey = async () => {}) {
    await this.page.type("#address", this.proxy.wallets.alice);
    await this.press("#connect button");
    await this.step("publish");
    await atKey();
    this.proxy.publish("alice", JSON.parse(await this.page.$eval("#jwk", ({ value }) => value)));
    await this.press("[data-command=check]");
    await this.step("ready");
  }

  /** The popup in a tab, which stays open. */
  async open() {
    const page = await this.extension.open("popup.html");
    page.on("pageerror", ({ message }) => this.log.push(message));
    return page;
  }

  /** Asks the wallet for so much a month, and approves it there. */
  async allow(limit) {
    await this.page.$eval("#limit", (input) => {
      input.value = "";
    });
    await this.page.type("#limit", limit);
    await this.press("#ask button");
    const wallet = await this.extension.tabAt(`${this.proxy.origin}/interact/`);
    await this.press("#approve", wallet);
    await this.step("allowed");
    const callback = await this.extension.tabAt(`${this.extension.origin}/callback.html`);
    await callback.close();
  }

  async stop() {
    await this.press("#stop");
    await this.step("ready");
  }

  /** Opens the popup over a page that asks for payments, and waits until it says for whom. */
  async openOver(page) {
    const popup = await this.extension.openPopup(page);
    popup.on("pageerror", ({ message }) => this.log.push(message));
    await eventually("the popup", () => popup.evaluate("document.body.dataset.ready !== undefined"));
    return popup;
  }

  async press(selector, of = this.page) {
    await of.bringToFront();
    await of.locator(selector).click();
  }

  step(step, of = this.page) {
    return stepShown(of, step);
  }

  text(selector, of = this.page) {
    return of.$eval(selector, (element) => element.innerText);
  }

  /** Whom the popup shows: { to, name, others }. */
  async offer(popup) {
    await eventually("the offer", () =>
      popup.evaluate(`!document.querySelector("#pay-button").disabled && document.querySelector("#to").innerText`),
    );
    return popup.evaluate(`({
      to: document.querySelector("#to").innerText,
      name: document.querySelector("#name").innerText,
      others: document.querySelector("#others").hidden ? "" : document.querySelector("#others").innerText,
    })`);
  }

  /** Types an amount and presses Pay. Returns the key of the payment. */
  async pay(popup, amount) {
    const before = new Set((await this.payments()).map(({ key }) => key));
    await popup.$eval("#amount", (input) => {
      input.value = "";
    });
    await popup.type("#amount", amount);
    await popup.keyboard.press("Enter");
    const isNew = async () => (await this.payments()).find(({ key }) => !before.has(key))?.key;
    return eventually("the payment in the list", isNew);
  }

  async payments() {
    const { payments = [] } = await this.page.evaluate("chrome.storage.local.get('payments')");
    return payments;
  }

  /** Waits until a payment is in a state, and returns what the list says of it. */
  async becomes(key, state) {
    let found;
    await eventually(`${state}, of a payment`, async () => {
      found = (await this.payments()).find((payment) => payment.key === key);
      return found?.state === state;
    }).catch((error) => {
      throw new Error(`${error.message}: ${JSON.stringify(found)}`);
    });
    const index = (await this.payments()).findIndex((payment) => payment.key === key);
    return eventually("its words", () =>
      this.page.evaluate(`document.querySelectorAll("#payments li")[${index}].matches("[data-state=${state}]") &&
        document.querySelectorAll("#payments .outcome")[${index}].innerText`),
    );
  }

  /** What is left, as the popup says. */
  left(expected) {
    return eventually(`${expected} left`, async () => (await this.text("#left")).startsWith(`${expected} of `));
  }

  /** Sends a message to the worker, as the popup does. Nobody waits for the reply. */
  tell(message) {
    return this.page.evaluate(`void import("./messages.js").then(({ send }) => send(${JSON.stringify(message)})).catch(() => {})`);
  }

  /** What the popup sends when Pay is pressed. */
  order(changes) {
    return { command: "pay", key: crypto.randomUUID(), to: this.proxy.wallets.shop, name: "Shop", amount: "0.01", ...changes };
  }

  #session(expression) {
    return this.page.evaluate(`chrome.storage.session.${expression}`);
  }

  /** Begins a payment whose worker stands still at a step, counted from 1, and returns the step, or "arrived". See pages/stepping-extension. */
  async standAt(step, order) {
    await this.#session(`set({ standAt: ${step} })`);
    await this.tell(order);
    const where = async () => (await this.#session("get('standsAt')")).standsAt;
    const stands = await eventually("a stop, or the end", async () => {
      if (await this.#isArrived(order)) await new Promise((resolve) => setTimeout(resolve, 300)); // it may stand right after that
      return (await where()) ?? ((await this.#isArrived(order)) && "arrived");
    });
    await this.#session("remove(['standAt', 'standsAt'])");
    return stands;
  }

  async #isArrived({ key }) {
    return (await this.payments()).some((payment) => payment.key === key && payment.state === "arrived");
  }

  /**
   * Makes payments whose worker is stopped at a step, each at another, until one meets no stop. `stride` is from which step to
   * which. Returns them: { step, key }.
   */
  async stopAtSteps(stride) {
    const stopped = [];
    for (let at = 1; ; at += stride) {
      const order = this.order();
      const step = await this.standAt(at, order);
      await this.extension.stopWorker(this.page);
      await this.tell({ command: "look" }); // wakes it
      if (step === "arrived") return stopped;
      await eventually(`the arrival after ${step}`, () => this.#isArrived(order));
      stopped.push({ step, key: order.key });
    }
  }

  assertSilent() {
    assert.deepEqual(this.log, []);
  }
}
