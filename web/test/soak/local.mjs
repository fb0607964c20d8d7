// Calls that send nothing, with odd material. Each returns how to make the call, and what is right.

const oddTexts = [
  "é",
  "€",
  "😀",
  "\u0000",
  "\ufeff",
  "\u202e",
  "-----BEGIN PRIVATE KEY-----",
  "{",
  '"',
  "\\u00e9",
  "=",
  " ",
  "\r\n",
  "ß".repeat(50),
];
const base64url = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
const bytesOf = (random, length) => Uint8Array.from({ length }, () => random.int(0, 255));
const oddText = (random) => Array.from({ length: random.int(1, 6) }, () => random.pick(oddTexts) + random.text(random.int(0, 12))).join("");
const pkcs8 = (seed) => Uint8Array.from([...[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20], ...seed]);
const pemOf = (seed) => `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...pkcs8(seed)))}\n-----END PRIVATE KEY-----\n`;

async function generateKey(sdk, random) {
  const keyId = random.chance(0.5) ? random.text(8) : undefined;
  return {
    make: () => sdk.generateKey({ keyId }),
    isRight: (key) => (keyId === undefined || key.keyId === keyId) && key.publicKey.length === 32,
  };
}

/** Material that is good, and what it is as a key. */
const good = {
  pem: pemOf,
  crlf: (seed) => pemOf(seed).replaceAll("\n", "\r\n"),
  base64: (seed) => btoa(pemOf(seed)),
  der: pkcs8,
  seed: (seed) => seed,
  hex,
  jwk: (seed, kid) => ({ kty: "OKP", crv: "Ed25519", d: base64url(seed), kid }),
  jwkText: (seed, kid) => JSON.stringify({ kty: "OKP", crv: "Ed25519", d: base64url(seed), kid }),
};

/** Material that may be anything. */
const odd = {
  text: (random) => oddText(random),
  bytes: (random) => bytesOf(random, random.int(0, 120)),
  changed: (random, seed) => changed(random, pemOf(seed)),
  cut: (random, seed) => pemOf(seed).slice(0, random.int(0, 110)),
  jwkText: (random, seed) => changed(random, JSON.stringify({ kty: "OKP", crv: "Ed25519", d: base64url(seed), kid: oddText(random) })),
  jwk: (random, seed) => {
    const d = random.pick([base64url(seed), "é", 7, undefined]);
    return { kty: random.pick(["OKP", "é", 5, null]), crv: "Ed25519", d, kid: oddText(random) };
  },
  value: (random) => random.pick([null, undefined, 0, 5n, true, {}, [], () => {}, new Date(0)]),
};

function changed(random, text) {
  const at = random.int(0, text.length - 1);
  return text.slice(0, at) + random.pick(oddTexts) + text.slice(at + random.int(0, 3));
}

async function importKey(sdk, random) {
  const seed = bytesOf(random, 32);
  const keyId = random.text(8);
  if (random.chance(0.5)) {
    const material = good[random.pick(Object.keys(good))](seed, keyId);
    const secrets = [hex(seed), base64url(seed)];
    return {
      make: () => sdk.importKey(material, { keyId }),
      secrets,
      isRight: (key) => key.keyId === keyId && key.publicKey.length === 32,
    };
  }
  const material = odd[random.pick(Object.keys(odd))](random, seed);
  const secrets = [hex(seed), base64url(seed), ...(typeof material === "string" ? [material] : [])];
  return { make: () => sdk.importKey(material, { keyId }), secrets, mayRefuse: true, isRight: (key) => key.keyId === keyId };
}

async function verifyHash(sdk, random) {
  const word = () => (random.chance(0.3) ? oddText(random).replaceAll("\n", "") : random.text(20));
  const options = { clientNonce: word(), serverNonce: word(), interactRef: word(), grantEndpoint: "https://auth.example/é?a=b" };
  const { clientNonce, serverNonce, interactRef, grantEndpoint } = options;
  const text = [clientNonce, serverNonce, interactRef, grantEndpoint].join("\n");
  const hashMethod = random.pick(["sha-256", "sha-512"]);
  const digest = await crypto.subtle.digest(hashMethod.toUpperCase(), new TextEncoder().encode(text));
  const hash = base64url(new Uint8Array(digest));
  const isForged = random.chance(0.4);
  const given = isForged ? random.pick([oddText(random), hash.slice(1), hash.replace(/^./, (first) => (first === "A" ? "B" : "A"))]) : hash;
  return {
    make: () => sdk.verifyInteractionHash({ ...options, hashMethod, hash: given }),
    secrets: [clientNonce, serverNonce, interactRef],
    mayRefuse: true,
    codes: isForged ? ["hash_mismatch"] : [],
    isRight: (value) => value === undefined && !isForged,
  };
}

export const localCalls = { generateKey, importKey, verifyHash };
