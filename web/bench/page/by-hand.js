// The steps of a payment, as somebody writes them down who has read the guides: what can go at once does, and the
// interaction hash is checked. `client` has the methods of @interledger/open-payments that are used here.

import { fromBase64 } from "./webcrypto.js";

const toQuote = { type: "quote", actions: ["create"] };
const toReceive = { type: "incoming-payment", actions: ["create", "read", "complete"] };

export function byHand(client) {
  const tokenFor = async (url, ...access) => (await client.grant.request({ url }, { access_token: { access } })).access_token.value;

  /** The tokens to quote and to receive with: one token, where one server can give both. */
  async function tokens(payer, receiver) {
    if (payer.authServer !== receiver.authServer) {
      return Promise.all([tokenFor(payer.authServer, toQuote), tokenFor(receiver.authServer, toReceive)]);
    }
    const token = await tokenFor(payer.authServer, toReceive, toQuote);
    return [token, token];
  }

  return {
    async start({ key, from, to, receiveAmount, metadata, finishUri }) {
      const [payer, receiver] = await Promise.all([client.walletAddress.get({ url: from }), client.walletAddress.get({ url: to })]);
      const [quoteToken, receiverToken] = await tokens(payer, receiver);
      const expiresAt = new Date(Date.now() + 86_400_000).toISOString();
      const incoming = await client.incomingPayment.create(
        { url: receiver.resourceServer, accessToken: receiverToken },
        { walletAddress: receiver.id, incomingAmount: receiveAmount, expiresAt, metadata },
      );
      const quote = await client.quote.create(
        { url: payer.resourceServer, accessToken: quoteToken },
        { walletAddress: payer.id, receiver: incoming.id, method: "ilp" },
      );
      const nonce = crypto.randomUUID();
      const limits = { receiver: incoming.id, debitAmount: quote.debitAmount };
      const grant = await client.grant.request(
        { url: payer.authServer },
        {
          access_token: { access: [{ type: "outgoing-payment", actions: ["create", "read", "list"], identifier: payer.id, limits }] },
          interact: { start: ["redirect"], finish: { method: "redirect", uri: finishUri, nonce } },
        },
      );
      keep(key, { payer, receiverToken, incoming, quote, nonce, grant, metadata });
      return { redirect: grant.interact.redirect };
    },

    async finish(callbackUrl) {
      const { searchParams } = new URL(callbackUrl);
      const key = searchParams.get("order");
      const kept = JSON.parse(localStorage.getItem(key));
      const { payer, quote, nonce, grant, metadata } = kept;
      const reference = searchParams.get("interact_ref");
      await checkHash(searchParams.get("hash"), [nonce, grant.interact.finish, reference, payer.authServer]);
      const { uri, access_token } = grant.continue;
      const continued = await client.grant.continue({ url: uri, accessToken: access_token.value }, { interact_ref: reference });
      const accessToken = continued.access_token.value;
      keep(key, { ...kept, accessToken });
      const args = { walletAddress: payer.id, quoteId: quote.id, metadata };
      const outgoing = await client.outgoingPayment.create({ url: payer.resourceServer, accessToken }, args);
      keep(key, { ...kept, accessToken, outgoing });
      return outgoing;
    },

    async watch({ metadata: { order } }) {
      const { incoming, receiverToken, outgoing, accessToken } = JSON.parse(localStorage.getItem(order));
      for (;;) {
        const [{ completed }, { failed }] = await Promise.all([
          client.incomingPayment.get({ url: incoming.id, accessToken: receiverToken }),
          client.outgoingPayment.get({ url: outgoing.id, accessToken }),
        ]);
        if (completed) return;
        if (failed) throw new Error("the payment has failed");
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },

    forget: async ({ metadata: { order } }) => localStorage.removeItem(order),
  };
}

const keep = (key, payment) => localStorage.setItem(key, JSON.stringify(payment));

async function checkHash(hash, parts) {
  const right = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(parts.join("\n"))));
  const found = fromBase64(hash);
  if (found.length !== right.length || found.some((byte, i) => byte !== right[i])) throw new Error("the callback is not of this grant");
}
