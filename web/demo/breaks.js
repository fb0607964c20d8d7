// The ways to break the walk on purpose.

/**
 * `code` is the error that a break ends in, where it does not end well; `wallet` what to press at the wallet; `protects` why
 * nothing was lost; `send` and `receive` what somebody on the way makes of a request or a response, by the name of its step;
 * `says` what such a step says then.
 *
 * @typedef {{
 *   label: string, hint: string, code?: string, wallet?: string, protects?: string, says?: Record<string, string>,
 *   send?: Record<string, (body: string) => string>, receive?: Record<string, (text: string) => string>,
 * }} Break
 */

/** @type {Record<string, Break>} */
export const breaks = {
  none: { label: "Nothing", hint: "The payment arrives when you approve." },
  lost: {
    label: "Lose the response to the payment",
    hint: "Your wallet pays, and the page does not hear of it.",
    wallet: "approve",
    receive: { pay: lose },
    says: { pay: "Your wallet has paid, and its response is lost on the way. The page cannot know whether it was paid." },
    protects: "After a request to pay whose outcome is unknown, the page looks before anything else. It found the payment, and paid once.",
  },
  closed: {
    label: "Close the page while it pays",
    hint: "It goes away after the request to pay has left, and is opened again.",
    wallet: "approve",
    says: { pay: "The request has left, and the page is closed before it hears of it." },
    protects: "Each step is written down before the next is taken. The page that came back saw that it may have paid, and looked first.",
  },
  twice: {
    label: "Press pay twice",
    hint: "Everything is called twice at once: to start, and to finish.",
    wallet: "approve",
    protects: "One key, one payment: equal calls share it, in all tabs. Your wallet was asked once.",
  },
  expired: {
    label: "Let the quote expire",
    hint: "When you are back, what it costs is out of date.",
    wallet: "approve",
    receive: { quote: expire },
    says: { quote: "Somebody on the way lets it expire at once, as if you had thought for long." },
    protects: "Nothing was sent with the old quote. A new one may take its place only if it costs no more and delivers no less.",
  },
  limit: {
    code: "limit_exceeded",
    label: "Hide what it costs",
    hint: "On the way to the page, 5.10 becomes 1.10 in the quote.",
    wallet: "approve",
    receive: { quote: hideCost },
    says: { quote: "It says 5.10, and somebody on the way makes 1.10 of it. So the page asks you for 1.10." },
    protects: "You approved 1.10, and your wallet holds every payment against what you approved. No money moved.",
  },
  tamper: {
    code: "invalid_client",
    label: "Change the request on its way",
    hint: "After the page signed, 5.10 becomes 9.10 in the body.",
    send: { request: raiseAmount },
    says: { request: "It wants to send 5.10, and somebody on the way makes 9.10 of it." },
    protects:
      "The signature covers a digest of the body. The server found another body than the one that was signed, and nobody was asked for 9.10.",
  },
  key: {
    code: "invalid_client",
    label: "Continue with another key",
    hint: "A thief has the token and the reference, but not the key.",
    wallet: "approve",
    says: { continue: "It hands in the reference, but another key signs." },
    protects: "A grant is bound to the key that asked for it. Token and reference are worth nothing without it.",
  },
  hash: {
    code: "hash_mismatch",
    label: "Change the hash on the way back",
    hint: "As if somebody else had sent you back to this page.",
    wallet: "approve",
    protects: "The page checks the hash before it sends anything. Whoever lures you here with another grant’s reference gets nowhere.",
  },
  decline: {
    code: "interaction_rejected",
    label: "Decline",
    hint: "You press Decline at the wallet.",
    wallet: "press Decline",
    protects: "Without your approval there is no token to pay with. The page learns that you declined, and nothing else.",
  },
  fast: {
    code: "too_fast",
    label: "Continue too soon",
    hint: "The page does not wait as the server asked.",
    wallet: "approve",
    protects: "The server refused to be hurried and processed nothing. The grant is as it was: you can still go to the wallet.",
  },
};

/** What protected the person: known for what was broken on purpose, and for codes that have one cause. */
export function protectionFrom(code, broken) {
  if (code === undefined) return undefined;
  if (breaks[broken].code === code) return breaks[broken].protects;
  if (code === "invalid_client") return undefined;
  return Object.values(breaks).find((one) => one.code === code)?.protects;
}

/** @returns {string} */
function lose() {
  throw new TypeError("The response was lost on its way.");
}

/** Lets a quote expire at once. */
function expire(text) {
  return text.replace(/("expiresAt":")[^"]+/, `$1${new Date().toISOString()}`);
}

/** Makes a quote look cheaper than it is. */
function hideCost(text) {
  return text.replace(/("debitAmount":\{[^}]*"value":")5/, "$11");
}

/** Raises the amount in the body of a grant request. */
function raiseAmount(body) {
  return body.replace(/("debitAmount":\{[^}]*"value":")5/, "$19");
}

/** Changes the first character of the hash in a callback's address. */
export function changeHash(address) {
  const url = new URL(address);
  const hash = url.searchParams.get("hash") ?? "";
  url.searchParams.set("hash", (hash.startsWith("A") ? "B" : "A") + hash.slice(1));
  return url.href;
}
