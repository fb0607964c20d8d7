// What to do about every failure, by its code.

const reconnect = "Check the address and the network. The server may have processed the request.";
const startAgain = "Do not go on with this one. Start again.";
const publish = "Serve the key set that this page shows at {wallet address}/jwks.json, with CORS headers.";

const advice = {
  network_error: reconnect,
  timeout: reconnect,
  redirected: "Use the URL exactly as the server gave it.",
  not_json: "Check that the URL is that of an authorization server or a wallet.",
  invalid_response: "Report it to the server’s operator.",
  response_too_large: "Report it to the server’s operator.",
  response_unreadable: "Load the page again: it goes on from where it was.",
  http_error: "Read the status and the description.",
  interaction_rejected: "Tell the person that nothing happened. Start again if they want to.",
  interaction_failed: "Go to the wallet once more: the grant can still be approved. Or start again.",
  hash_mismatch: startAgain,
  no_pending_grant: "Start again.",
  no_pending_payment: "Start again.",
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
  limit_exceeded: "Start again, and approve what your wallet says that it costs.",
  invalid_quote: "Start again: the quote cannot be paid.",
  invalid_receiver: "Ask the receiver for a new incoming payment.",
  invalid_amount: "Pay in the receiver’s currency, and not more than it still expects.",
  quote_changed: "Start again, and approve what it costs now.",
  already_paid: "Nothing: it is paid.",
  outcome_unknown: "Go on: the page looks before it pays.",
  payment_failed: "See how much arrived, and pay the rest with another payment.",
  payment_pending: "Go on later: it is under way, and has not failed.",
  key_in_use: "Start again: this page takes another key.",
  wrong_state: "Ask the receiver for a new incoming payment: this one is completed or has expired.",
  not_found: "Check the address. What has expired unpaid is deleted.",
  interaction_required: "Go to the wallet, and approve it there.",
  random_unavailable: "Use another browser.",
  too_many_attempts: "Wait a minute, and try again.",
  user_denied: "Tell the person that nothing happened. Start again if they want to.",
};

export function adviceFor(code) {
  return advice[code] ?? "Read the description, and start again.";
}
