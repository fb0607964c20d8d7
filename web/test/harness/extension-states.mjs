// Every state that the popup of the extension can be in, as a person gets there.

import { eventually } from "./extension.mjs";
import { Payer } from "./payer.mjs";

/** One payment of each outcome, and names and addresses that are long. */
const payments = (to) => {
  const amount = { value: "10", assetCode: "USD", assetScale: 2 };
  const at = Date.UTC(2026, 10, 28, 12);
  const long = `https://wallet.example/${"a-long-name-".repeat(8)}`;
  return [
    { key: "1", to, name: "Shop", amount, at: Date.now(), state: "unknown" },
    { key: "2", to, name: "Shop", amount, at, state: "unpaid", words: "Your allowance is used up until 1 December." },
    {
      key: "3",
      to: long,
      name: "",
      amount: { ...amount, value: "123456789" },
      at,
      state: "failed",
      words: "Your wallet could not deliver it.",
    },
    { key: "4", to, name: "Shop", amount, at, state: "sent" },
    { key: "5", to, name: "Shop", amount, at, state: "arrived" },
  ];
};

/** Goes through the states, and calls `visit` with the name of each and the popup that is in it. `site` asks for payments. */
export async function walkStates({ extension, proxy, site }, visit) {
  const payer = Object.assign(new Payer(), { extension, proxy });
  const open = async () => {
    await payer.page?.close();
    payer.page = await payer.open();
    await payer.page.setViewport({ width: 360, height: 600 });
  };
  const show = (name, popup = payer.page) => visit(name, popup);
  const hasProblem = () => eventually("a problem", () => payer.page.evaluate("!document.querySelector('#problem').hidden"));

  await open();
  await payer.step("new");
  await show("new");
  await payer.page.type("#address", "my wallet");
  await payer.press("#connect button");
  await hasProblem();
  await show("new-problem");
  await payer.page.$eval("#address", (input) => {
    input.value = "";
  });
  let key;
  await payer.connect(async () => {
    key = JSON.parse(await payer.page.$eval("#jwk", ({ value }) => value));
    await show("publish");
  });
  await open();
  await payer.step("ready");
  await show("ready");
  await payer.page.type("#limit", "5");
  await payer.press("#ask button");
  const wallet = await extension.tabAt(`${proxy.origin}/interact/`);
  await payer.step("waiting");
  await payer.page.bringToFront();
  await show("waiting");
  proxy.publish("alice"); // her wallet has lost the key
  await payer.press("#approve", wallet);
  await payer.step("finishing");
  await hasProblem();
  await payer.page.bringToFront();
  await show("finishing");
  proxy.publish("alice", key);
  await payer.press("#retry");
  await payer.step("allowed");
  await payer.left("5.00 USD");
  await payer.page.bringToFront();
  await show("allowed");

  const page = await extension.browser.newPage();
  site.html = `<!doctype html><title>A page</title><link rel="monetization" href="${proxy.wallets.shop}">`;
  await page.goto(site.origin);
  const popup = await payer.openOver(page);
  await popup.setViewport({ width: 360, height: 600 });
  await payer.offer(popup);
  await eventually("what is left", () => payer.text("#left", popup));
  await show("offer", popup);
  await payer.becomes(await payer.pay(popup, "0.10"), "arrived");
  await payer.page.evaluate((payments) => void chrome.storage.local.set({ payments }), payments(proxy.wallets.shop));
  await eventually("the list", async () => (await popup.$$("#payments li")).length === 5);
  await show("payments", popup);
  await popup.close();
  await page.close();

  await open();
  await payer.step("allowed");
  proxy.breakOff(/^DELETE/);
  await payer.press("#stop");
  await payer.step("ending");
  await hasProblem();
  await show("ending");
  proxy.breakOff(undefined);
  await payer.press("#retry");
  await payer.step("ready");
  await payer.page.evaluate("import('./open-payments-wasm/index.js').then(({ deleteKey }) => deleteKey('wallet'))");
  await open();
  await payer.step("lost");
  await show("lost");
  await payer.press("#disconnect");
  await payer.step("new");
}
