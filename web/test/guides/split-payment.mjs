// Guide: split a payment. A customer pays once at a marketplace; merchant and platform each get their part directly.

import { createAuthenticatedClient, isFinalizedGrantWithAccessToken, isPendingGrant } from "@interledger/open-payments";

/** Pays the merchant and the platform, each so much of its own currency, with one approval of the customer. */
export async function splitPayment(options) {
  const { walletAddressUrl, privateKey, keyId, customer, merchant, merchantValue, platform, platformValue, finishUri, approve } = options;
  const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });

  // 1. Three wallets take part.
  const customerWallet = await client.walletAddress.get({ url: customer });
  const merchantWallet = await client.walletAddress.get({ url: merchant });
  const platformWallet = await client.walletAddress.get({ url: platform });

  // 2. and 3. Merchant and platform each expect their part.
  const expect = async (wallet, value) => {
    const grant = await client.grant.request(
      { url: wallet.authServer },
      { access_token: { access: [{ type: "incoming-payment", actions: ["create"], identifier: wallet.id }] } },
    );
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("Expected a grant for incoming payments");
    return client.incomingPayment.create(
      { url: wallet.resourceServer, accessToken: grant.access_token.value },
      { walletAddress: wallet.id, incomingAmount: { value, assetCode: wallet.assetCode, assetScale: wallet.assetScale } },
    );
  };
  const merchantIncomingPayment = await expect(merchantWallet, merchantValue);
  const platformIncomingPayment = await expect(platformWallet, platformValue);

  // 4. and 5. One grant is enough for both quotes.
  const quoteGrant = await client.grant.request(
    { url: customerWallet.authServer },
    { access_token: { access: [{ type: "quote", actions: ["create"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(quoteGrant)) throw new Error("Expected a grant for quotes");
  const quoteFor = ({ id }) =>
    client.quote.create(
      { url: customerWallet.resourceServer, accessToken: quoteGrant.access_token.value },
      { method: "ilp", walletAddress: customerWallet.id, receiver: id },
    );
  const merchantQuote = await quoteFor(merchantIncomingPayment);
  const platformQuote = await quoteFor(platformIncomingPayment);

  // 6. to 9. The customer approves the sum of the two. Values are text, and are added as whole numbers.
  const value = String(BigInt(merchantQuote.debitAmount.value) + BigInt(platformQuote.debitAmount.value));
  const pending = await client.grant.request(
    { url: customerWallet.authServer },
    {
      access_token: {
        access: [
          {
            type: "outgoing-payment",
            actions: ["create"],
            identifier: customerWallet.id,
            limits: { debitAmount: { ...merchantQuote.debitAmount, value } },
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

  // 10. Two payments under one grant.
  const pay = (quote) =>
    client.outgoingPayment.create(
      { url: customerWallet.resourceServer, accessToken: outgoingGrant.access_token.value },
      { walletAddress: customerWallet.id, quoteId: quote.id },
    );
  const toMerchant = await pay(merchantQuote);
  const toPlatform = await pay(platformQuote);
  return { toMerchant, toPlatform };
}
