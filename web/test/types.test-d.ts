// What compiles here is what people can write. `tsc` checks it; nothing runs.

import type * as official from "@interledger/open-payments";
import * as ours from "open-payments-wasm";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const same = <_ extends true>() => {};

// What people hand from one package to the other is assignable both ways.
same<Same<official.PendingGrant, ours.PendingGrant>>();
same<Same<official.GrantContinuation, ours.GrantContinuation>>();
same<Same<official.Grant, ours.Grant>>();
same<Same<official.AccessToken, ours.AccessToken>>();

declare const grant: ours.Grant | ours.GrantContinuation;
if (ours.isFinalizedGrantWithAccessToken(grant)) grant.access_token.value satisfies string;
if (ours.isFinalizedGrantWithSubject(grant)) grant.subject.sub_ids[0]?.id satisfies string | undefined;

declare const key: ours.KeyHandle;
void ours.continueGrant({ url: new URL("https://as.example/"), accessToken: "t", interactRef: "r", key });
void ours.continueGrant({ url: "https://as.example/", accessToken: "t", key: { keyId: "k", sign: (data) => data } });
void ours.continueGrant({ url: "https://as.example/", accessToken: "t", key: { keyId: "k", privateKey: "-----BEGIN" }, timeoutMs: 1 });

// @ts-expect-error the key is missing
void ours.continueGrant({ url: "https://as.example/", accessToken: "t" });
// @ts-expect-error a key needs its id
void ours.continueGrant({ url: "https://as.example/", accessToken: "t", key: { privateKey: "x" } });
// @ts-expect-error a token is a string
void ours.continueGrant({ url: "https://as.example/", accessToken: 1, key });

declare const client: ours.AuthenticatedClient;
declare const officialClient: official.AuthenticatedClient;
// A caller of the official client can be handed ours: arguments and results fit.
client.grant satisfies Pick<typeof officialClient.grant, "request" | "continue" | "cancel">;
client.token satisfies Pick<typeof officialClient.token, "rotate" | "revoke">;

const error = new ours.OpenPaymentsClientError("message");
if (error.code === "too_fast") error.retryable satisfies boolean;
// @ts-expect-error it is not to be changed
error.code = "timeout";
