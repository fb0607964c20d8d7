/**
 * Open Payments grants in the browser: GNAP (RFC 9635) requests, signed with HTTP Message
 * Signatures (RFC 9421) by an Ed25519 key that no script can read.
 *
 * Importing the module starts nothing. The WebAssembly module loads on the first call that needs
 * it, or when `init` says so.
 *
 * @module
 */

import type {
  AbortSignal,
  BufferSource,
  Bytes,
  CryptoKey,
  CryptoKeyPair,
  Fetch,
  FetchInit,
  FetchInput,
  JsonWebKey,
  Response,
  URL,
  WebAssemblyModule,
} from "./platform.js";

/** What a call may be told besides its subject. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's own reason. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call rejects with code `timeout`, the load of the module included. Default 30 000. */
  timeoutMs?: number | undefined;
  /** A function to use instead of `fetch`. */
  fetch?: Fetch | undefined;
  /** Allows `http:` to any host. For development only. */
  useHttp?: boolean | undefined;
}

export interface ContinueGrantOptions extends CallOptions {
  /** `false` takes any JSON for a success. Default `true`: what RFC 9635 requires must be there. */
  validateResponses?: boolean | undefined;
  /** `continue.uri` of the pending grant: `https:`, or `http:` on loopback. */
  url: string | URL;
  /** `continue.access_token.value` of the pending grant. */
  accessToken: string;
  /** `interact_ref` of the finish redirect. Leave it out to ask whether the grant is approved yet. */
  interactRef?: string | undefined;
  /** The key that requested the grant. */
  key: SigningKey;
}

/**
 * Continues a grant (RFC 9635 §5): sends a signed request to the authorization server and returns
 * its response, checked.
 *
 * It sends one request and never repeats it, unless the server says `too_fast`, which means that
 * it processed nothing: then it waits as long as the server asks, a second at least, within `timeoutMs`.
 * Equal calls at the same time, with the same key object and `fetch`, share one request.
 *
 * Once the request with a reference has left, `signal` and `timeoutMs` end the wait and not the
 * request: its response is kept in the page until the next equal call, which gets it.
 *
 * Rejects with a `TypeError` that names the argument if nothing could be sent because of it, with
 * the reason of `signal`, or with an `OpenPaymentsClientError`.
 *
 * @example
 * ```ts
 * import { continueGrant, isFinalizedGrantWithAccessToken, loadKey } from "open-payments-wasm";
 *
 * const key = await loadKey("wallet");
 * if (!key) throw new Error("No key yet");
 * const grant = await continueGrant({
 *   url: "https://auth.wallet.example/continue/4CF492MLVMSW9MKM",
 *   accessToken: "80UPRY5NM33OMUKMKSKU",
 *   interactRef: new URL(location.href).searchParams.get("interact_ref") ?? undefined,
 *   key,
 * });
 * if (isFinalizedGrantWithAccessToken(grant)) console.log(grant.access_token.manage);
 * ```
 */
export function continueGrant(options: ContinueGrantOptions): Promise<Grant | GrantContinuation>;

export interface PollGrantOptions extends Omit<ContinueGrantOptions, "interactRef"> {
  /** `continue.wait` of the pending grant, in seconds. Default: 5, as RFC 9635 advises. */
  wait?: number | undefined;
  /** Milliseconds until the call rejects with code `timeout`. Default 600 000. */
  timeoutMs?: number | undefined;
  /** Is told the continuation that follows every response: what to poll with after a restart. */
  onProgress?: ((next: GrantContinuation) => void) | undefined;
}

/**
 * Asks at intervals whether a grant is issued, until it is (RFC 9635 §5.2). For grants that were
 * requested without `interact.finish`; servers refuse to be polled for others.
 *
 * It never asks sooner than the server allows, follows a rotated token and URI in every response,
 * slows down on `too_fast`, and tries a lost connection again up to three times. A denial, an
 * abort and the timeout reject.
 *
 * @example
 * ```ts
 * import { pollGrant, type KeyHandle, type PendingGrant } from "open-payments-wasm";
 *
 * async function waitForApproval(pending: PendingGrant, key: KeyHandle, signal: AbortSignal) {
 *   const { uri, access_token, wait } = pending.continue;
 *   const grant = await pollGrant({ url: uri, accessToken: access_token.value, wait, key, signal });
 *   return grant.access_token;
 * }
 * ```
 */
export function pollGrant(options: PollGrantOptions): Promise<Grant>;

/**
 * The material of one private Ed25519 key: PKCS#8 as PEM, base64 of PEM or DER; a JWK as object or
 * JSON text; a 32-byte seed; a 64-byte seed and public key; hex or base64 of these; the bytes of a
 * PEM or JWK file; a key set with one private key.
 */
export type KeyMaterial = string | JsonWebKey | { readonly keys: readonly JsonWebKey[] } | BufferSource;

/** A key that signs: a handle, key material with the id it is published by, or a key held elsewhere. */
export type SigningKey =
  | KeyHandle
  | {
      /** The `kid` of the key in the client's published key set. Printable ASCII. */
      keyId: string;
      /** An Ed25519 `CryptoKey`, or material in any form that `importKey` takes. */
      privateKey: CryptoKey | KeyMaterial;
    }
  | {
      keyId: string;
      /** Signs with Ed25519 and returns the 64 bytes of the signature. */
      sign(data: Bytes): Promise<BufferSource> | BufferSource;
    };

/** A key from `generateKey`, `importKey` or `loadKey`. Its private half cannot be read from it. */
export interface KeyHandle {
  readonly keyId: string;
  /** Who signs: the browser's WebCrypto, or this module where the browser has no Ed25519. */
  readonly backing: "webcrypto" | "wasm";
  /** The 32 bytes of the public key. Absent where only a non-extractable `CryptoKey` was imported. */
  readonly publicKey?: Bytes | undefined;
  /** The key of WebCrypto, for `backing: "webcrypto"`. */
  readonly privateKey?: CryptoKey | undefined;
}

export interface KeyOptions {
  /** The id that the key is published by. Default: the JWK's own `kid`, else the RFC 7638 thumbprint. */
  keyId?: string | undefined;
  /** `false` refuses to sign inside this module where WebCrypto has no Ed25519. Default `true`. */
  fallback?: boolean | undefined;
}

/**
 * Makes a new Ed25519 key, not extractable unless you ask for it.
 *
 * @example
 * ```ts
 * import { generateKey, jwks, saveKey } from "open-payments-wasm";
 *
 * const key = await generateKey();
 * await saveKey("wallet", key);
 * console.log(JSON.stringify(jwks(key))); // serve this at {wallet address}/jwks.json
 * ```
 */
export function generateKey(options?: KeyOptions & { extractable?: boolean | undefined }): Promise<KeyHandle>;

/**
 * Makes a non-extractable key of material that you have, or of a `CryptoKey` or `CryptoKeyPair`.
 * Our copies of the material are overwritten.
 *
 * Rejects with a `TypeError` that says what was expected and what was found, and never repeats
 * the material.
 *
 * @example
 * ```ts
 * import { importKey, saveKey } from "open-payments-wasm";
 *
 * async function keep(file: { text(): Promise<string> }) {
 *   await saveKey("wallet", await importKey(await file.text(), { keyId: "3724c845-829c-425a-9a0e-194d6f4b2336" }));
 * }
 * ```
 */
export function importKey(material: KeyMaterial | CryptoKey | CryptoKeyPair, options?: KeyOptions): Promise<KeyHandle>;

/**
 * Stores a key in IndexedDB under a name, as a `CryptoKey` and never as bytes. It replaces what was
 * there. Rejects with code `storage_error` where there is no storage, or no room in it.
 *
 * A key with `backing: "wasm"` has nothing but bytes: it is refused, unless you accept with
 * `plaintext` that any script of the origin can read it.
 *
 * @example
 * ```ts
 * import { importKey, saveKey } from "open-payments-wasm";
 *
 * await saveKey("wallet", await importKey("8f2a…", { keyId: "shop-1" }), { persist: true });
 * ```
 */
export function saveKey(
  name: string,
  key: KeyHandle,
  options?: {
    /**
     * Asks the browser not to evict this site's storage (`navigator.storage.persist()`), without
     * waiting for the response: Firefox asks the person. Default `false`.
     */
    persist?: boolean | undefined;
    plaintext?: boolean | undefined;
  },
): Promise<void>;
/**
 * Returns the key that was stored under a name, or `undefined`.
 *
 * @example
 * ```ts
 * import { generateKey, loadKey } from "open-payments-wasm";
 *
 * const key = (await loadKey("wallet")) ?? (await generateKey());
 * ```
 */
export function loadKey(name: string): Promise<KeyHandle | undefined>;
/**
 * Returns the names of the stored keys.
 *
 * @example
 * ```ts
 * import { listKeys } from "open-payments-wasm";
 *
 * for (const name of await listKeys()) console.log(name);
 * ```
 */
export function listKeys(): Promise<string[]>;
/**
 * Deletes the key that was stored under a name, if there is one.
 *
 * @example
 * ```ts
 * import { deleteKey } from "open-payments-wasm";
 *
 * await deleteKey("wallet");
 * ```
 */
export function deleteKey(name: string): Promise<void>;

/**
 * The public JWK of a key, as Open Payments wants it published (RFC 8037 §2).
 *
 * @example
 * ```ts
 * import { generateKey, publicJwk } from "open-payments-wasm";
 *
 * const { kid, x } = publicJwk(await generateKey({ keyId: "shop-1" }));
 * ```
 */
export function publicJwk(key: KeyHandle): JWK;
/**
 * The key set that `{wallet address}/jwks.json` must serve (RFC 7517 §5).
 *
 * @example
 * ```ts
 * import { jwks, loadKey } from "open-payments-wasm";
 *
 * const [key, nextKey] = await Promise.all([loadKey("wallet"), loadKey("wallet-new")]);
 * if (key && nextKey) console.log(JSON.stringify(jwks(key, nextKey)));
 * ```
 */
export function jwks(...keys: KeyHandle[]): JWKS;

/**
 * Checks that the key set at a wallet address has the public half of a key. Rejects with an
 * `OpenPaymentsClientError` that says what is wrong: `key_set_unreachable`, `key_set_invalid`,
 * `key_not_published`, `key_mismatch`, or `key_exposed` where the set shows a private half.
 *
 * @example
 * ```ts
 * import { checkPublished, loadKey } from "open-payments-wasm";
 *
 * const key = await loadKey("wallet");
 * if (key) await checkPublished(key, "https://wallet.example/shop");
 * ```
 */
export function checkPublished(
  key: KeyHandle,
  walletAddressUrl: string | URL,
  options?: { signal?: AbortSignal | undefined; fetch?: Fetch | undefined },
): Promise<void>;

export interface JWK {
  kid: string;
  alg: "EdDSA";
  use?: "sig";
  kty: "OKP";
  crv: "Ed25519";
  x: string;
}

export interface JWKS {
  readonly keys: JWK[];
}

export interface InteractionHashOptions {
  /** `interact.finish.nonce` of your grant request. */
  clientNonce: string;
  /** `interact.finish` of the pending grant. */
  serverNonce: string;
  /** `interact_ref` of the finish redirect. */
  interactRef: string;
  /** `hash` of the finish redirect. */
  hash: string;
  /** The URL that the grant was requested from. */
  grantEndpoint: string | URL;
  /** `hash_method` of your grant request. Default `"sha-256"`. */
  hashMethod?: "sha-256" | "sha-512" | undefined;
}

/**
 * Checks that a finish redirect was made by the server for your request (RFC 9635 §4.2.3), in
 * constant time. Rejects with code `hash_mismatch` if it was not. Both encodings in use are
 * accepted: base64url without padding, and base64 with padding.
 *
 * @example
 * ```ts
 * import { verifyInteractionHash } from "open-payments-wasm";
 *
 * const { searchParams } = new URL(location.href);
 * await verifyInteractionHash({
 *   clientNonce: "VJLO6A4CATR0KRO",
 *   serverNonce: "MBDOFXG4Y5CVJCX821LH",
 *   interactRef: searchParams.get("interact_ref") ?? "",
 *   hash: searchParams.get("hash") ?? "",
 *   grantEndpoint: "https://auth.wallet.example/",
 * });
 * ```
 */
export function verifyInteractionHash(options: InteractionHashOptions): Promise<void>;

export interface ClientOptions {
  /** The wallet address of the client, whose `jwks.json` holds the key: a URL or a payment pointer. */
  walletAddressUrl: string | URL;
  /** A key; or give `privateKey` and `keyId`. */
  key?: SigningKey | undefined;
  privateKey?: CryptoKey | KeyMaterial | undefined;
  keyId?: string | undefined;
  /** Milliseconds until a call rejects with code `timeout`. Default 30 000. */
  requestTimeoutMs?: number | undefined;
  /** `false` takes any JSON for a success. Default `true`: what RFC 9635 requires must be there. */
  validateResponses?: boolean | undefined;
  /** Where `grant.start` and `withGrant` remember. Default: IndexedDB, which all tabs and workers of the origin share. */
  store?: Store | undefined;
  /** Sends to `http:` where a URL says `https:`, and allows `http:` to any host. For development only. */
  useHttp?: boolean | undefined;
  fetch?: Fetch | undefined;
}

/** The options of a client with a key that is given as its material. */
export type CreateAuthenticatedClientArgs = ClientOptions & { privateKey: CryptoKey | KeyMaterial; keyId: string };

/** Where a call goes. */
export interface UnauthenticatedResourceRequestArgs {
  url: string | URL;
  signal?: AbortSignal | undefined;
}

/** Where a call goes, and with which token. */
export interface GrantOrTokenRequestArgs extends UnauthenticatedResourceRequestArgs {
  accessToken: string;
}

/** Where a call goes, and with which token. */
export interface ResourceRequestArgs extends UnauthenticatedResourceRequestArgs {
  accessToken: string;
}

/** Which collection: `url` is the resource server of a wallet address, `walletAddress` whose resources they are. */
export interface CollectionRequestArgs extends ResourceRequestArgs {
  /** A URL, spelled as the wallet's document has it in `id`, or a payment pointer. */
  walletAddress: string | URL;
}

/** Which page of a list: the first or last items, 1 to 100, after or before a cursor. `last` needs a cursor. */
export type PaginationArgs = ForwardPagination | BackwardPagination;
export interface ForwardPagination {
  first?: number | undefined;
  cursor?: string | undefined;
  last?: never;
}
export interface BackwardPagination {
  last?: number | undefined;
  cursor?: string | undefined;
  first?: never;
}

/** Reads that need no key and no token: they are not signed and may follow a redirect to `https:`. */
export interface WalletAddressRoutes {
  /** Reads the document of a wallet address: a URL, or a payment pointer such as `$wallet.example/alice`. */
  get(target: UnauthenticatedResourceRequestArgs): Promise<WalletAddress>;
  /** Reads the public keys that a wallet address publishes, at `{url}/jwks.json`. */
  getKeys(target: UnauthenticatedResourceRequestArgs): Promise<JWKS>;
  /** Reads the DID document of a wallet address, at `{url}/did.json`. */
  getDIDDocument(target: UnauthenticatedResourceRequestArgs): Promise<DIDDocument>;
}

export interface UnauthenticatedIncomingPaymentRoutes {
  /** Reads what anybody may know of an incoming payment: what it has received, and its authorization server. */
  get(target: UnauthenticatedResourceRequestArgs): Promise<PublicIncomingPayment>;
}

/** Each method rejects as `continueGrant` does. `url` is the payment's own, or the resource server for `create`, `list` and `all`. */
export interface IncomingPaymentRoutes {
  get(target: ResourceRequestArgs): Promise<IncomingPaymentWithPaymentMethods>;
  /** As `get` of an unauthenticated client. */
  getPublic(target: UnauthenticatedResourceRequestArgs): Promise<PublicIncomingPayment>;
  /** Creates an incoming payment. It is not repeated by itself: an equal call makes another. */
  create(target: ResourceRequestArgs, args: Sendable<CreateIncomingPaymentArgs>): Promise<IncomingPaymentWithPaymentMethods>;
  /** Says that no more is expected. `url` is the payment's own. */
  complete(target: ResourceRequestArgs): Promise<IncomingPayment>;
  /** Reads a page of the list, the newest first. */
  list(target: CollectionRequestArgs, pagination?: PaginationArgs): Promise<IncomingPaymentPaginationResult>;
  /**
   * Reads every page, the newest first: the next one is asked for when it is wanted. `first` is how many items a page has.
   *
   * @example
   * ```ts
   * import type { AuthenticatedClient, CollectionRequestArgs } from "open-payments-wasm";
   *
   * async function sumUp(client: AuthenticatedClient, target: CollectionRequestArgs) {
   *   let sum = 0n;
   *   for await (const payment of client.incomingPayment.all(target, { first: 50 })) sum += BigInt(payment.receivedAmount.value);
   *   return sum;
   * }
   * ```
   */
  all(target: CollectionRequestArgs, pagination?: ForwardPagination): AsyncGenerator<IncomingPayment, void, undefined>;
}

export interface QuoteRoutes {
  get(target: ResourceRequestArgs): Promise<Quote>;
  /** Asks what a payment to `receiver`, an incoming payment's URL, would cost. */
  create(target: ResourceRequestArgs, args: Sendable<CreateQuoteArgs>): Promise<Quote>;
}

export interface OutgoingPaymentRoutes {
  get(target: ResourceRequestArgs): Promise<OutgoingPayment>;
  /**
   * Pays. The result says that the payment was accepted, not that it has arrived: `get` says how much was sent.
   *
   * It is sent once. Equal calls at the same time with the same `quoteId` share one request, since a quote is paid once; calls with
   * `incomingPayment` and `debitAmount` are a payment each. An error after which the payment may have been made is never
   * `retryable`: look with `get` (the id of a payment is often that of its quote) or `list` before you pay again.
   */
  create(target: ResourceRequestArgs, args: Sendable<CreateOutgoingPaymentArgs>): Promise<OutgoingPaymentWithSpentAmounts>;
  /** Reads a page of the list, the newest first. */
  list(target: CollectionRequestArgs, pagination?: PaginationArgs): Promise<OutgoingPaymentPaginationResult>;
  /** Reads every page, the newest first: the next one is asked for when it is wanted. */
  all(target: CollectionRequestArgs, pagination?: ForwardPagination): AsyncGenerator<OutgoingPayment, void, undefined>;
  /** Reads what was spent of the grant of a token; `url` is the resource server. Both are null before the first payment. */
  getGrantSpentAmounts(target: ResourceRequestArgs): Promise<OutgoingPaymentGrantSpentAmounts>;
}

/** A client without a key, for what anybody may read. */
export interface UnauthenticatedClient {
  walletAddress: WalletAddressRoutes;
  incomingPayment: UnauthenticatedIncomingPaymentRoutes;
}

/** The client, with the methods of `@interledger/open-payments`. */
export interface AuthenticatedClient {
  walletAddress: WalletAddressRoutes;
  incomingPayment: IncomingPaymentRoutes;
  quote: QuoteRoutes;
  outgoingPayment: OutgoingPaymentRoutes;
  grant: {
    /** Asks for a grant at the wallet's authorization server (RFC 9635 §2). */
    request(
      target: UnauthenticatedResourceRequestArgs,
      args: Sendable<Omit<GrantRequest, "client">>,
      clientOverride?: Sendable<{ jwk: JWK }>,
    ): Promise<PendingGrant | Grant>;
    /** Continues a grant, or polls it where there is no `interact_ref` (RFC 9635 §5). */
    continue(target: GrantOrTokenRequestArgs, args?: GrantContinuationRequest): Promise<Grant | GrantContinuation>;
    /**
     * Gives a grant up (RFC 9635 §5.4), and forgets it where `start` remembered it under this URI and token.
     *
     * Rejects with `invalid_continuation` for a grant that is gone already. Servers answer the same for a
     * token or URI that is wrong, so with `ignoreGone`, which resolves then, a grant may live on that was
     * not named rightly. `store` is where `start` remembered it, if not in the client's own.
     */
    cancel(target: GrantOrTokenRequestArgs, options?: { ignoreGone?: boolean | undefined; store?: Store | undefined }): Promise<void>;
    /**
     * Requests a grant and remembers what is needed to finish it, so that the page may go away
     * while the person is at the wallet. Makes `interact.finish.nonce` where it is missing. The URI of
     * `interact.finish` may be `http:` on loopback only, or with `useHttp`: the reference comes back with it.
     *
     * The store is tried before anything is sent: `storage_error`. If it fails after the request, the
     * error's `pending` is the record, for `finish`. Rejects with `invalid_response` for a grant that
     * could not be continued later.
     */
    start(
      target: UnauthenticatedResourceRequestArgs,
      args: StartRequest,
      options?: { store?: Store | undefined },
    ): Promise<PendingGrant | Grant>;
    /**
     * Finishes the grant that a callback is for: finds it by the interaction hash, waits as long as the
     * server asked, continues it, hands the result over and forgets it.
     *
     * All tabs and workers of the origin together send the reference once at a time, and not again once
     * its token came. Calls at the same time in one page get the same grant; what one of them aborts, the
     * others keep. `signal` and the client's `requestTimeoutMs` end the wait: a request that has left goes
     * on, and the next `finish` of the same callback gets its response: the store has it until then, so
     * another tab gets it where this one is closed. Another tab waits meanwhile, goes on if the first
     * failed, and else rejects with `finished_elsewhere`.
     *
     * Rejects with `interaction_rejected` when the wallet says that the person declined,
     * `interaction_failed` when it says anything else went wrong (the grant may still be approved),
     * `hash_mismatch` when the callback was not made by the server, `no_pending_grant` when nothing is
     * waiting for it; nothing is sent then, and nothing forgotten. After other failures call it again: a
     * grant is forgotten only with its token handed over, with the server's `invalid_continuation`,
     * `request_denied` or `user_denied`, or after an hour.
     */
    finish(callbackUrl: string | URL, options?: FinishOptions): Promise<Grant | GrantContinuation>;
    /** Lists the grants that were started and not finished, the oldest first. They are forgotten after an hour. */
    pending(options?: { store?: Store | undefined; signal?: AbortSignal | undefined }): Promise<StartedGrant[]>;
    /** Forgets a grant that was started, by the id that `pending` gives. It does not cancel it. */
    forget(id: string, options?: { store?: Store | undefined; signal?: AbortSignal | undefined }): Promise<void>;
  };
  token: {
    /**
     * Exchanges a token at its manage URL (RFC 9635 §6.1). The response has a new value and a new
     * manage URL: store both, the old ones are void. Once the request has left, an abort ends the wait
     * and not the request: the next equal call gets its response.
     */
    rotate(target: GrantOrTokenRequestArgs): Promise<AccessToken>;
    /** Ends a token at its manage URL (RFC 9635 §6.2). */
    revoke(target: GrantOrTokenRequestArgs): Promise<void>;
  };
  /**
   * Keeps a grant usable: remembers it in a store, and makes resource calls with its newest token. When `expires_in` is over,
   * counted from when the token was stored, or the server says `inactive_token`, the token is rotated once for all calls,
   * tabs and workers that share the store, the new one is stored, and what the server had refused is sent again.
   * What was not refused is never sent again.
   *
   * A grant that is kept under this name already, with the same or a later token, stays as it is: it is safe to pass the same grant
   * on every visit. Another grant takes its place, in all tabs and for whoever has opened the one before. That one is not revoked, and
   * is not kept any more: where it is not wanted, `revoke` it first; where both are, give them different names.
   *
   * Rejects with a `TypeError` for what is no grant with a token and a manage URL, with `storage_error` if the store does not
   * work, and with `grant_revoked` for a grant that was revoked.
   *
   * @example
   * ```ts
   * import { isFinalizedGrantWithAccessToken, type AuthenticatedClient } from "open-payments-wasm";
   *
   * async function finish(client: AuthenticatedClient, callbackUrl: string) {
   *   const grant = await client.grant.finish(callbackUrl);
   *   if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("Not approved");
   *   return client.withGrant(grant, { name: "tips" });
   * }
   * ```
   */
  withGrant(grant: GrantWithAccessToken, options?: KeepGrantOptions): Promise<KeptGrant>;
  /**
   * Opens a grant that was kept on an earlier visit, or by another tab. Resolves with `undefined` where there is none under this
   * name, or it was revoked.
   *
   * @example
   * ```ts
   * import type { AuthenticatedClient } from "open-payments-wasm";
   *
   * async function tip(client: AuthenticatedClient, url: string, walletAddress: string, quoteId: string) {
   *   const kept = await client.withGrant({ name: "tips" });
   *   return kept?.outgoingPayment.create({ url }, { walletAddress, quoteId });
   * }
   * ```
   */
  withGrant(options: OpenGrantOptions): Promise<KeptGrant | undefined>;
  /**
   * A payment in two calls, with the person at the wallet and the page gone in between: each step is written into a store
   * before the next is taken, and whoever comes back goes on from there. It is paid once or not at all.
   */
  payment: {
    /**
     * Begins a payment: reads both wallet addresses, makes an incoming payment where `to` is a wallet address, and a quote, and
     * asks for a grant whose limits are that quote's. Show `quote`, and send the person to the wallet with `redirectToWallet`,
     * `openWalletPopup` or `openWalletTab`.
     *
     * With a `key` that is known, it resolves with the payment already begun under it: its quote and its way to the wallet, or its
     * `outgoingPayment`; and rejects with the error that ended it. After any other error call it again: it goes on from where it was.
     *
     * Rejects with a `TypeError` for an argument, also for an amount that is of another asset than the wallet, with
     * `key_in_use` where the payment under this key is to another receiver or of another amount, with `invalid_receiver` for an
     * incoming payment that is paid, completed or expired, and with what servers and the store say.
     *
     * @example
     * ```ts
     * import { redirectToWallet, type AuthenticatedClient } from "open-payments-wasm";
     *
     * async function pay(client: AuthenticatedClient, walletAddress: string) {
     *   const payment = await client.payment.start({
     *     key: "order-4711",
     *     from: walletAddress,
     *     to: "https://shop.example/till",
     *     receiveAmount: { value: "1250", assetCode: "EUR", assetScale: 2 },
     *     finishUri: "https://shop.example/callback",
     *   });
     *   redirectToWallet(payment);
     * }
     * ```
     */
    start(order: PaymentOrder, options?: PaymentOptions): Promise<StartedPayment>;
    /**
     * Pays with a grant that `withGrant` keeps, without the person, and resolves with the outgoing payment: the wallet has accepted it,
     * and it has not yet arrived. One key is paid once with a grant, in all tabs and workers that share the store: who calls it again
     * with the same key and the same payment gets the same outgoing payment, for 400 days, and one that was interrupted goes on.
     *
     * The payment is kept in the store that keeps the grant: `watch`, `resume` and `forget` take that one too, where it is not the client's
     * own.
     *
     * Rejects with `interval_used_up` where the grant allows no more at this time: `details.opensAt` is when it does again, as an ISO
     * 8601 time, and missing where it never does, or where its interval has fractions, or weeks or days of years. Rejects with
     * `limit_exceeded` where the grant never allows so much, with `key_in_use` where another payment was made under the key, with
     * `grant_not_found` where the grant was revoked, and as `finish` does. After `interval_used_up`, `limit_exceeded` and other refusals
     * nothing was paid, and the key is free again.
     *
     * @example
     * ```ts
     * import type { AuthenticatedClient } from "open-payments-wasm";
     *
     * async function payMonth(client: AuthenticatedClient, month: string) {
     *   const grant = await client.withGrant({ name: "subscription-7" });
     *   if (!grant) throw new Error("There is no subscription: ask for one with payment.start");
     *   const amount = { value: "500", assetCode: "USD", assetScale: 2 };
     *   return client.payment.again({ grant, to: "https://shop.example/till", amount, key: month }); // "2026-12"
     * }
     * ```
     */
    again(another: AnotherPayment, options?: PaymentOptions): Promise<OutgoingPayment>;
    /**
     * Goes on with the payment that a callback is for: checks the interaction hash, continues the grant, and creates the outgoing
     * payment, which the wallet has then accepted; it has not yet arrived. The same callback resolves with the same outgoing payment
     * again, for a day.
     *
     * Once a request to pay may have been sent, nothing is created before a look at the wallet's list has succeeded. A quote that
     * has expired is replaced by one that costs no more and delivers no less, or else the call rejects with `quote_changed`.
     *
     * Rejects with `interaction_rejected` and `interaction_failed` as `grant.finish` does, with `hash_mismatch` or
     * `no_pending_payment` where no payment waits for this callback, with the server's code where the grant is over, with
     * `already_paid`, `payment_failed`, and `outcome_unknown` where it could not be found out what became of a request to pay: then,
     * and after errors that are `retryable`, call it again, or `resume`.
     */
    finish(callbackUrl: string | URL, options?: PaymentOptions): Promise<OutgoingPayment>;
    /**
     * Waits until the receiver has what the quote said, or its incoming payment is completed; what the wallet says that it has sent
     * proves nothing. Takes an outgoing payment or its id, or the id of a payment. Calls `onProgress` with what it sees first and
     * with each change.
     *
     * Rejects with `payment_failed` when the wallet gives up, whose `details` say what has arrived, and after `timeoutMs` (a minute)
     * without a change with `payment_pending`: it has not failed, and can be watched again. Rejects with `timeout` where the store, the
     * module or another tab let it wait for the client's `requestTimeoutMs` before it could look.
     */
    watch(payment: string | { id: string }, options?: WatchOptions): Promise<PaymentProgress>;
    /**
     * Lists the payments that have not been seen to arrive, those that were declined or failed included. What was accepted and handed
     * over leaves the list after a day.
     */
    pending(options?: PaymentOptions): Promise<PendingPayment[]>;
    /**
     * Goes on with a payment that was interrupted, by the id that `start` and `pending` give, and resolves with what `finish` does. Where
     * the person has not approved it, it rejects with `interaction_required`, and the error's `payment` is the way to the wallet.
     */
    resume(id: string, options?: PaymentOptions): Promise<OutgoingPayment>;
    /**
     * Forgets a payment and gives back what was granted for it; an incoming payment that was made for it is completed. Nobody waits
     * for that. Where a request to pay may have been sent, it looks first, and resolves with the outgoing payment that there
     * is. Rejects with `outcome_unknown` where the look fails: then the payment is kept; and where what the store has of it is
     * damaged, so that nobody can look: then it is forgotten. A payment that another key began is forgotten too, and not given back,
     * unless there is a look to take.
     */
    forget(id: string, options?: PaymentOptions): Promise<OutgoingPayment | undefined>;
  };
  /**
   * The web's own `fetch`, signed: for servers and paths that this package does not know. It takes what `fetch` takes, and
   * resolves with its `Response` when the headers are there, whatever the status: the body is neither bounded nor read.
   *
   * The signature covers method, URL, the token where `accessToken` gives one, and a body by its digest, length and type.
   * A body may be text, bytes, a `Blob`, `URLSearchParams`, `FormData`, or that of a `Request`; it is read to its end, and what
   * was signed is sent, the boundary of a form included. A body without a type is sent as `application/octet-stream`.
   *
   * `signal` ends the call, and the body after it. The client's `requestTimeoutMs` counts until the headers are there:
   * reading the body, loading the module and signing included. Equal calls do not share a request.
   *
   * Rejects with a `TypeError` that names what cannot be sent: a stream as a body, `credentials`, `redirect` or `mode`, which are fixed,
   * a header that the signature makes, an `authorization` header. Rejects with the reason of `signal`, or with an
   * `OpenPaymentsClientError`: `redirected` where the server redirects, `network_error`, `timeout`, `invalid_key`, … It is `retryable`
   * where the method is idempotent, or nothing was sent.
   *
   * @example
   * ```ts
   * import type { AuthenticatedClient } from "open-payments-wasm";
   *
   * async function sendNote(client: AuthenticatedClient, accessToken: string, note: string) {
   *   const response = await client.fetch("https://wallet.example/notes", {
   *     method: "POST",
   *     headers: { "content-type": "application/json" },
   *     body: JSON.stringify({ note }),
   *     accessToken,
   *   });
   *   if (!response.ok) throw new Error(`The wallet answered ${response.status}`);
   *   return response;
   * }
   * ```
   */
  fetch(input: FetchInput, init?: SignedFetchInit): Promise<Response>;
}

/** What is to be paid. Of `debitAmount` and `receiveAmount` one at most is given; a wallet address needs one. */
export interface PaymentOrder {
  /** Names the payment: of one key there is one payment, in all tabs that share the store. */
  key: string;
  /** Whose money it is: a wallet address, or a payment pointer. */
  from: string | URL;
  /** Who gets it: a wallet address, a payment pointer, or the URL of an incoming payment. */
  to: string | URL;
  /** What leaves the wallet, fees included. */
  debitAmount?: Amount | undefined;
  /** What arrives. */
  receiveAmount?: Amount | undefined;
  /** Goes to the outgoing payment, and to the incoming one that is made for it: both sides can read it. */
  metadata?: { [key: string]: unknown } | undefined;
  /**
   * A repeating interval of ISO 8601: `R11/2026-12-01T00:00:00Z/P1M` is a month twelve times, `R/2026-12-01T00:00:00Z/P1M` each month.
   * With it, `debitAmount` or `receiveAmount` is the limit of each interval, and the person approves more than this payment: a grant
   * that can pay anybody within that limit. `finish` makes the first payment, and keeps the grant for `payment.again`:
   * `withGrant({ name })` opens it, with the `key` of this order as its name. A grant that is kept under this name makes way, as with
   * `withGrant`.
   */
  interval?: string | undefined;
  /** Where the wallet sends the person back to: with `http:` on loopback only, or with `useHttp`, because the reference comes back with it. */
  finishUri: string | URL;
}

/** What a kept grant pays besides. */
export interface AnotherPayment {
  /** What `withGrant` resolved with. It must allow to create, read and list the outgoing payments of a wallet address. */
  grant: KeptGrant;
  /** Names the payment: with one grant, a key is paid once. A month makes a good key of what is paid monthly. */
  key: string;
  /** Who gets it: a wallet address, a payment pointer, or the URL of an incoming payment. */
  to: string | URL;
  /** What leaves the wallet, or what arrives where the grant limits that. Not needed where the incoming payment asks for an amount. */
  amount?: Amount | undefined;
  /** Goes to the outgoing payment, and to the incoming one that is made for it: both sides can read it. */
  metadata?: { [key: string]: unknown } | undefined;
}

export interface PaymentOptions {
  /** Ends the wait of this call. A request that has left goes on, and the next call finds what came of it. */
  signal?: AbortSignal | undefined;
  /** Where payments are kept. Default: the client's own store, else IndexedDB; of `again` the store that keeps the grant, and no other. */
  store?: Store | undefined;
}

export interface WatchOptions extends PaymentOptions {
  /** How long nothing may change, in milliseconds. Default: 60,000. */
  timeoutMs?: number | undefined;
  onProgress?: ((progress: PaymentProgress) => void) | undefined;
}

/** How far a payment has come. */
export interface PaymentProgress {
  /** As the wallet shows it. */
  outgoingPayment: OutgoingPayment;
  /** What the incoming payment has received in all, where its server says it. */
  receivedAmount?: Amount;
}

/**
 * How far a payment is: `preparing` what needs nobody; the person has to `interact`; the grant is `continuing`; it is `approved`, and no
 * request to pay was sent; `paying`, a request to pay may have been sent; `accepted` by the wallet; `arrived`; or `ended` without.
 */
export type PaymentStep = "preparing" | "interact" | "continuing" | "approved" | "paying" | "accepted" | "arrived" | "ended";

export interface StartedPayment extends PendingPayment {
  /** What it costs: show it. */
  quote: Quote;
}

export interface PendingPayment {
  /** What `resume` and `forget` take. */
  id: string;
  key: string;
  /** The name of the grant that pays, of `again`. */
  grant?: string;
  step: PaymentStep;
  to: string;
  finishUri: string;
  metadata?: { [key: string]: unknown };
  startedAt: Date;
  quote?: Quote;
  /** Where the person approves it, while that is to be done. */
  interact?: { redirect: string };
  /** Once the wallet has accepted it. */
  outgoingPayment?: OutgoingPayment;
}

/** What `fetch` takes as `init`, but for what a signed request fixes. */
export type SignedFetchInit = { [Name in Exclude<keyof FetchInit, "credentials" | "redirect" | "mode">]?: FetchInit[Name] | undefined } & {
  /** The access token, for the `authorization` header: `GNAP` and the token. */
  accessToken?: string | undefined;
};

export interface KeepGrantOptions {
  /** What the grant is opened by later. Default: the manage URL of the token that is passed. */
  name?: string | undefined;
  /** Where it is remembered. Default: the client's own store, else IndexedDB. Whoever uses the grant uses the same store. */
  store?: Store | undefined;
  signal?: AbortSignal | undefined;
}

export interface OpenGrantOptions extends KeepGrantOptions {
  name: string;
}

/**
 * A grant that stays usable: the resource calls of the client, without `accessToken` in their targets.
 *
 * The client's `requestTimeoutMs` and the target's `signal` cover the whole call, a rotation included. A rotation that has left
 * goes on when nobody waits for it, and its token is stored.
 *
 * Calls reject as those of the client do, and with `grant_expired` when the server does not rotate the token (`cause` is its
 * error), also because an earlier rotation was sent whose response was lost, as the description says then: ask for a new grant.
 * After `revoke`, in whichever tab, they reject with `grant_revoked`, and with `grant_not_found` when the store has lost the grant,
 * or forgotten it a month after it was revoked; nothing is sent then.
 */
export interface KeptGrant {
  readonly name: string;
  walletAddress: WalletAddressRoutes;
  incomingPayment: WithoutToken<IncomingPaymentRoutes>;
  quote: WithoutToken<QuoteRoutes>;
  outgoingPayment: WithoutToken<OutgoingPaymentRoutes>;
  /** Reads the grant with its newest token from the store. Nothing is sent. */
  grant(options?: { signal?: AbortSignal | undefined }): Promise<GrantWithAccessToken>;
  /** Ends the token at its manage URL (RFC 9635 §6.2), for all tabs. Of a grant that was revoked it resolves, and sends nothing. */
  revoke(options?: { signal?: AbortSignal | undefined }): Promise<void>;
}

/** Routes whose targets need no access token. */
export type WithoutToken<Routes> = {
  [Name in keyof Routes]: Routes[Name] extends (target: infer Target, ...rest: infer Rest) => infer Result
    ? (target: Omit<Target, "accessToken">, ...rest: Rest) => Result
    : never;
};

/** A grant request whose nonce may be left out. */
export type StartRequest = Sendable<Omit<GrantRequest, "client" | "interact">> & {
  interact: {
    start: "redirect"[];
    finish: { method: "redirect"; uri: string | URL; nonce?: string | undefined; hash_method?: "sha-256" | "sha-512" | undefined };
  };
};

/** T as an argument, where a member that may be missing may be undefined as well: JSON has neither. */
export type Sendable<T> = T extends readonly (infer Item)[]
  ? Sendable<Item>[]
  : T extends object
    ? { [Key in keyof T]: Sendable<T[Key]> | (object extends Pick<T, Key> ? undefined : never) }
    : T;

export interface FinishOptions {
  /** Where the grant was remembered. Default: the client's own store. */
  store?: Store | undefined;
  signal?: AbortSignal | undefined;
  /** What an error of `start` carries as `pending`: the record that could not be stored. */
  pending?: PendingRecord | undefined;
}

/** All that is needed to finish a grant, together with the key. For `finish` to read. */
export interface PendingRecord {
  readonly id: string;
}

/** A grant that was started and not finished. */
export interface StartedGrant {
  id: string;
  /** The grant endpoint. */
  url: string;
  keyId: string;
  finishUri: string;
  startedAt: Date;
}

/**
 * Where pending and kept grants are remembered: values are plain data. Every method may return a promise. What
 * lies in it can be used only together with the key.
 */
export interface Store {
  get(key: string): unknown;
  set(key: string, value: unknown): unknown;
  delete(key: string): unknown;
  /** Lists the keys. Without it an entry of its own is the list. */
  keys?: (() => Iterable<string> | Promise<Iterable<string>>) | undefined;
  /**
   * Writes a value where there is none, in one step for all who share the store, and returns whether it
   * did. A store without it has its claims in IndexedDB.
   */
  add?: ((key: string, value: unknown) => boolean | Promise<boolean>) | undefined;
}

/**
 * A store over `sessionStorage` or `localStorage`.
 *
 * @example
 * ```ts
 * import { createAuthenticatedClient, webStorage, type KeyHandle } from "open-payments-wasm";
 *
 * const walletAddressUrl = "https://wallet.example/shop";
 * const connect = (key: KeyHandle) => createAuthenticatedClient({ walletAddressUrl, key, store: webStorage(localStorage) });
 * ```
 */
export function webStorage(storage: {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
  key?: ((index: number) => string | null) | undefined;
  readonly length?: number | undefined;
}): Store;
/**
 * A store over an area of `chrome.storage` or `browser.storage`, such as `chrome.storage.session`.
 *
 * @example
 * ```ts
 * import { extensionStorage } from "open-payments-wasm";
 *
 * declare const chrome: { storage: { session: Parameters<typeof extensionStorage>[0] } }; // or @types/chrome
 * const store = extensionStorage(chrome.storage.session);
 * ```
 */
export function extensionStorage(area: {
  get(key: string): Promise<{ [key: string]: unknown }>;
  set(items: { [key: string]: unknown }): Promise<void>;
  remove(key: string): Promise<void>;
  getKeys?: (() => Promise<string[]>) | undefined;
}): Store;
/**
 * A store that lives as long as the page.
 *
 * @example
 * ```ts
 * import { memoryStorage, type AuthenticatedClient, type StartRequest } from "open-payments-wasm";
 *
 * const store = memoryStorage();
 * const start = (client: AuthenticatedClient, request: StartRequest) =>
 *   client.grant.start({ url: "https://auth.wallet.example/" }, request, { store });
 * ```
 */
export function memoryStorage(): Store;

/**
 * Returns an address without `hash`, `interact_ref` and `result` (and its `message`): put it into the history after `grant.finish`.
 *
 * @example
 * ```ts
 * import { cleanCallbackUrl } from "open-payments-wasm";
 *
 * history.replaceState(null, "", cleanCallbackUrl(location.href));
 * ```
 */
export function cleanCallbackUrl(url: string | URL): string;

/**
 * Goes to the wallet. The page at the finish URI calls `grant.finish(location.href)`. Throws with
 * code `no_window` where there is none, as in a worker or on a server.
 *
 * @example
 * ```ts
 * import { isPendingGrant, redirectToWallet, type Grant, type PendingGrant } from "open-payments-wasm";
 *
 * function approve(grant: PendingGrant | Grant) {
 *   if (isPendingGrant(grant)) redirectToWallet(grant);
 * }
 * ```
 */
export function redirectToWallet(grant: WithRedirect): void;
/**
 * Opens the wallet in a popup and resolves with the callback's address, for `grant.finish`. The
 * page at the finish URI, on this origin, calls `returnToOpener()`. Rejects with `popup_blocked`,
 * with `window_closed` when the person closes the popup, or with `no_window`.
 *
 * @example
 * ```ts
 * import { openWalletPopup, type AuthenticatedClient, type PendingGrant } from "open-payments-wasm";
 *
 * async function approve(client: AuthenticatedClient, grant: PendingGrant) {
 *   return client.grant.finish(await openWalletPopup(grant));
 * }
 * ```
 */
export function openWalletPopup(
  grant: WithRedirect,
  options?: { signal?: AbortSignal | undefined; features?: string | undefined },
): Promise<string>;
/**
 * On the page at the finish URI: hands its address to the page that opened the popup. Returns whether
 * there is one. Throws with code `no_window` outside a page.
 *
 * @example
 * ```ts
 * import { returnToOpener } from "open-payments-wasm";
 *
 * if (!returnToOpener()) console.log("You can close this window.");
 * ```
 */
export function returnToOpener(): boolean;
/**
 * In an extension: opens the wallet in a tab, and resolves with the callback's address when the tab
 * arrives at the finish URI. Rejects with `window_closed` when the person closes the tab.
 * For pages that stay open: a service worker is stopped before most people answer.
 *
 * @example
 * ```ts
 * import { openWalletTab, type AuthenticatedClient, type ExtensionTabs, type PendingGrant } from "open-payments-wasm";
 *
 * declare const chrome: { tabs: ExtensionTabs }; // or @types/chrome
 * async function approve(client: AuthenticatedClient, grant: PendingGrant, finishUri: string) {
 *   return client.grant.finish(await openWalletTab(grant, { tabs: chrome.tabs, finishUri }));
 * }
 * ```
 */
export function openWalletTab(
  grant: WithRedirect,
  options: { tabs: ExtensionTabs; finishUri: string | URL; signal?: AbortSignal | undefined },
): Promise<string>;

/** What leads to a wallet: a pending grant, or a payment that was started. */
export type WithRedirect = { interact?: { redirect: string } | undefined };
/** What `openWalletTab` needs of `chrome.tabs` or `browser.tabs`. */
export interface ExtensionTabs {
  create(properties: { url: string }): Promise<{ id?: number | undefined }>;
  remove(id: number): Promise<void>;
  onUpdated: ExtensionEvent<(id: number, change: { url?: string | undefined }) => void>;
  onRemoved: ExtensionEvent<(id: number) => void>;
}

export interface ExtensionEvent<Listener> {
  addListener(listener: Listener): void;
  removeListener(listener: Listener): void;
}

/**
 * Makes a client. Rejects with a `TypeError` that names the option that is missing or wrong.
 *
 * @example
 * ```ts
 * import { createAuthenticatedClient, isFinalizedGrantWithAccessToken } from "open-payments-wasm";
 *
 * async function continueWith(privateKey: string, keyId: string, interactRef: string) {
 *   const client = await createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/shop", privateKey, keyId });
 *   const grant = await client.grant.continue(
 *     { url: "https://auth.wallet.example/continue/4CF492MLVMSW9MKM", accessToken: "80UPRY5NM33OMUKMKSKU" },
 *     { interact_ref: interactRef },
 *   );
 *   if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("Expected finalized grant. Received non-finalized grant.");
 *   return grant.access_token.value;
 * }
 * ```
 */
export function createAuthenticatedClient(options: ClientOptions): Promise<AuthenticatedClient>;

export interface CreateUnauthenticatedClientArgs {
  /** Milliseconds until a call rejects with code `timeout`. Default 30 000. */
  requestTimeoutMs?: number | undefined;
  /** `false` takes any JSON for a success. Default `true`: what the Open Payments documents require must be there. */
  validateResponses?: boolean | undefined;
  /** Sends to `http:` where a URL says `https:`, and allows `http:` to any host. For development only. */
  useHttp?: boolean | undefined;
  fetch?: Fetch | undefined;
}

/**
 * Makes a client that reads what needs no key: wallet addresses, and the public side of incoming payments.
 *
 * @example
 * ```ts
 * import { createUnauthenticatedClient } from "open-payments-wasm";
 *
 * const client = await createUnauthenticatedClient();
 * const { assetCode, assetScale } = await client.walletAddress.get({ url: "$wallet.example/alice" });
 * console.log(`alice has ${assetCode}, with ${assetScale} decimal places`);
 * ```
 */
export function createUnauthenticatedClient(options?: CreateUnauthenticatedClientArgs): Promise<UnauthenticatedClient>;

/**
 * Makes the `value` of an amount of decimal text: `toAmountValue("12.50", 2)` is `"1250"`. Throws a `TypeError` for text that is no
 * decimal number, has more decimal places than the scale (nothing is rounded), is negative, or is 2^64 or more.
 *
 * @example
 * ```ts
 * import { toAmountValue } from "open-payments-wasm";
 *
 * const debitAmount = { value: toAmountValue("12.50", 2), assetCode: "EUR", assetScale: 2 };
 * ```
 */
export function toAmountValue(decimal: string, assetScale: number): string;
/**
 * Writes the `value` of an amount as decimal text, with as many decimal places as its scale: `"1250"` with scale 2 is `"12.50"`. Throws a
 * `TypeError` for what is no amount.
 *
 * @example
 * ```ts
 * import { toDecimal, type Quote } from "open-payments-wasm";
 *
 * const describe = ({ debitAmount }: Quote) => `${toDecimal(debitAmount)} ${debitAmount.assetCode}`;
 * ```
 */
export function toDecimal(amount: { readonly value: string; readonly assetScale: number }): string;

export interface InitOptions {
  /**
   * Where the module is, or the module itself: an address, a path or file URL in Node, Deno and Bun, a response,
   * bytes, or what WebAssembly.compile made. Default: `open-payments.wasm` beside this file.
   */
  wasm?: string | URL | Response | BufferSource | WebAssemblyModule | undefined;
  /**
   * Where the deferred module is, or the module itself: what the text of a crash, and a key inside Go where the
   * browser has no Ed25519, need. It is loaded when one does, not by `init`, and what comes from an address is checked against
   * `buildInfo.deferred`. Whoever moves `wasm` moves this too. Default: `open-payments.deferred.wasm` beside this file.
   * Where nothing may be compiled, as in Cloudflare's workers, both are given as a `WebAssembly.Module`.
   */
  deferred?: string | URL | Response | BufferSource | WebAssemblyModule | undefined;
}

/**
 * Loads the module before it is needed: while the person reads, or is at the wallet. Optional.
 *
 * Rejects with code `module_unavailable`, and with the directive that is missing where a
 * Content-Security-Policy is the cause.
 *
 * @example
 * ```ts
 * import { init } from "open-payments-wasm";
 *
 * await init({ wasm: "/assets/open-payments.wasm", deferred: "/assets/open-payments.deferred.wasm" });
 * ```
 */
export function init(options?: InitOptions): Promise<void>;

/**
 * What this package was built from. Reading it loads nothing.
 *
 * @example
 * ```ts
 * import { buildInfo, init } from "open-payments-wasm";
 *
 * console.log(`open-payments-wasm ${buildInfo.version}, ${buildInfo.go}`);
 * // From another origin: take the module only if it is the one that this package was built with.
 * await init({
 *   wasm: await fetch("https://cdn.example/open-payments.wasm", { integrity: buildInfo.wasm.integrity }),
 *   deferred: "https://cdn.example/open-payments.deferred.wasm",
 * });
 * ```
 */
export const buildInfo: {
  /** The version of this package. */
  readonly version: string;
  /** The version of Go that compiled the module. */
  readonly go: string;
  /** The Go modules that are linked into it, with their versions. */
  readonly modules: { readonly [path: string]: string };
  /** What the two modules and this script have in common, and no other build has. */
  readonly tag: string;
  /** `open-payments.wasm` itself. */
  readonly wasm: FileInfo;
  /** `open-payments.deferred.wasm` itself. */
  readonly deferred: FileInfo;
};

export interface FileInfo {
  readonly bytes: number;
  /** In hex. */
  readonly sha256: string;
  /** The same for the `integrity` option of `fetch`. */
  readonly integrity: string;
}

export interface Continue {
  access_token: { value: string };
  uri: string;
  /** Seconds to wait before the next continuation. */
  wait?: number;
}

export interface PendingGrant {
  interact: {
    /** Where to send the person. */
    redirect: string;
    /** The server's nonce for the interaction hash. */
    finish: string;
  };
  continue: Continue;
}

export interface GrantContinuation {
  continue: Continue;
}

export interface Grant {
  access_token?: AccessToken["access_token"];
  continue: Continue;
  subject?: Subject;
}

export type GrantWithAccessToken = Grant & { access_token: NonNullable<Grant["access_token"]> };
export type GrantWithSubject = Grant & { subject: NonNullable<Grant["subject"]> };

export interface AccessToken {
  access_token: {
    value: string;
    /** Where to rotate and revoke the token. */
    manage: string;
    /** Seconds. */
    expires_in?: number;
    access: AccessItem[];
  };
}

export interface Subject {
  sub_ids: { id: string; format: "uri" }[];
}

/** Who asks for a grant: a wallet address, or a key that no wallet address publishes. */
export type Client = string | { walletAddress: string; jwk?: never } | { jwk: JWK; walletAddress?: never };

export type GrantRequest = {
  client: Client;
  interact?:
    | {
        start: "redirect"[];
        finish?: { method: "redirect"; uri: string; nonce: string };
      }
    | undefined;
} & ({ access_token: { access: AccessItem[] }; subject?: Subject } | { access_token?: { access: AccessItem[] }; subject: Subject });

/** The body of a continuation; a poll has none. */
export type GrantContinuationRequest = { interact_ref: string } | undefined;

export type AccessItem = AccessIncoming | AccessOutgoing | AccessQuote;

/**
 * What a grant can be for.
 *
 * @example
 * ```ts
 * import { AccessAction, AccessType, type AccessItem } from "open-payments-wasm";
 *
 * const access: AccessItem[] = [{ type: AccessType.Quote, actions: [AccessAction.Create, AccessAction.Read] }];
 * ```
 */
export const AccessType: {
  readonly IncomingPayment: "incoming-payment";
  readonly OutgoingPayment: "outgoing-payment";
  readonly Quote: "quote";
};
export type AccessType = AccessItem["type"];

/**
 * What a grant can allow.
 *
 * @example
 * ```ts
 * import { AccessAction, AccessType, type AccessItem } from "open-payments-wasm";
 *
 * const access: AccessItem = { type: AccessType.IncomingPayment, actions: [AccessAction.Create, AccessAction.ReadAll] };
 * ```
 */
export const AccessAction: {
  readonly Create: "create";
  readonly Read: "read";
  readonly ReadAll: "read-all";
  readonly Complete: "complete";
  readonly List: "list";
  readonly ListAll: "list-all";
};
export type AccessAction = AccessItem["actions"][number];

export interface AccessIncoming {
  type: "incoming-payment";
  actions: ("create" | "complete" | "read" | "read-all" | "list" | "list-all")[];
  identifier?: string;
}

export interface AccessQuote {
  type: "quote";
  actions: ("create" | "read" | "read-all")[];
}

export interface AccessOutgoing {
  type: "outgoing-payment";
  actions: ("create" | "read" | "read-all" | "list" | "list-all")[];
  identifier: string;
  limits?: AccessOutgoingLimits;
}

/** At most one of the two amounts. */
export type AccessOutgoingLimits = { receiver?: string; interval?: string } & (
  | { debitAmount?: never; receiveAmount?: never }
  | { debitAmount: Amount; receiveAmount?: never }
  | { debitAmount?: never; receiveAmount: Amount }
);

export interface Amount {
  /** An unsigned 64-bit integer as text, in units of 10^-assetScale: "1250" is 12.50 with scale 2. See `toAmountValue`, `toDecimal`. */
  value: string;
  /** Such as "EUR". */
  assetCode: string;
  /** How many decimal places the asset has, 0 to 255. */
  assetScale: number;
}

/** The document of a wallet address. */
export type WalletAddress = {
  /** The wallet address, spelled as servers compare it. */
  readonly id: string;
  readonly publicName?: string;
  assetCode: string;
  assetScale: number;
  /** The grant endpoint, for `grant.request` and `grant.start`. */
  readonly authServer: string;
  /** The `url` of collections: `create`, `list`, `all`, `getGrantSpentAmounts`. */
  readonly resourceServer: string;
} & { [key: string]: unknown };

export type DIDDocument = { [key: string]: unknown };

export interface IncomingPayment {
  readonly id: string;
  readonly walletAddress: string;
  completed: boolean;
  incomingAmount?: Amount;
  receivedAmount: Amount;
  expiresAt?: string;
  metadata?: { [key: string]: unknown };
  createdAt: string;
}

/** How to pay it: empty when it is completed or expired. */
export type IncomingPaymentWithPaymentMethods = IncomingPayment & { methods: IlpPaymentMethod[] };

export interface IlpPaymentMethod {
  type: "ilp";
  ilpAddress: string;
  sharedSecret: string;
}

export interface PublicIncomingPayment {
  receivedAmount?: Amount;
  authServer: string;
}

export interface CreateIncomingPaymentArgs {
  walletAddress: string;
  incomingAmount?: Amount;
  /** ISO 8601. */
  expiresAt?: string;
  metadata?: { [key: string]: unknown };
}

export interface Quote {
  readonly id: string;
  readonly walletAddress: string;
  receiver: string;
  receiveAmount: Amount;
  /** What is taken from the payer, fees included. */
  debitAmount: Amount;
  method: "ilp";
  readonly expiresAt?: string;
  createdAt: string;
}

/** At most one of the two amounts; none where the incoming payment has one. */
export type CreateQuoteArgs = { walletAddress: string; receiver: string; method: "ilp" } & (
  { debitAmount?: Amount; receiveAmount?: never } | { debitAmount?: never; receiveAmount?: Amount }
);

export interface OutgoingPayment {
  readonly id: string;
  readonly walletAddress: string;
  readonly quoteId?: string;
  failed: boolean;
  receiver: string;
  receiveAmount: Amount;
  debitAmount: Amount;
  /** What has been sent so far, without the fee. */
  sentAmount: Amount;
  metadata?: { [key: string]: unknown };
  createdAt: string;
}

/** With what the grant had spent before this payment. */
export type OutgoingPaymentWithSpentAmounts = OutgoingPayment & { grantSpentDebitAmount?: Amount; grantSpentReceiveAmount?: Amount };

export type CreateOutgoingPaymentArgs = { walletAddress: string; metadata?: { [key: string]: unknown } } & (
  { quoteId: string } | { incomingPayment: string; debitAmount: Amount }
);

export interface OutgoingPaymentGrantSpentAmounts {
  spentDebitAmount: Amount | null;
  spentReceiveAmount: Amount | null;
}

/** Where a page of a list is in the whole. */
export interface PageInfo {
  startCursor?: string;
  endCursor?: string;
  hasNextPage: boolean;
  hasPreviousPage: boolean;
}

export interface IncomingPaymentPaginationResult {
  pagination: PageInfo;
  result: IncomingPayment[];
}

export interface OutgoingPaymentPaginationResult {
  pagination: PageInfo;
  result: OutgoingPayment[];
}

/**
 * Tells whether the person must approve the grant before there is a token.
 *
 * @example
 * ```ts
 * import { isPendingGrant, type Grant, type PendingGrant } from "open-payments-wasm";
 *
 * const next = (grant: PendingGrant | Grant) => (isPendingGrant(grant) ? grant.interact.redirect : grant.access_token);
 * ```
 */
export function isPendingGrant(grant: PendingGrant | Grant): grant is PendingGrant;
/**
 * Tells whether the grant has an access token, and not the type checker.
 *
 * @deprecated Use `isFinalizedGrantWithAccessToken` or `isFinalizedGrantWithSubject`.
 * @example
 * ```ts
 * import { isFinalizedGrant, type Grant, type GrantContinuation } from "open-payments-wasm";
 *
 * const token = (grant: Grant | GrantContinuation) => (isFinalizedGrant(grant) ? grant.access_token?.value : undefined);
 * ```
 */
export function isFinalizedGrant(grant: GrantContinuation | Grant): grant is Grant;
/**
 * Tells whether the grant has an access token, for the type checker too.
 *
 * @example
 * ```ts
 * import { isFinalizedGrantWithAccessToken, type Grant, type GrantContinuation } from "open-payments-wasm";
 *
 * function tokenOf(grant: Grant | GrantContinuation): string {
 *   if (!isFinalizedGrantWithAccessToken(grant)) throw new Error("No token yet");
 *   return grant.access_token.value;
 * }
 * ```
 */
export function isFinalizedGrantWithAccessToken(grant: GrantContinuation | Grant): grant is GrantWithAccessToken;
/**
 * Tells whether the grant says who the person is.
 *
 * @example
 * ```ts
 * import { isFinalizedGrantWithSubject, type Grant, type GrantContinuation } from "open-payments-wasm";
 *
 * function subjectOf(grant: Grant | GrantContinuation) {
 *   return isFinalizedGrantWithSubject(grant) ? grant.subject.sub_ids.map(({ id }) => id) : [];
 * }
 * ```
 */
export function isFinalizedGrantWithSubject(grant: GrantContinuation | Grant): grant is GrantWithSubject;

/**
 * What the server said of a failed call, or what kept the call from being made.
 *
 * @example
 * ```ts
 * import { continueGrant, OpenPaymentsClientError, type ContinueGrantOptions } from "open-payments-wasm";
 *
 * async function tryToContinue(options: ContinueGrantOptions) {
 *   try {
 *     return await continueGrant(options);
 *   } catch (error) {
 *     if (error instanceof OpenPaymentsClientError && error.code === "user_denied") return undefined;
 *     throw error;
 *   }
 * }
 * ```
 */
export class OpenPaymentsClientError extends Error {
  constructor(message: string, fields?: ErrorFields);
  readonly name: "OpenPaymentsClientError";
  /** What happened, in words: the server's where it sent some. */
  readonly description: string;
  /** The HTTP status, where there was a response. */
  readonly status?: number | undefined;
  /** The server's GNAP code (RFC 9635 §3.6), or one of this package: see the table in the README. */
  readonly code?: ErrorCode | undefined;
  readonly details?: { [key: string]: unknown } | undefined;
  /** For `invalid_response`: each member of the response that is missing or wrong. */
  readonly validationErrors?: string[] | undefined;
  /** Whether the same call may succeed when it is made again. */
  readonly retryable: boolean;
  /** What was thrown underneath: by `fetch`, by WebCrypto, by your own `sign`. */
  readonly cause?: unknown;
  /** After a failure of `start` to remember a grant: what `finish` takes as `pending`. Not enumerable. */
  readonly pending?: PendingRecord | undefined;
  /** Of `interaction_required`: the payment that waits, for `redirectToWallet`. Not enumerable. */
  readonly payment?: PendingPayment | undefined;
  /** The response as it came. It may hold secrets, so it is not enumerable: loggers do not show it. */
  readonly responseText?: string | undefined;
}

/** What an `OpenPaymentsClientError` is made of; its `description` is the message unless there is another. */
export type ErrorFields = {
  [
    Name in
      "description" | "status" | "code" | "details" | "validationErrors" | "retryable" | "cause" | "pending" | "payment" | "responseText"
  ]?: OpenPaymentsClientError[Name] | undefined;
};

export type ErrorCode =
  | "network_error"
  | "response_unreadable"
  | "timeout"
  | "redirected"
  | "not_json"
  | "invalid_response"
  | "response_too_large"
  | "http_error"
  | "hash_mismatch"
  | "inactive_token"
  | "insufficient_grant"
  | "limit_exceeded"
  | "invalid_quote"
  | "invalid_receiver"
  | "invalid_amount"
  | "invalid_expires_at"
  | "wrong_state"
  | "not_found"
  | "invalid_key"
  | "storage_error"
  | "interaction_rejected"
  | "interaction_failed"
  | "finished_elsewhere"
  | "random_unavailable"
  | "no_pending_grant"
  | "grant_expired"
  | "grant_revoked"
  | "grant_not_found"
  | "key_in_use"
  | "no_pending_payment"
  | "interaction_required"
  | "quote_changed"
  | "already_paid"
  | "outcome_unknown"
  | "interval_used_up"
  | "payment_failed"
  | "payment_pending"
  | "no_window"
  | "popup_blocked"
  | "window_closed"
  | "key_set_unreachable"
  | "key_set_invalid"
  | "key_not_published"
  | "key_mismatch"
  | "key_exposed"
  | "module_unavailable"
  | "internal_error"
  | "invalid_request"
  | "invalid_client"
  | "invalid_interaction"
  | "invalid_flag"
  | "invalid_rotation"
  | "key_rotation_not_supported"
  | "invalid_continuation"
  | "user_denied"
  | "request_denied"
  | "unknown_user"
  | "unknown_interaction"
  | "too_fast"
  | "too_many_attempts"
  | (string & {});
