// The signature profile over WebCrypto, by hand: the fewest steps that give the right bytes.

export const components = ["@method", "@target-uri", "authorization", "content-digest", "content-length", "content-type"];

const encoder = new TextEncoder();
const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
export const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

export const importKey = (key) => crypto.subtle.importKey("pkcs8", fromBase64(key.pkcs8), "Ed25519", false, ["sign"]);

/** 128 random bits as base64url. */
export const nonce = () =>
  base64(crypto.getRandomValues(new Uint8Array(16)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .slice(0, 22);

export async function contentDigest(text) {
  return `sha-512=:${base64(new Uint8Array(await crypto.subtle.digest("SHA-512", encoder.encode(text))))}:`;
}

/** The headers of a signed POST whose body is ASCII text. */
export async function signedHeaders({ url, accessToken, text, keyId, privateKey }) {
  const digest = await contentDigest(text);
  const names = components.map((name) => `"${name}"`).join(" ");
  const parameters = `(${names});created=${Math.floor(Date.now() / 1000)};nonce="${nonce()}";tag="gnap";keyid="${keyId}"`;
  const base = [
    '"@method": POST',
    `"@target-uri": ${url}`,
    `"authorization": GNAP ${accessToken}`,
    `"content-digest": ${digest}`,
    `"content-length": ${text.length}`,
    '"content-type": application/json',
    `"@signature-params": ${parameters}`,
  ].join("\n");
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, encoder.encode(base)));
  return {
    accept: "application/json",
    authorization: `GNAP ${accessToken}`,
    "content-type": "application/json",
    "content-digest": digest,
    "signature-input": `sig1=${parameters}`,
    signature: `sig1=:${base64(signature)}:`,
  };
}
