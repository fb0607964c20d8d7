import * as sdk from "open-payments-wasm";

const calls = {
  init: () => sdk.init(),
  continueGrant: () =>
    sdk.continueGrant({
      url: "https://auth.wallet.example/continue/1",
      accessToken: "t",
      key: { keyId: "k", sign: () => new Uint8Array(64) },
    }),
};

for (const [name, call] of Object.entries(calls)) {
  test(`${name} says which global is missing, and what to do`, async () => {
    const error = await call().catch((error) => error);
    expect(error).toBeInstanceOf(sdk.OpenPaymentsClientError);
    expect(error.code).toBe("module_unavailable");
    expect(error.message).toContain("TextEncoder");
    expect(error.message).toContain("define");
  });
}
