// One test key in every form that people have in hand, made by Node's own crypto.

import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";

const der = (prefix, bytes) => Buffer.concat([Buffer.from(prefix, "hex"), bytes]);

export const seed = Buffer.from("an Ed25519 seed made for testing");
const key = createPrivateKey({ key: der("302e020100300506032b657004220420", seed), format: "der", type: "pkcs8" });
export const pkcs8 = key.export({ format: "der", type: "pkcs8" });
export const pem = key.export({ format: "pem", type: "pkcs8" });
export const jwk = key.export({ format: "jwk" });
export const publicBytes = Buffer.from(jwk.x, "base64url");
export const publicPem = createPublicKey(key).export({ format: "pem", type: "spki" });
/** RFC 7638, over the members in the order that it asks for. */
export const thumbprint = createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${jwk.x}"}`).digest("base64url");

/** What importKey must take, in a form that JSON can carry: text, bytes as an array, or an object. */
export const forms = {
  "PKCS#8 PEM": { text: pem },
  "PEM with CRLF": { text: pem.replaceAll("\n", "\r\n") },
  "base64 of PEM": { text: Buffer.from(pem).toString("base64") },
  "PKCS#8 DER": { bytes: [...pkcs8] },
  JWK: { object: { ...jwk, kid: "its own" } },
  "JWK as text": { text: JSON.stringify({ ...jwk, kid: "its own" }) },
  seed: { bytes: [...seed] },
  "seed and public key": { bytes: [...seed, ...publicBytes] },
  "hex of the seed": { text: seed.toString("hex") },
  "hex of PKCS#8": { text: pkcs8.toString("hex") },
  "hex of seed and public key": { text: Buffer.concat([seed, publicBytes]).toString("hex") },
};

const table = JSON.parse(readFileSync(new URL("../../../pkg/keys/testdata/packings.json", import.meta.url), "utf8"));

/** The same key in every packing that the Go tests know too: { text } or { bytes }, and the kid in it. */
export const packings = Object.fromEntries(
  Object.entries(table.packings).map(([name, { text, base64, kid }]) => [
    name,
    { ...(base64 === undefined ? { text } : { bytes: [...Buffer.from(base64, "base64")] }), kid },
  ]),
);

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const other = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });

/** What importKey must refuse, and what the error must say was found. */
export const garbage = {
  nothing: [{ text: "" }, "nothing"],
  "cut off PEM": [{ text: pem.slice(0, 60) }, "damaged or cut off"],
  "public PEM": [{ text: publicPem }, "a public key"],
  "public JWK": [{ object: { ...jwk, d: undefined } }, "a public key"],
  RSA: [{ text: rsa.export({ format: "pem", type: "pkcs8" }) }, "an RSA key"],
  "encrypted PEM": [{ text: key.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" }) }, "encrypted"],
  "two keys": [{ text: pem + pem }, "more than one"],
  "31 bytes": [{ bytes: [...seed.subarray(1)] }, "31 bytes"],
  "another curve": [{ object: { ...jwk, crv: "X25519" } }, "another kty or crv"],
  "halves of two keys, JWK": [{ object: { ...jwk, x: other.x } }, "not that of the private key"],
  "halves of two keys, bytes": [{ bytes: [...seed, ...Buffer.from(other.x, "base64url")] }, "not that of the private key"],
  prose: [{ text: "my private key" }, "none of them"],
  "a key set with two keys": [{ text: JSON.stringify({ keys: [jwk, jwk] }) }, "more than one"],
  "a key set without a private key": [{ object: { keys: [{ ...jwk, d: undefined }] } }, "none in it"],
  "an OpenSSH key": [
    { text: readFileSync(new URL("../../../pkg/keys/testdata/openssh.pem", import.meta.url), "utf8") },
    "load_ssh_private_key",
  ],
  "a kid that is a number": [{ object: { ...jwk, kid: 7 } }, "a kid that is not a string"],
  "a kid that is empty": [{ object: { ...jwk, kid: "" } }, "an empty kid"],
  "a kid that is not ASCII": [{ object: { ...jwk, kid: "schlüssel" } }, "a kid with other characters"],
  "a kid with a line break": [{ text: JSON.stringify({ ...jwk, kid: "a\nb" }) }, "a kid with other characters"],
};

/** How the seed may lie around in memory. */
export const traces = {
  raw: [...seed],
  hex: [...Buffer.from(seed.toString("hex"))],
  base64: [...Buffer.from(seed.toString("base64").slice(4, 40))],
  base64url: [...Buffer.from(seed.toString("base64url").slice(4, 40))],
  "base64 in PEM": [...Buffer.from(pkcs8.toString("base64").slice(24, 60))],
};
