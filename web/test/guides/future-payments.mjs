// Guide: get a grant for future payments. The person says how much an app may spend in a month before anyone knows whom it will
// pay, as with Web Monetization.

import { createAuthenticatedClient, isFinalizedGrantWithAccessToken, isPendingGrant } from "@interledger/open-payments";

/** Gets a grant for `budget` a month, then pays `value` of the sender's currency to each recipient, and ends the grant. */
export async function payInFuture({ walletAddressUrl, privateKey, keyId, sender, recipients, budget, value, finishUri, approve }) {
  const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });

  // 1. to 5. The grant names no recipient.
  const from = await client.walletAddress.get({ url: sender });
  const inAsset = (value) => ({ value, assetCode: from.assetCode, assetScale: from.assetScale });
  const pending = await client.grant.request(
    { url: from.authServer },
    {
      access_token: {
        access: [
          {
            type: "outgoing-payment",
            actions: ["create", "read", "list"],
            identifier: from.id,
            limits: { debitAmount: inAsset(budget), interval: `R3/${new Date().toISOString()}/P1M` },
          },
        ],
      },
      interact: {
        start: ["redirect"],
        finish: { method: "redirect", uri: finishUri, nonce: crypto.randomUUID() },
      },
    },
  );
  if (!isPendingGrant(pending)) throw new Error("Expected a grant that the person must approve");
  const interactRef = await approve(pending);
  const outgoingGrant = await client.grant.continue(
    { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
    { interact_ref: interactRef },
  );
  if (!isFinalizedGrantWithAccessToken(outgoingGrant)) throw new Error("Expected a grant for outgoing payments");
  const { access_token: token } = outgoingGrant;
  const account = { url: from.resourceServer, accessToken: token.value };
  const before = await client.outgoingPayment.getGrantSpentAmounts(account);

  // Later the person visits a site, and it is paid: no quote is needed for a fixed amount of one's own.
  const payments = [];
  for (const recipient of recipients) {
    const to = await client.walletAddress.get({ url: recipient });
    const incomingGrant = await client.grant.request(
      { url: to.authServer },
      { access_token: { access: [{ type: "incoming-payment", actions: ["create", "read"], identifier: to.id }] } },
    );
    if (!isFinalizedGrantWithAccessToken(incomingGrant)) throw new Error("Expected a grant for incoming payments");
    const incomingPayment = await client.incomingPayment.create(
      { url: to.resourceServer, accessToken: incomingGrant.access_token.value },
      { walletAddress: to.id },
    );
    const payment = await client.outgoingPayment.create(account, {
      walletAddress: from.id,
      incomingPayment: incomingPayment.id,
      debitAmount: inAsset(value),
      metadata: { description: "thank you" },
    });
    payments.push(payment);
  }
  const after = await client.outgoingPayment.getGrantSpentAmounts(account);

  // The person disconnects the app: token and grant end.
  await client.token.revoke({ url: token.manage, accessToken: token.value });
  await client.grant.cancel({ url: outgoingGrant.continue.uri, accessToken: outgoingGrant.continue.access_token.value });
  return { before, payments, after };
}
