// Guide: make a one-time payment. One person pays another a fixed amount, and agrees to the costs before.

import { createAuthenticatedClient, isFinalizedGrantWithAccessToken, isPendingGrant } from "@interledger/open-payments";

/** Pays `value` of the recipient's currency. `approve` takes a pending grant to the person and returns the interact_ref. */
export async function makeOneTimePayment({ walletAddressUrl, privateKey, keyId, sender, recipient, value, finishUri, approve }) {
  const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });

  // 1. Where do the two wallets live, and what do they hold?
  const from = await client.walletAddress.get({ url: sender });
  const to = await client.walletAddress.get({ url: recipient });

  // 2. and 3. The recipient's wallet expects the payment. Nobody has to be asked for that.
  const incomingGrant = await client.grant.request(
    { url: to.authServer },
    { access_token: { access: [{ type: "incoming-payment", actions: ["read", "complete", "create"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(incomingGrant)) throw new Error("Expected a grant for incoming payments");
  const incomingPayment = await client.incomingPayment.create(
    { url: to.resourceServer, accessToken: incomingGrant.access_token.value },
    {
      walletAddress: to.id,
      incomingAmount: { value, assetCode: to.assetCode, assetScale: to.assetScale },
      expiresAt: new Date(Date.now() + 10 * 60_000).toISOString(),
    },
  );

  // 4. and 5. The sender's wallet says what that costs.
  const quoteGrant = await client.grant.request(
    { url: from.authServer },
    { access_token: { access: [{ type: "quote", actions: ["create", "read"] }] } },
  );
  if (!isFinalizedGrantWithAccessToken(quoteGrant)) throw new Error("Expected a grant for quotes");
  const quote = await client.quote.create(
    { url: from.resourceServer, accessToken: quoteGrant.access_token.value },
    { walletAddress: from.id, receiver: incomingPayment.id, method: "ilp" },
  );

  // 6. The sender has to agree to it.
  const pending = await client.grant.request(
    { url: from.authServer },
    {
      access_token: {
        access: [
          {
            type: "outgoing-payment",
            actions: ["create", "read"],
            identifier: from.id,
            limits: { debitAmount: quote.debitAmount },
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

  // 7. and 8. The sender goes to the wallet, approves, and comes back.
  const interactRef = await approve(pending);

  // 9. The approval becomes a token.
  const outgoingGrant = await client.grant.continue(
    { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
    { interact_ref: interactRef },
  );
  if (!isFinalizedGrantWithAccessToken(outgoingGrant)) throw new Error("Expected a grant for outgoing payments");

  // 10. And the token pays.
  const outgoingPayment = await client.outgoingPayment.create(
    { url: from.resourceServer, accessToken: outgoingGrant.access_token.value },
    { walletAddress: from.id, quoteId: quote.id },
  );
  return { incomingPayment, quote, outgoingPayment };
}
