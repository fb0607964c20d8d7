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
export type WebAssemblyModule = object & (typeof globalThis extends { WebAssembly: { Module: { prototype: infer T } } } ? T : unknown);

export type BufferSource = ArrayBuffer | ArrayBufferView;

export interface CryptoKeyPair {
  publicKey: CryptoKey;
  privateKey: CryptoKey;
}

export interface JsonWebKey {
  kty?: string;
  crv?: string;
  d?: string;
  x?: string;
  kid?: string;
  alg?: string;
  use?: string;
  key_ops?: string[];
  ext?: boolean;
}
