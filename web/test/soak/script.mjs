// What one call of the run does: decided by the seed and the index alone, and plain enough to be printed.

import { fetchFaults, serverFaults, signFaults, storeFaults, weights } from "./faults.mjs";
import { addPaymentFault, mayEndUnpaid, paymentScript } from "./payment-script.mjs";
import { Random } from "./random.mjs";
import { isResourceCall, resourceCalls } from "./resources.mjs";

const calls = {
  continueGrant: 22,
  clientContinue: 9,
  request: 6,
  cancel: 4,
  rotate: 6,
  revoke: 4,
  poll: 3,
  finish: 12,
  resource: 20,
  payment: 5,
  generateKey: 1,
  importKey: 5,
  verifyHash: 4,
};
const local = ["generateKey", "importKey", "verifyHash"]; // these send nothing
const mayBeTwins = (call) =>
  ["continueGrant", "clientContinue", "rotate"].includes(call) || (isResourceCall(call) && call !== "client.fetch");
const kinds = { server: 50, fetch: 14, sign: 9, abort: 20, deadline: 8, store: 50 }; // a store only where there is one
const kindsOfPayments = { server: 60, fetch: 8, sign: 5, abort: 16, deadline: 6, store: 12 };

/** What of a run is faulty, on purpose. */
const faultyShare = 0.4;

/**
 * The script of one call. With `kills` a call may end the instance of the module while others are
 * in flight. `without` names kinds of faults that are left out, `of` the calls that are made, where not all are. With `isPlain` it
 * is a call that must succeed.
 */
export function scriptOf(seed, index, { kills = false, without = [], of = Object.keys(calls), isPlain = false } = {}) {
  const random = new Random(seed, index);
  if (isPlain) return { index, call: "continueGrant", salt: random.text(6), timeoutMs: 30_000, key: "handle", hasReference: true };
  if (kills && random.chance(0.02)) return { index, call: "kill", kill: random.pick(["exit", "crash"]) };
  const call = callOf(random, of);
  const script = { index, call, port: random.int(0, 1000), salt: random.text(6), timeoutMs: longTimeout(random) };
  script.isFaulty = random.chance(faultyShare);
  script.key = random.pick(["cryptoKey", "handle", "sign", "pem"]);
  if (local.includes(call)) return { ...script, input: random.int(0, 2 ** 31) };
  script.hasReference = random.chance(0.85);
  script.usesSharedSignal = random.chance(0.3);
  if (call === "poll" || call.endsWith(".all")) script.steps = random.int(0, 2);
  if (call === "payment") Object.assign(script, paymentScript(random));
  if (call === "finish") Object.assign(script, finishScript(random, without));
  if (mayBeTwins(call) && random.chance(0.1)) script.twin = random.pick(["same", "aborted"]);
  if (script.isFaulty) addFaults(script, random, without);
  if (call === "payment") script.isFaulty ||= mayEndUnpaid(script); // its error proves nothing
  return script;
}

function callOf(random, of) {
  const call = random.weighted(Object.fromEntries(of.map((name) => [name, calls[name]])));
  return call === "resource" ? random.weighted(resourceCalls) : call;
}

const longTimeout = (random) => (random.chance(0.7) ? 10_000 : random.int(2000, 6000));

function finishScript(random, without) {
  const modes = { plain: 6, twice: 2, clients: 2, abortOne: 2, again: 2, result: 2, wrongHash: 2, afterwards: 1 };
  return {
    mode: random.weighted(modes),
    store: random.chance(0.1) && !without.includes("default") ? "default" : "memory",
    method: random.pick([undefined, "sha-256", "sha-512"]),
    encoding: random.pick(["base64", "base64url"]),
    givesNonce: random.chance(0.5),
    result: random.pick(["grant_rejected", "grant_invalid", "invalid_interaction", "unknown"]),
    abortAfterMs: random.pick([0, 1, 5, 20, 60]),
  };
}

/** Adds one fault, and now and then a second one. */
function addFaults(script, random, without) {
  addFault(script, random, without);
  if (random.chance(0.2)) addFault(script, random, without);
}

function addFault(script, random, without) {
  const isPayment = script.call === "payment";
  const isLeft = (kind) => !without.includes(kind) && (kind !== "store" || isPayment || script.call === "finish");
  const left = Object.entries(isPayment ? kindsOfPayments : kinds).filter(([kind]) => isLeft(kind));
  const kind = random.weighted(Object.fromEntries(left));
  adders[kind](script, random);
}

const adders = {
  server(script, random) {
    if (script.call === "payment") return addPaymentFault(script, random);
    const name = random.weighted(weights(serverFaults));
    if (name === "tooFast" && script.twin) return;
    script.server = [name, ...(serverFaults[name].parameters?.(random) ?? [])];
    if (name === "never" || name === "endless") script.timeoutMs = random.int(30, 1200);
  },
  fetch(script, random) {
    const { never, endlessStream, ...others } = weights(fetchFaults);
    const isPayment = script.call === "payment"; // which goes on with these for two minutes
    script.fetch = random.weighted(isPayment ? others : { ...others, never, endlessStream });
    script.fetchJunk = random.int(0, 1000);
    if (isPayment) script.fetchSkip = random.int(0, 8);
    if (script.fetch === "never" || script.fetch === "endlessStream") script.timeoutMs = random.int(30, 1200);
  },
  sign(script, random) {
    script.key = "sign";
    script.sign = random.weighted(weights(signFaults));
    script.signJunk = random.int(0, 1000);
    if (script.sign === "never") script.timeoutMs = random.int(30, 1200);
  },
  abort(script, random) {
    script.usesSharedSignal = false;
    const when = random.pick(["before", "sameTask", "afterMs", "afterMs", "sent", "responded"]);
    script.abort = { when, ms: random.int(0, 120), reason: random.int(0, 3) };
    if (script.call === "payment") script.abortIn = random.pick(["start", "finish"]);
  },
  deadline(script, random) {
    script.timeoutMs = random.pick([1, 2, 3, 5, 8, 13, 30, 80, 200, 500, 1000]);
  },
  store(script, random) {
    const { junk, ...faults } = storeFaults; // what a store has lost, no payment can know
    const kind = random.weighted(script.call === "payment" ? faults : { ...faults, junk });
    script.storeFault = { kind, on: random.pick(["get", "set", "delete"]), phase: random.pick(["start", "finish"]) };
    const skips = script.call === "payment" ? [0, 1, 3, 5, 8, 12] : [0, 0, 1, 2];
    Object.assign(script.storeFault, { skip: random.pick(skips), times: random.pick([1, 2, 1000]) });
    script.store = "memory";
    if (kind === "never") script.timeoutMs = random.int(300, 1500);
  },
};
