// What may come of a call, by its script and by what the page saw of its requests.

import { fetchFaults, serverFaults, signFaults } from "./faults.mjs";
import { isResourceCall, isUnsigned } from "./resources.mjs";

const withoutBody = ["cancel", "revoke"]; // whose success has no body: what stands in one is hardly looked at
const aboutBodies = ["html", "junk", "huge", "endless", "resetAfterHeaders", "resetInBody", "truncated"];
const waiting = ["continueGrant", "clientContinue", "finish", "poll"]; // these wait when the server says too_fast
const over = ["invalid_continuation", "request_denied", "user_denied"]; // what ends a grant

const aboutResponses = ["not_json", "invalid_response", "http_error"]; // errors that have the response

/** The codes by which a server ends a grant. */
export const isOver = (code) => over.includes(code);

/** "success", "failure" or "either": what the faults of a script allow. */
export function expectedOf(script) {
  const all = faultsOf(script).map(({ expects }) => expects);
  if (script.isOdd || all[0] === "handedOver") return "either"; // what it was given may be anything
  if (all.includes("failure")) return "failure";
  return all.includes("either") ? "either" : "success";
}

function faultsOf(script) {
  return [
    script.fetch && { ...fetchFaults[script.fetch], code: undefined, expects: ofFetch(script) },
    script.server && { ...serverFaults[script.server[0]], expects: ofServer(script) },
    script.sign && !isUnsigned(script.call) && signFaults[script.sign],
  ].filter(Boolean);
}

/** client.fetch hands over whatever the function has returned. */
function ofFetch({ call, fetch }) {
  const isHandedOver = call === "client.fetch" && /Junk|Stream|Only/.test(fetch) && fetch !== "rejectsJunk";
  return isHandedOver ? "handedOver" : fetchFaults[fetch].expects;
}

const withoutResponse = ["resetBefore", "never", "redirect", "noCORS", "preflight"];

function ofServer(script) {
  const { call, server } = script;
  const [name] = server;
  if (isUnsigned(call) && ["preflight", "redirect"].includes(name)) return "either"; // there is none, or it is followed
  if (call === "client.fetch") return withoutResponse.includes(name) ? serverFaults[name].expects : "either";
  if (name === "junk" && call === "walletAddress.getDIDDocument") return "either"; // any object is one
  return ofServerWithGrants(script);
}

function ofServerWithGrants({ call, server: [name, ...parameters] }) {
  if (withoutBody.includes(call) && aboutBodies.includes(name)) return "either";
  if (call === "cancel" && name === "status" && parameters[2] === "invalid_continuation") return "either";
  if (name === "tooFast" && !waiting.includes(call)) return "either";
  if (name === "tooFast" && parameters[0].endsWith("3600")) return "failure";
  if (name === "odd" && parameters[0] === "beyond") return "either"; // no number that JSON.parse keeps
  return serverFaults[name].expects;
}

/** The code that an error must have, where the script has one fault and that leaves no choice. */
function codeOf(script) {
  const faults = faultsOf(script);
  if (faults.length !== 1 || script.call === "poll" || withoutBody.includes(script.call)) return undefined;
  if (isUnsigned(script.call) && script.server?.[0] === "redirect") return undefined;
  const [{ code }] = faults;
  return typeof code === "function" ? code(...script.server.slice(1)) : code;
}

/**
 * What is wrong with the outcome of an attempt, as a list of sentences. `outcome` is { value } or { error }, with
 * `ms`, `wasKilled` and `isUnsettled`; `attempt` is what page.mjs made of the script; `record` what was sent for it.
 */
export function problemsOf(script, attempt, outcome, record, classes) {
  if (outcome.isUnsettled) return ["it is unsettled long after its deadline"];
  if ("value" in outcome) return problemsOfValue(script, attempt, outcome.value, record);
  return problemsOfError(script, attempt, outcome, record, classes);
}

function problemsOfValue(script, attempt, value, record) {
  if (attempt.isAbortedFirst) return ["it resolved though its signal was aborted before it was called"];
  if (expectedOf(script) === "failure" && !attempt.mayFailAnyhow) return [`it resolved: ${brief(value)}`];
  if (withoutBody.includes(script.call)) return value === undefined ? [] : [`it resolved with ${brief(value)}`];
  if (expectedOf(script) === "either" && isResourceCall(script.call) && !value?.echo) return []; // there is nothing to tell by
  return wrongEcho(attempt, value);
}

/** A response is right if it repeats what this very call said. */
function wrongEcho({ expected }, value) {
  const echo = value?.echo;
  const wrong = Object.entries(expected).filter(([name, said]) => echo?.[name] !== said);
  return wrong.map(([name]) => `the response is for another request: ${name} is ${brief(echo?.[name])}`);
}

function problemsOfError(script, attempt, outcome, record, classes) {
  const { error } = outcome;
  if (attempt.signal?.aborted && error === attempt.signal.reason) return [];
  const wasClient = outcome.wasKilled && error?.code === "internal_error"; // it has no signal, and reads a key in the module
  if (attempt.isAbortedFirst && !wasClient) return [`it was aborted before it was called, and rejected with ${brief(error)}`];
  const secrets = [...attempt.secrets, ...record.secrets].filter((secret) => secret.length >= 8);
  return [...problemsOfKind(script, attempt, outcome, record, classes), ...problemsOfText(error, secrets)];
}

function problemsOfKind(script, attempt, outcome, record, { OpenPaymentsClientError }) {
  const { error, wasKilled, ms } = outcome;
  if (error instanceof TypeError)
    return attempt.mayRefuse && /^"[\w.[\]]+" /.test(error.message) ? [] : [`it rejected with ${brief(error)}`];
  if (!(error instanceof OpenPaymentsClientError)) return [`it rejected with no error of ours: ${brief(error)}`];
  const { code } = error;
  if (typeof code !== "string" || code === "") return [`its error has no code: ${brief(error)}`];
  const isLost = code === "storage_error" && record.responded > attempt.respondedBefore;
  if (isLost) return [`the response was lost to the store: ${brief(error)}`];
  if (code === "internal_error") return wasKilled ? lostResponse(script, error, record) : [`it is an internal error: ${brief(error)}`];
  if (code === "network_error" && record.failed === 0) return [`a network error, though no request failed: ${brief(error)}`];
  if (code === "timeout" && !attempt.mayJoin && ms < earliestTimeout(script, attempt))
    return [`it timed out after ${ms} ms of ${attempt.timeoutMs}: ${brief(error)}`];
  if (code === "timeout") return [];
  const isEmpty = script.server?.[2] === "nothing" || script.mayBeEmpty;
  const isWithout = aboutResponses.includes(code) && !isEmpty && typeof error.responseText !== "string";
  if (isWithout) return [`the response is not in the error: ${brief(error)}`];
  if (wasKilled) return [];
  return wrongCode(script, attempt, error);
}

/** A poll ends when the server's next wait, a second here, would be longer than the time that is left. */
function earliestTimeout({ call }, { timeoutMs }) {
  return timeoutMs - (call === "poll" ? 1000 : timeoutMs * 0.1) - 5;
}

/** The end of an instance does not lose the response to a continuation. */
function lostResponse({ call, server, fetch }, error, record) {
  const isComplete = ["continueGrant", "rotate"].includes(call) && !server && !fetch && record.responded > 0 && record.failed === 0;
  return isComplete && !error.responseText ? ["the instance ended and the response is lost"] : [];
}

function wrongCode(script, attempt, error) {
  const { code } = error;
  const isAllowed = attempt.codes?.includes(code) || (code === "too_fast" && script.server?.[0] === "tooFast");
  if (isAllowed) return [];
  if (expectedOf(script) === "success") return [`it rejected though nothing failed: ${brief(error)}`];
  const right = codeOf(script);
  if (right && code !== right) return [`its code should be ${right}: ${brief(error)}`];
  return right && isNotNow(script) && !error.retryable ? [`it should be retryable: ${brief(error)}`] : [];
}

/** The server has processed nothing, and says that it will: RFC 9110 §15.5.9, §15.5.20, RFC 8470 §5.2, RFC 6585 §4. */
const isNotNow = ({ server: [name, status] = [] }) => name === "status" && [408, 421, 425, 429].includes(status);

const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
const longest = 4000; // characters of a description

function problemsOfText(error, secrets) {
  const { message, description, stack, code, details } = error;
  const texts = { message, description, stack, code, details: details && JSON.stringify(details) };
  const told = Object.entries(texts).filter(([, text]) => secrets.some((secret) => tells(String(text), secret)));
  const problems = told.map(([name, text]) => `a secret is told in ${name}: ${text}`);
  if (forbidden.test(`${message}${description}`)) problems.push(`control or direction characters: ${JSON.stringify(description)}`);
  if (description?.length > longest) problems.push(`the description has ${description.length} characters`);
  return problems;
}

function tells(text, secret) {
  return [text, unescaped(text), percentDecoded(text), entitiesDecoded(text)].some((form) => form.includes(secret));
}

const unescaped = (text) => text.replaceAll("\\/", "/").replaceAll('\\"', '"');
const percentDecoded = (text) => text.replace(/%([0-9a-f]{2})/gi, (all, hex) => String.fromCharCode(parseInt(hex, 16)));
const entitiesDecoded = (text) => text.replace(/&#(\d+);/g, (all, code) => String.fromCodePoint(Number(code)));

/** A value in few words, for the report. */
export function brief(value) {
  if (value instanceof Error) return `${value.name} ${value.code ?? ""}: ${value.message}`.slice(0, 300);
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 300);
  } catch {
    return typeof value;
  }
}
