/**
 * The platform's types as far as this package names them: the real ones where "dom", "webworker"
 * or @types/node declare them, else the little that this package needs of them. So the package
 * type-checks with any `lib`.
 *
 * @module
 */

type Instance<Name extends string, Otherwise> = typeof globalThis extends { [name in Name]: { prototype: infer T } } ? T : Otherwise;

export type AbortSignal = Instance<"AbortSignal", { readonly aborted: boolean; readonly reason: unknown }>;
export type Response = Instance<"Response", { readonly ok: boolean; arrayBuffer(): Promise<ArrayBuffer> }>;
export type URL = Instance<"URL", { readonly href: string }>;

/** Not every @types/node has a global of that name: it is what `crypto.subtle.sign` takes. */
export type CryptoKey = typeof globalThis extends { crypto: { subtle: { sign(algorithm: never, key: infer T, data: never): unknown } } }
  ? T
  : { readonly type: string; readonly extractable: boolean; readonly algorithm: { readonly name: string } };

export type Fetch = typeof globalThis extends { fetch: infer T } ? T : (url: string, options?: object) => Promise<Response>;
export type FetchInput = Parameters<Fetch>[0];
export type FetchInit = NonNullable<Parameters<Fetch>[1]>;
export type WebAssemblyModule = object & (typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : unknown);

/** Bytes in any view, or none. */
export type BufferSource = ArrayBuffer | ArrayBufferView;

/** A Uint8Array that WebCrypto takes: since TypeScript 5.7 that is one over an ArrayBuffer, before they had no type parameter. */
export type Bytes = ReturnType<Uint8ArrayConstructor["of"]>;

export interface CryptoKeyPair {
  publicKey: CryptoKey;
  privateKey: CryptoKey;
}

export interface JsonWebKey {
  kty?: string | undefined;
  crv?: string | undefined;
  d?: string | undefined;
  x?: string | undefined;
  kid?: string | undefined;
  alg?: string | undefined;
  use?: string | undefined;
  key_ops?: string[] | undefined;
  ext?: boolean | undefined;
}
