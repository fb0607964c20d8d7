// The documentation's snippets: one for every operation of the package. Each does what its page shows, with what an earlier one made.

import {
  createAuthenticatedClient,
  createUnauthenticatedClient,
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
} from "@interledger/open-payments";

/**
 * Runs every snippet, in the order in which a payment needs them, and returns what each one made. `sender` pays `recipient`;
 * `debitValue` and `receiveValue` are in the smallest unit of their currencies.
 */
export async function runSnippets(options) {
  const { walletAddressUrl, privateKey, keyId, sender, recipient, debitValue, receiveValue, finishUri, approve } = options;
  const client = await createAuthenticatedClient({ walletAddressUrl, privateKey, keyId });
  const made = {};

  // Wallet addresses
  const from = await client.walletAddress.get({ url: sender });
  const to = await client.walletAddress.get({ url: recipient });
  made["get a wallet address"] = { from, to };
  made["get the keys of a wallet address"] = await client.walletAddress.getKeys({ url: walletAddressUrl });
  const debitAmount = { value: debitValue, assetCode: from.assetCode, assetScale: from.assetScale };
  const receiveAmount = { value: receiveValue, assetCode: to.assetCode, assetScale: to.assetScale };

  // Grants for which nobody has to be asked
  const incomingGrant = await client.grant.request(
    { url: to.authServer },
    {
      access_token: {
        access: [{ type: "incoming-payment", actions: ["list", "read", "read-all", "complete", "create"], identifier: to.id }],
      },
    },
  );
  if (isPendingGrant(incomingGrant)) throw new Error("Expected a grant without interaction");
  made["request a grant for incoming payments"] = incomingGrant;
  const quoteGrant = await client.grant.request(
    { url: from.authServer },
    { access_token: { access: [{ type: "quote", actions: ["create", "read", "read-all"] }] } },
  );
  if (isPendingGrant(quoteGrant)) throw new Error("Expected a grant without interaction");
  made["request a grant for quotes"] = quoteGrant;

  // Incoming payments
  const receiving = { url: to.resourceServer, accessToken: incomingGrant.access_token.value };
  const incomingPayment = await client.incomingPayment.create(receiving, {
    walletAddress: to.id,
    incomingAmount: receiveAmount,
    expiresAt: new Date(Date.now() + 60 * 60_000).toISOString(),
    metadata: { externalRef: "INV-1001", description: "two concert tickets" },
  });
  made["create an incoming payment"] = incomingPayment;
  const open = await client.incomingPayment.create(receiving, { walletAddress: to.id });
  made["create an incoming payment of any amount"] = open;
  made["get an incoming payment"] = await client.incomingPayment.get({ url: incomingPayment.id, accessToken: receiving.accessToken });
  const visitor = await createUnauthenticatedClient({});
  made["get an incoming payment without a token"] = await visitor.incomingPayment.get({ url: incomingPayment.id });
  made["get a wallet address without a key"] = await visitor.walletAddress.get({ url: recipient });
  made["get an incoming payment as others see it"] = await client.incomingPayment.getPublic({ url: incomingPayment.id });
  made["list incoming payments"] = await client.incomingPayment.list({ ...receiving, walletAddress: to.id }, { first: 10 });

  // Quotes
  const quoting = { url: from.resourceServer, accessToken: quoteGrant.access_token.value };
  const quote = await client.quote.create(quoting, { method: "ilp", walletAddress: from.id, receiver: incomingPayment.id });
  made["create a quote"] = quote;
  const debitQuote = await client.quote.create(quoting, { method: "ilp", walletAddress: from.id, receiver: open.id, debitAmount });
  made["create a quote with a debit amount"] = debitQuote;
  const receiveQuote = await client.quote.create(quoting, { method: "ilp", walletAddress: from.id, receiver: open.id, receiveAmount });
  made["create a quote with a receive amount"] = receiveQuote;
  made["get a quote"] = await client.quote.get({ url: quote.id, accessToken: quoting.accessToken });

  // Grants that a person has to approve
  const requestOutgoing = async (limits) => {
    const grant = await client.grant.request(
      { url: from.authServer },
      {
        access_token: {
          access: [
            {
              type: "outgoing-payment",
              actions: ["list", "list-all", "read", "read-all", "create"],
              identifier: from.id,
              limits,
            },
          ],
        },
        interact: { start: ["redirect"], finish: { method: "redirect", uri: finishUri, nonce: crypto.randomUUID() } },
      },
    );
    if (!isPendingGrant(grant)) throw new Error("Expected a grant that needs interaction");
    return grant;
  };
  const continueGrant = async (pending) => {
    const grant = await client.grant.continue(
      { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
      { interact_ref: await approve(pending) },
    );
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("Expected a grant with a token");
    return grant;
  };
  const double = (amount) => ({ ...amount, value: String(2n * BigInt(amount.value)) });
  const pending = await requestOutgoing({ debitAmount: double(quote.debitAmount) });
  made["request a grant with a debit amount"] = pending;
  const grant = await continueGrant(pending);
  made["continue a grant"] = grant;
  const pendingReceive = await requestOutgoing({ receiveAmount: double(receiveAmount) });
  made["request a grant with a receive amount"] = pendingReceive;
  const receiveGrant = await continueGrant(pendingReceive);
  made["continue a grant with a receive amount"] = receiveGrant;
  const interval = `R/${new Date(Date.now() - 60_000).toISOString()}/P1D`;
  const pendingInterval = await requestOutgoing({ debitAmount: double(debitAmount), interval });
  made["request a grant with an interval"] = pendingInterval;
  const intervalGrant = await continueGrant(pendingInterval);
  made["continue a grant with an interval"] = intervalGrant;

  // Outgoing payments
  const sending = { url: from.resourceServer, accessToken: grant.access_token.value };
  const outgoingPayment = await client.outgoingPayment.create(sending, {
    walletAddress: from.id,
    quoteId: quote.id,
    metadata: { description: "two concert tickets" },
  });
  made["create an outgoing payment"] = outgoingPayment;
  const settled = async (id) => {
    let payment;
    do payment = await client.outgoingPayment.get({ url: id, accessToken: sending.accessToken });
    while (payment.sentAmount.value === "0" && !payment.failed);
    return payment;
  };
  made["get an outgoing payment"] = await settled(outgoingPayment.id);
  made["create an outgoing payment with a receive amount"] = await client.outgoingPayment.create(
    { url: from.resourceServer, accessToken: receiveGrant.access_token.value },
    { walletAddress: from.id, quoteId: receiveQuote.id },
  );
  const recurring = { url: from.resourceServer, accessToken: intervalGrant.access_token.value };
  const first = await client.outgoingPayment.create(recurring, { walletAddress: from.id, quoteId: debitQuote.id });
  const second = await client.outgoingPayment.create(recurring, {
    walletAddress: from.id,
    incomingPayment: open.id,
    debitAmount,
  });
  made["create outgoing payments in an interval"] = { first, second };
  await settled(second.id);
  made["list outgoing payments"] = await client.outgoingPayment.list({ ...sending, walletAddress: from.id }, { first: 10 });
  made["get what was spent under a grant"] = await client.outgoingPayment.getGrantSpentAmounts(sending);
  made["get what was spent in an interval"] = await client.outgoingPayment.getGrantSpentAmounts(recurring);

  // The receiver has enough
  made["complete an incoming payment"] = await client.incomingPayment.complete({ url: open.id, accessToken: receiving.accessToken });

  // Tokens and grants end
  const { access_token: old } = intervalGrant;
  const { access_token: token } = await client.token.rotate({ url: old.manage, accessToken: old.value });
  made["rotate a token"] = token;
  made["revoke a token"] = await client.token.revoke({ url: token.manage, accessToken: token.value });
  made["cancel a grant"] = await client.grant.cancel({ url: grant.continue.uri, accessToken: grant.continue.access_token.value });
  const unwanted = await requestOutgoing({ debitAmount });
  made["cancel a pending grant"] = await client.grant.cancel({
    url: unwanted.continue.uri,
    accessToken: unwanted.continue.access_token.value,
  });
  return made;
}
