// The ways to break the walk on purpose, and what to do about every failure.

/** `code` is the error that a break ends in, `wallet` what to press at the wallet, `protects` why nothing was lost. */
export const breaks = {
  none: { label: "Nothing", hint: "The grant succeeds when you approve.", wallet: "approve or decline" },
  tamper: {
    code: "invalid_client",
    label: "Change the request on its way",
    hint: "After the page signed, 5.00 becomes 9.00 in the body.",
    protects:
      "The signature covers a digest of the body. The server found another body than the one that was signed, and nobody was asked for 9.00.",
  },
  key: {
    code: "invalid_client",
    label: "Continue with another key",
    hint: "A thief has the token and the reference, but not the key.",
    wallet: "approve",
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
    protects: "Without your approval there is no token. The page learns that you declined, and nothing else.",
  },
  fast: {
    code: "too_fast",
    label: "Continue too soon",
    hint: "The page does not wait as the server asked.",
    wallet: "approve",
    protects: "The server refused to be hurried and processed nothing. The grant is as it was: you can still go to the wallet.",
  },
  limit: {
    code: "limit_exceeded",
    label: "Pay more than you allowed",
    hint: "You approve 5.00, and the page tries to pay 7.50.",
    wallet: "approve",
    protects: "You approved a limit, and your wallet holds every payment against it. No money moved.",
  },
  twice: {
    code: "invalid_quote",
    label: "Pay twice",
    hint: "The page pays, and then pays the same quote again.",
    wallet: "approve",
    protects: "A quote can be paid once. The second payment was refused, and no more money moved.",
  },
};

/** Codes that have other causes too than what can be broken on purpose. */
const ambiguous = ["invalid_client", "invalid_quote"];

/** What protected the person: known for what was broken on purpose, and for what speaks for itself. */
export function protectionFrom(code, broken) {
  if (breaks[broken].code === code) return breaks[broken].protects;
  return Object.values(breaks).find((one) => one.code === code && !ambiguous.includes(code))?.protects;
}

/** Raises the amount in the body of a grant request. */
export function raiseAmount(body) {
  return body.replace(/("debitAmount":\{"value":")5/, "$19");
}

/** Changes the first character of the hash in a callback's address. */
export function changeHash(address) {
  const url = new URL(address);
  const hash = url.searchParams.get("hash") ?? "";
  url.searchParams.set("hash", (hash.startsWith("A") ? "B" : "A") + hash.slice(1));
  return url.href;
}

const reconnect = "Check the address and the network. The server may have processed the request.";
const startAgain = "Do not continue this grant. Start again.";
const publish = "Serve the key set that this page shows at {wallet address}/jwks.json, with CORS headers.";

const advice = {
  network_error: reconnect,
  timeout: reconnect,
  redirected: "Use the URL exactly as the server gave it.",
  not_json: "Check that the URL is that of an authorization server or a wallet.",
  invalid_response: "Report it to the server’s operator.",
  response_too_large: "Report it to the server’s operator.",
  response_unreadable: "Load the page again: the grant is kept, and is continued once more.",
  http_error: "Read the status and the description.",
  interaction_rejected: "Tell the person that nothing happened. Start again if they want to.",
  interaction_failed: "Go to the wallet once more: the grant can still be approved. Or start again.",
  hash_mismatch: startAgain,
  no_pending_grant: "Start again.",
  finished_elsewhere: "Go on in the tab that has the token, or start again.",
  invalid_key: "Use a browser with Ed25519 in WebCrypto: Chrome 137, Firefox 129, Safari 17.",
  key_not_published: publish,
  key_mismatch: publish,
  key_set_invalid: publish,
  key_set_unreachable: publish,
  key_exposed: "Take that key set down, and make a new key: everybody can read this one.",
  storage_error: "Allow this site to store data, and leave private windows.",
  module_unavailable: "Run make build, and reload the page.",
  internal_error: "Try again: the next call starts a new instance. Report it.",
  too_fast: "Wait as many seconds as the server asked, and try again.",
  invalid_client: "Sign with the key that is published and that asked for the grant, and let nothing change what was signed.",
  invalid_continuation: startAgain,
  request_denied: startAgain,
  inactive_token: "Start again: the token has expired, or was exchanged or revoked.",
  insufficient_grant: "Ask for a grant that allows this, for exactly this wallet address.",
  limit_exceeded: "Pay less, or ask for a grant with a higher limit.",
  invalid_quote: "Look for the payment first, since the quote was paid or has expired. Then ask for a new quote.",
  invalid_receiver: "Ask the receiver for a new incoming payment.",
  invalid_amount: "Pay in the receiver’s currency, and not more than it still expects.",
  wrong_state: "Ask the receiver for a new incoming payment: this one is completed or has expired.",
  not_found: "Check the address. What has expired unpaid is deleted.",
  user_denied: "Tell the person that nothing happened. Start again if they want to.",
};

export function adviceFor(code) {
  return advice[code] ?? "Read the description, and start again.";
}
