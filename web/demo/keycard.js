// The key's card: what the key is, where it lives, and what happens when a script reaches for it.

import { jwks, publicJwk } from "/dist/index.js";
import { byId, copyButton, h } from "./dom.js";

export async function showKey(key, name) {
  const jwk = publicJwk(key);
  const [thumbprint, refusal] = await Promise.all([thumbprintOf(jwk), tryToTake(key)]);
  const row = (term, ...content) => [h("dt", {}, term), h("dd", {}, ...content)];
  byId("key-card").replaceChildren(
    h(
      "dl",
      { class: "facts" },
      row("Algorithm", "Ed25519, as EdDSA in JOSE"),
      row(
        "Held by",
        key.backing === "webcrypto"
          ? "the browser’s WebCrypto, non-extractable"
          : "the WebAssembly module: this browser’s WebCrypto has no Ed25519",
      ),
      row(
        "Lives in",
        "IndexedDB: database ",
        h("code", {}, "open-payments-wasm"),
        ", store ",
        h("code", {}, "keys"),
        ", name ",
        h("code", {}, name),
      ),
      row("Key id", h("code", {}, key.keyId)),
      row(
        "Thumbprint",
        h("code", { id: "thumbprint" }, thumbprint),
        " ",
        h("a", { href: "https://www.rfc-editor.org/rfc/rfc7638#section-3" }, "RFC 7638 §3"),
      ),
      row("This page just tried to read it", h("span", { id: "refusal" }, h("code", {}, 'exportKey("pkcs8")'), ` ${refusal}`)),
    ),
    h("h3", {}, "Its public half, as JWK"),
    h("div", { class: "wire", id: "jwk" }, h("span", { class: "block" }, JSON.stringify(jwk, null, 2))),
    h(
      "p",
      { class: "row" },
      copyButton("Copy the JWK", JSON.stringify(jwk, null, 2)),
      copyButton("Copy as key set", JSON.stringify(jwks(key), null, 2)),
    ),
  );
  byId("key").hidden = false;
}

/** Reaches for the private key as a malicious script would. */
async function tryToTake({ privateKey }) {
  try {
    await crypto.subtle.exportKey("pkcs8", privateKey);
    return "succeeded. This must not be.";
  } catch (error) {
    return `was refused: ${error.name}. ${error.message}`;
  }
}

/** RFC 7638 §3. */
async function thumbprintOf({ crv, kty, x }) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(JSON.stringify({ crv, kty, x })));
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
