// Guides: send a remittance, across currencies, with a fixed debit amount and with a fixed receive amount.

import { createAuthenticatedClient, isFinalizedGrantWithAccessToken, isPendingGrant } from "@interledger/open-payments";

/** Debits exactly `value` of the sender's currency, the costs included; what remains after the exchange arrives. */
export async function sendFixedDebit(options) {
  return sendRemittance(options, (from) => ({
    debitAmount: { value: options.value, assetCode: from.assetCode, assetScale: from.assetScale },
  }));
}

/** Lets exactly `value` of the recipient's currency arrive; the sender pays what that costs. */
export async function sendFixedReceive(options) {
  return sendRemittance(options, (from, to) => ({
    receiveAmount: { value: options.value, assetCode: to.assetCode, assetScale: to.assetScale },
  }));
}

/** Both guides have the same steps. The amount that is fixed is in the quote and limits the grant. */
async function sendRemittance({ walletAddressUrl, privateKey, keyId, sender, recipient, finishUri, approve }, fixedAmount) {
  const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });

  // 1. Two wallets, with two currencies.
  const from = await client.walletAddress.get({ url: sender });
  const to = await client.walletAddress.get({ url: recipient });
  const amount = fixedAmount(from, to);

  // 2. and 3. The recipient's wallet expects a payment of any amount.
  const incomingGrant = await client.grant.request(
    { url: to.authServer },
    { access_token: { access: [{ type: "incoming-payment", actions: ["create"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(incomingGrant)) throw new Error("Expected a grant for incoming payments");
  const incomingPayment = await client.incomingPayment.create(
    { url: to.resourceServer, accessToken: incomingGrant.access_token.value },
    { walletAddress: to.id },
  );

  // 4. and 5. The quote fixes one side, and the wallet works out the other.
  const quoteGrant = await client.grant.request(
    { url: from.authServer },
    { access_token: { access: [{ type: "quote", actions: ["create"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(quoteGrant)) throw new Error("Expected a grant for quotes");
  const quote = await client.quote.create(
    { url: from.resourceServer, accessToken: quoteGrant.access_token.value },
    { method: "ilp", walletAddress: from.id, receiver: incomingPayment.id, ...amount },
  );

  // 6. to 9. The sender approves the amount that is fixed.
  const pending = await client.grant.request(
    { url: from.authServer },
    {
      access_token: {
        access: [{ type: "outgoing-payment", actions: ["create"], identifier: from.id, limits: amount }],
      },
      interact: {
        start: ["redirect"],
        finish: { method: "redirect", uri: finishUri, nonce: crypto.randomUUID() },
      },
    },
  );
  if (!isPendingGrant(pending)) throw new Error("Expected a grant that the sender must approve");
  const interactRef = await approve(pending);
  const outgoingGrant = await client.grant.continue(
    { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
    { interact_ref: interactRef },
  );
  if (!isFinalizedGrantWithAccessToken(outgoingGrant)) throw new Error("Expected a grant for outgoing payments");

  // 10. The payment of this quote.
  const outgoingPayment = await client.outgoingPayment.create(
    { url: from.resourceServer, accessToken: outgoingGrant.access_token.value },
    { walletAddress: from.id, quoteId: quote.id },
  );
  return { quote, outgoingPayment };
}
