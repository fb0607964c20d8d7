// Guide: make recurring payments. The sender approves once, and so much may be paid in every month.

import { createAuthenticatedClient, isFinalizedGrantWithAccessToken, isPendingGrant } from "@interledger/open-payments";

/**
 * Pays `instalments` times `value` of the recipient's currency within one month, under a grant that has room for `room` of
 * them a month. Returns the payments, and what the wallet said to those that were too many.
 */
export async function makeRecurringPayments(options) {
  const { walletAddressUrl, privateKey, keyId, sender, recipient, value, instalments, room, finishUri, approve } = options;
  const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });
  const from = await client.walletAddress.get({ url: sender });
  const to = await client.walletAddress.get({ url: recipient });

  const incomingGrant = await client.grant.request(
    { url: to.authServer },
    { access_token: { access: [{ type: "incoming-payment", actions: ["create"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(incomingGrant)) throw new Error("Expected a grant for incoming payments");
  const quoteGrant = await client.grant.request(
    { url: from.authServer },
    { access_token: { access: [{ type: "quote", actions: ["create"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(quoteGrant)) throw new Error("Expected a grant for quotes");

  /** What one instalment is paid to, and costs. */
  const quoteInstalment = async () => {
    const incomingPayment = await client.incomingPayment.create(
      { url: to.resourceServer, accessToken: incomingGrant.access_token.value },
      { walletAddress: to.id, incomingAmount: { value, assetCode: to.assetCode, assetScale: to.assetScale } },
    );
    return client.quote.create(
      { url: from.resourceServer, accessToken: quoteGrant.access_token.value },
      { walletAddress: from.id, receiver: incomingPayment.id, method: "ilp" },
    );
  };

  let quote = await quoteInstalment();
  const { debitAmount } = quote;
  const pending = await client.grant.request(
    { url: from.authServer },
    {
      access_token: {
        access: [
          {
            type: "outgoing-payment",
            actions: ["create", "read", "list"],
            identifier: from.id,
            limits: {
              debitAmount: { ...debitAmount, value: String(BigInt(debitAmount.value) * BigInt(room)) },
              interval: `R12/${new Date().toISOString()}/P1M`, // once a month for a year
            },
          },
        ],
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

  let token = outgoingGrant.access_token;
  const payments = [];
  const refused = [];
  for (let i = 0; i < instalments; i += 1) {
    if (i > 0) {
      // The token of last month is over: its manage URL gives another one for the same grant.
      const rotated = await client.token.rotate({ url: token.manage, accessToken: token.value });
      token = rotated.access_token;
      quote = await quoteInstalment();
    }
    try {
      const payment = await client.outgoingPayment.create(
        { url: from.resourceServer, accessToken: token.value },
        { walletAddress: from.id, quoteId: quote.id },
      );
      payments.push(payment);
    } catch (error) {
      refused.push({ status: error.status, description: error.description });
    }
  }
  const spent = await client.outgoingPayment.getGrantSpentAmounts({ url: from.resourceServer, accessToken: token.value });
  return { payments, refused, spent };
}
