// The component that the README shows, rendered as React does it in development: twice.

import { createAuthenticatedClient, generateKey, memoryStorage } from "open-payments-wasm";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { expect, test, vi } from "vitest";
import { Callback } from "./callback.jsx";
import { mockWallet } from "./wallet.js";

test("double effects continue the grant once", async () => {
  const wallet = mockWallet();
  const client = await createAuthenticatedClient({
    walletAddressUrl: "https://wallet.example/shop",
    key: await generateKey(),
    store: memoryStorage(),
    fetch: wallet.fetch,
  });
  const uri = new URL("/callback", location.href).href;
  const interact = { start: ["redirect"], finish: { method: "redirect", uri } };
  await client.grant.start({ url: wallet.authServer }, { access_token: { access: [] }, interact });
  history.replaceState(null, "", wallet.approved(uri));

  const place = document.body.appendChild(document.createElement("div"));
  createRoot(place).render(
    <StrictMode>
      <Callback client={client} />
    </StrictMode>,
  );
  await vi.waitFor(() => expect(place.textContent).toBe("Approved."), 30_000);
  expect(wallet.requests).toHaveLength(2); // the request and one continuation
  expect(location.href).toBe(uri);
}, 60_000);
