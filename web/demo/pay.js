// The payment that the token is for: incoming payment → quote → outgoing payment → what became of it.
// An order is one purchase at the shop. It has the token in it, and so it lives in memory only.

import { isFinalizedGrantWithAccessToken, toAmountValue, toDecimal } from "/dist/index.js";
import { recordingFetch } from "./exchange.js";
import { makeClient } from "./walk.js";

const reads = 30; // one a second, until the payment has ended

/** Refusals after which nothing was paid for certain. Others may be of a repetition by the browser. */
const refusals = ["limit_exceeded", "insufficient_grant", "inactive_token", "invalid_amount", "invalid_receiver", "not_found"];

/** What is known of an order's payment, in words. */
export const standings = {
  unpaid: "Nothing was paid.",
  unknown: "Whether it was paid is not known.",
  accepted: "The payment was accepted, and what became of it is not known yet.",
  failed: "The payment failed.",
  arrived: "It was paid once.",
};

export async function newOrder({ setup, wallet, broken }, { token, key }, { step }) {
  const price = { decimal: broken === "limit" ? "7.50" : "2.50", currency: "USD" };
  return { shopAddress: setup.shop, wallet, token, price, standing: "unpaid", step, call: await caller(setup, key, step) };
}

/** Returns a function that makes a call of a client and shows its request as a step, whatever comes of it. */
async function caller(setup, key, step) {
  let exchange;
  const record = (made) => {
    exchange = made;
  };
  const client = await makeClient(setup, key, recordingFetch(record));
  return async (name, call, describe = (_) => undefined) => {
    exchange = undefined;
    let text;
    try {
      const result = await call(client);
      text = describe(result);
      return result;
    } finally {
      if (exchange) step(name, { exchange, ms: exchange.tookMs, ...(text && { text }) });
    }
  };
}

/** Lets the shop expect a payment, and asks the payer's wallet for a quote: nothing is paid yet. */
export async function askCost(order) {
  const { call, shopAddress, price, wallet } = order;
  const shop = await call("shop", (client) => client.walletAddress.get({ url: shopAddress }));
  const shopToken = await requestToken(call, "billGrant", shop, "incoming-payment");
  const amount = { value: toAmountValue(price.decimal, shop.assetScale), assetCode: price.currency, assetScale: shop.assetScale };
  order.incoming = await call(
    "bill",
    ({ incomingPayment }) =>
      incomingPayment.create({ url: shop.resourceServer, accessToken: shopToken }, { walletAddress: shop.id, incomingAmount: amount }),
    ({ incomingAmount }) => `The shop’s wallet now expects ${money(incomingAmount)}, at an address of its own.`,
  );
  const quoteToken = await requestToken(call, "quoteGrant", wallet, "quote");
  order.quote = await call(
    "quote",
    ({ quote }) =>
      quote.create(
        { url: wallet.resourceServer, accessToken: quoteToken },
        { walletAddress: wallet.id, receiver: order.incoming.id, method: "ilp" },
      ),
    ({ debitAmount, receiveAmount }) => `${money(debitAmount)} will be debited, fee included, so that ${money(receiveAmount)} arrives.`,
  );
}

/** Gets a token that needs nobody's consent. */
async function requestToken(call, name, { authServer }, type) {
  const access = [{ type, actions: ["create", "read"] }];
  const grant = await call(name, (client) => client.grant.request({ url: authServer }, { access_token: { access } }));
  if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("The server wants to ask somebody before it issues this token.");
  return grant.access_token.value;
}

/** Pays the quote, with the token that the person has approved. */
export async function pay(order) {
  order.standing = "unknown";
  try {
    order.payment = await createPayment(order, "pay");
    order.standing = "accepted";
  } catch (error) {
    if (refusals.includes(error.code)) order.standing = "unpaid";
    throw error;
  }
}

/** Pays the same quote once more, which has to fail. */
export async function payAgain(order) {
  await createPayment(order, "again");
  throw new Error("The wallet took the same quote twice. This must not be.");
}

function createPayment({ call, wallet, token, quote }, name) {
  const target = { url: wallet.resourceServer, accessToken: token };
  return call(name, (client) => client.outgoingPayment.create(target, { walletAddress: wallet.id, quoteId: quote.id }));
}

/** Looks for a payment whose outcome is unknown. It would be among the newest, and go to the order's own receiver. */
export async function find(order) {
  const { call, wallet, token, incoming } = order;
  const target = { url: wallet.resourceServer, accessToken: token, walletAddress: wallet.id };
  const { result } = await call("list", (client) => client.outgoingPayment.list(target, { first: 10 }));
  order.payment = result.find(({ receiver }) => receiver === incoming.id);
  order.standing = order.payment ? "accepted" : "unpaid";
}

/** Reads the payment again and again, until it has arrived or failed or the patience is over. */
export async function watch(order) {
  for (let left = reads; left > 0 && order.standing === "accepted"; left -= 1) {
    if (left < reads) await new Promise((resolve) => setTimeout(resolve, 1000));
    await look(order);
  }
}

async function look(order) {
  const { call, token, step, incoming } = order;
  const said = ({ failed, sentAmount }) => `${money(sentAmount)} has been sent${failed ? ", and the payment has failed" : ""}.`;
  const payment = await call("look", (client) => client.outgoingPayment.get({ url: order.payment.id, accessToken: token }), said);
  order.payment = payment;
  if (payment.failed) {
    order.standing = "failed";
    const text = `${money(payment.sentAmount)} of ${money(payment.debitAmount)} was sent, and the rest is yours again.`;
    step("failed", { text, parts: documents({ payment }) });
    return;
  }
  if (payment.sentAmount.value === "0") return;
  const receipt = await call(
    "receipt",
    (client) => client.incomingPayment.getPublic({ url: incoming.id }),
    ({ receivedAmount }) => receivedAmount && `${money(receivedAmount)} has arrived; anybody may ask this, so nothing is signed.`,
  );
  if (BigInt(receipt.receivedAmount?.value ?? 0) < BigInt(incoming.incomingAmount.value)) return;
  order.standing = "arrived";
  step("paid", { title: `The shop has its ${money(receipt.receivedAmount)}`, text: bill(payment), parts: documents({ payment, receipt }) });
}

function bill({ debitAmount, sentAmount }) {
  const fee = String(BigInt(debitAmount.value) - BigInt(sentAmount.value));
  if (fee === "0") return `${money(debitAmount)} was debited, without a fee.`;
  return `${money(debitAmount)} was debited: ${money(sentAmount)} was sent, and ${money({ ...debitAmount, value: fee })} is the wallet’s fee.`;
}

function documents({ payment, receipt = undefined }) {
  return {
    "The payment, at your wallet": JSON.stringify(payment, null, 2),
    ...(receipt && { "The payment, at the shop’s wallet": JSON.stringify(receipt, null, 2) }),
  };
}

/** An amount as text with its currency, which stay on one line: "2.50 USD". */
export function money(amount) {
  return `${toDecimal(amount)}\u00a0${amount.assetCode}`;
}
