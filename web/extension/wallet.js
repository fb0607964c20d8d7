// Wallet addresses and amounts, as people write them.

const isLoopback = ({ hostname }) => hostname === "localhost" || hostname === "127.0.0.1";

/** Reads a wallet address: a URL, with or without https://, or a payment pointer such as $wallet.example/alice. */
export function toWalletUrl(text) {
  const spelled = text.trim();
  const url = URL.parse(/^https?:/i.test(spelled) ? spelled : `https://${spelled.replace(/^\$/, "")}`);
  const isUsable = url && /^[\w.-]+$/.test(url.hostname) && (url.protocol === "https:" || isLoopback(url));
  if (!isUsable) {
    throw new Error("That is not a wallet address. It looks like https://wallet.example/alice or $wallet.example/alice.");
  }
  if (spelled.startsWith("$") && url.pathname === "/") url.pathname = "/.well-known/pay";
  return url.href;
}

/** Fetches what a wallet address says of itself. */
export async function fetchWallet(url) {
  /** @type {RequestInit} */
  const options = { headers: { accept: "application/json" }, credentials: "omit", cache: "no-store", referrerPolicy: "no-referrer" };
  const response = await fetch(url, { ...options, signal: AbortSignal.timeout(15_000) }).catch((cause) => {
    throw unreachable(url, cause);
  });
  if (!response.ok) throw new Error(`There is no wallet at ${url}: the response was ${response.status}.`);
  const { id, authServer, assetCode, assetScale } = (await response.json().catch(() => undefined)) ?? {};
  const isWallet = URL.canParse(id) && URL.canParse(authServer) && typeof assetCode === "string" && Number.isInteger(assetScale);
  if (!isWallet) throw new Error(`${url} is not a wallet address.`);
  return { id, authServer, assetCode, assetScale };
}

function unreachable(url, cause) {
  const error = new Error(`${new URL(url).host} could not be reached, or does not let this extension read its response.`, { cause });
  return Object.assign(error, { code: "network_error", retryable: true });
}

/** "5" or "5.00" as units of the asset: "500" for a scale of 2. No floating point: this is money. */
export function toUnits(text, scale) {
  const [, whole, fraction = ""] = /^(\d{1,15})(?:[.,](\d*))?$/.exec(text.trim()) ?? [];
  if (whole === undefined || fraction.length > scale) {
    throw new Error(scale === 0 ? "The amount must be a whole number." : `The amount must be a number with at most ${scale} decimals.`);
  }
  const units = BigInt(whole + fraction.padEnd(scale, "0"));
  if (units === 0n) throw new Error("The amount must be more than nothing.");
  return String(units);
}

/** "500" and a scale of 2 as "5.00". */
export function fromUnits(units, scale) {
  const digits = units.padStart(scale + 1, "0");
  return scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
