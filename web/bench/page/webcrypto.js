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

/** The headers of a signed request. `text` is its body, in ASCII; it may have none, and no access token. */
export async function signedHeaders({ method = "POST", url, accessToken, text, keyId, privateKey }) {
  const headers = { accept: "application/json" };
  const covered = { "@method": method, "@target-uri": url };
  if (accessToken) covered.authorization = headers.authorization = `GNAP ${accessToken}`;
  if (text !== undefined) {
    covered["content-digest"] = headers["content-digest"] = await contentDigest(text);
    covered["content-length"] = text.length; // the browser sends it
    covered["content-type"] = headers["content-type"] = "application/json";
  }
  const names = Object.keys(covered).map((name) => `"${name}"`);
  const parameters = `(${names.join(" ")});created=${Math.floor(Date.now() / 1000)};nonce="${nonce()}";tag="gnap";keyid="${keyId}"`;
  const lines = Object.entries(covered).map(([name, value]) => `"${name}": ${value}\n`);
  const base = encoder.encode(`${lines.join("")}"@signature-params": ${parameters}`);
  const signature = new Uint8Array(await crypto.subtle.sign("Ed25519", privateKey, base));
  return { ...headers, "signature-input": `sig1=${parameters}`, signature: `sig1=:${base64(signature)}:` };
}
