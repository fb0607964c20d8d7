// Guide: accept a one-time payment for an online purchase. The retailer gets exactly the price; the customer bears the costs.

import { createAuthenticatedClient, isFinalizedGrantWithAccessToken, isPendingGrant } from "@interledger/open-payments";

/** Sells something: `price` is in the retailer's currency. The retailer's page is the client. */
export async function acceptPurchase({ walletAddressUrl, privateKey, keyId, customer, retailer, price, order, finishUri, approve }) {
  const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });

  // 1. The customer typed in a wallet address; the retailer knows its own.
  const customerWallet = await client.walletAddress.get({ url: customer });
  const retailerWallet = await client.walletAddress.get({ url: retailer });

  // 2. and 3. The retailer expects the price, and notes what it is for.
  const incomingGrant = await client.grant.request(
    { url: retailerWallet.authServer },
    { access_token: { access: [{ type: "incoming-payment", actions: ["create", "read"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(incomingGrant)) throw new Error("Expected a grant for incoming payments");
  const incomingPayment = await client.incomingPayment.create(
    { url: retailerWallet.resourceServer, accessToken: incomingGrant.access_token.value },
    {
      walletAddress: retailerWallet.id,
      incomingAmount: { value: price, assetCode: retailerWallet.assetCode, assetScale: retailerWallet.assetScale },
      metadata: { order },
    },
  );

  // 4. and 5. What the customer will be charged.
  const quoteGrant = await client.grant.request(
    { url: customerWallet.authServer },
    { access_token: { access: [{ type: "quote", actions: ["create", "read"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(quoteGrant)) throw new Error("Expected a grant for quotes");
  const created = await client.quote.create(
    { url: customerWallet.resourceServer, accessToken: quoteGrant.access_token.value },
    { method: "ilp", walletAddress: customerWallet.id, receiver: incomingPayment.id },
  );
  const quote = await client.quote.get({ url: created.id, accessToken: quoteGrant.access_token.value });

  // 6. to 9. The customer approves this payment to this retailer, and nothing else.
  const pending = await client.grant.request(
    { url: customerWallet.authServer },
    {
      access_token: {
        access: [
          {
            type: "outgoing-payment",
            actions: ["create", "read"],
            identifier: customerWallet.id,
            limits: { receiver: incomingPayment.id, debitAmount: quote.debitAmount },
          },
        ],
      },
      interact: {
        start: ["redirect"],
        finish: { method: "redirect", uri: finishUri, nonce: crypto.randomUUID() },
      },
    },
  );
  if (!isPendingGrant(pending)) throw new Error("Expected a grant that the customer must approve");
  const interactRef = await approve(pending);
  const outgoingGrant = await client.grant.continue(
    { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
    { interact_ref: interactRef },
  );
  if (!isFinalizedGrantWithAccessToken(outgoingGrant)) throw new Error("Expected a grant for outgoing payments");

  // 10. The payment, and a look at it until it has gone out. Then the goods can go out too.
  const accessToken = outgoingGrant.access_token.value;
  const { id } = await client.outgoingPayment.create(
    { url: customerWallet.resourceServer, accessToken },
    { walletAddress: customerWallet.id, quoteId: quote.id, metadata: { order } },
  );
  let outgoingPayment;
  do outgoingPayment = await client.outgoingPayment.get({ url: id, accessToken });
  while (outgoingPayment.sentAmount.value === "0" && !outgoingPayment.failed);
  const paid = await client.incomingPayment.get({ url: incomingPayment.id, accessToken: incomingGrant.access_token.value });
  return { quote, outgoingPayment, paid };
}
