// Failures in the words of a person, and what the person can do about them.

import { toDecimal } from "./open-payments-wasm/index.js";

const isLoopback = ({ hostname }) => hostname === "localhost" || hostname === "127.0.0.1";
const notAnAddress = "That is not a wallet address. It looks like https://wallet.example/alice or $wallet.example/alice.";

/** A wallet address as a person types it, with or without https://, for the client. Throws for what can be none. */
export function toAddress(text) {
  const spelled = text.trim();
  if (spelled.startsWith("$")) return spelled;
  const address = /^https?:/i.test(spelled) ? spelled : `https://${spelled}`;
  const url = URL.parse(address);
  if (!url || !/^[\w.-]+$/.test(url.hostname) || !isUsable(url)) throw new Error(notAnAddress);
  return address;
}

/** Whether money may go to an address: the connection to it is secure, or goes to this machine. */
export const isUsable = (url) => url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url));

/** A time as a day: months of an allowance begin at midnight UTC. */
export const toDay = (time) => new Date(time).toLocaleDateString("en-GB", { day: "numeric", month: "long", timeZone: "UTC" });

const notAllowed = () => "Your wallet does not let this extension pay any more. Press Stop allowing, then ask your wallet again.";
const takesNoMore = () => "The receiver takes no more money for this.";
const misunderstood = () => "A wallet answered with what this extension does not understand.";
const askAgain = () => "What you decided at your wallet is out of date. Nothing is allowed. Ask your wallet again.";
const notStarted = () => "This extension could not start its work. Restart your browser, and try again.";

const words = {
  interval_used_up: ({ details }) => `Your allowance is used up${details?.opensAt ? ` until ${toDay(details.opensAt)}` : ""}.`,
  limit_exceeded: () => "It is more than what is left of your allowance.",
  outcome_unknown: () => "It is not known yet whether it was paid. That is looked up.",
  network_error: () => "A wallet could not be reached, or does not let this extension read its responses.",
  timeout: () => "A wallet did not answer in time.",
  invalid_client: () => "Your wallet does not accept the key of this extension. See whether it is still among your keys there.",
  payment_failed: () => "Your wallet could not deliver it.",
  payment_pending: () => "It is under way, and takes longer than usual.",
  already_paid: () => "It was paid before, and was not paid again.",
  invalid_amount: () => "Your wallet cannot pay this amount to this receiver.",
  invalid_receiver: takesNoMore,
  wrong_state: takesNoMore,
  insufficient_grant: notAllowed,
  inactive_token: notAllowed,
  grant_expired: notAllowed,
  grant_revoked: notAllowed,
  grant_not_found: notAllowed,
  interaction_rejected: () => "You declined at your wallet. Nothing is allowed.",
  user_denied: () => "You declined at your wallet. Nothing is allowed.",
  interaction_failed: () => "Your wallet ended before you decided. You can go back to its page, or ask again.",
  hash_mismatch: () => "This was not sent by your wallet. Nothing was done.",
  request_denied: askAgain,
  invalid_continuation: askAgain,
  no_pending_grant: askAgain,
  finished_elsewhere: askAgain,
  too_fast: () => "Your wallet asks to wait a little longer. Try again in a minute.",
  too_many_attempts: () => "Your wallet was asked too often. Try again in a minute.",
  invalid_response: misunderstood,
  not_json: misunderstood,
  response_too_large: misunderstood,
  redirected: () => "There is another address in the place of this one. Ask whose wallet it is for the right one.",
  response_unreadable: () => "The connection to a wallet broke off.",
  storage_error: () => "Your browser lets this extension keep nothing now. There may be no room left.",
  invalid_key: () => "Your browser cannot sign with the key of this extension. Update it, or disconnect and connect again.",
  random_unavailable: notStarted,
  module_unavailable: notStarted,
  internal_error: () => "This extension has failed. Try again.",
};

/** What a failure is called. */
export function wordsFor(error) {
  const isOverLimit = error instanceof TypeError && error.message.startsWith('"amount" must be no more');
  return words[isOverLimit ? "limit_exceeded" : error.code]?.(error) ?? error.description ?? error.message;
}

/**
 * What a page shows of an error: { text, isPassing, again, origins }: words, whether it may go away by itself, the message to send
 * again, and the hosts that the extension may ask access to. `message` is what failed.
 */
export async function problemOf(error, { message, again, wallet = undefined }) {
  const isBlocked = ["network_error", "key_set_unreachable"].includes(error.code);
  const hosts = isBlocked ? [message.address && toAddress(message.address), message.url, wallet?.id, wallet?.authServer] : [];
  const origins = await withoutAccess(hosts.filter(Boolean).map(toPattern));
  return { text: textOf(error, message, wallet), isPassing: Boolean(error.retryable), again, origins };
}

function textOf(error, { command }, wallet) {
  if (command === "connect" && error.status === 404) return "There is no wallet at that address.";
  if (!(error instanceof TypeError)) return wordsFor(error);
  return wallet ? `The amount must be more than nothing, and look like ${exampleFor(wallet)}.` : notAnAddress;
}

const exampleFor = ({ assetScale }) => toDecimal({ value: `5${"0".repeat(assetScale)}`, assetScale });

/** A match pattern, which has no port. */
function toPattern(address) {
  const { protocol, hostname } = new URL(address.replace(/^\$/, "https://"));
  return `${protocol}//${hostname}/*`;
}

/** With access, an extension may read responses without CORS headers. */
async function withoutAccess(patterns) {
  const origins = [...new Set(patterns)];
  return origins.length > 0 && !(await chrome.permissions.contains({ origins })) ? origins : [];
}
