import { createAuthenticatedClient, generateKey, memoryStorage } from "open-payments-wasm";
import { expect, test } from "vitest";
import { mockWallet } from "./wallet.js";

test("a grant, from request to token", async () => {
  const wallet = mockWallet();
  const client = await createAuthenticatedClient({
    walletAddressUrl: "https://wallet.example/shop",
    key: await generateKey(), // a real key: signing is fast
    store: memoryStorage(), // there is no IndexedDB in Node and in jsdom
    fetch: wallet.fetch,
  });
  const uri = "https://shop.example/callback";
  const interact = { start: ["redirect"], finish: { method: "redirect", uri } };
  await client.grant.start({ url: wallet.authServer }, { access_token: { access: [] }, interact });
  const grant = await client.grant.finish(wallet.approved(uri));
  expect(grant.access_token.value).toBe("token");
  expect(wallet.requests).toHaveLength(2);
});
