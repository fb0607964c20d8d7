// What the bundled packages import of Node, as far as they use it in a browser.

import { sha512 } from "@noble/hashes/sha2.js";
import { Buffer } from "buffer";

/** Enough of crypto.createHash for httpbis-digest-headers. */
export function createHash(name) {
  if (name !== "sha512") throw new Error(`no hash ${name}`);
  const hash = sha512.create();
  return {
    update(text) {
      hash.update(new TextEncoder().encode(text));
      return this;
    },
    digest: (encoding) => Buffer.from(hash.digest()).toString(encoding),
  };
}

export class KeyObject {}
export default {};
