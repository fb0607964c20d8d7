// What one payment of the run does: what its server does at which request, and what the page does with it.

import { serverFaults, weights } from "./faults.mjs";

/** What arrives, and what that costs, in cents. */
export const price = 1250;
export const fee = 20;

const modes = {
  plain: 6,
  twice: 2, // each call is made twice at once
  tabs: 2, // the same, by two who share what is in the store
  resumed: 2, // by its id, after the caller has left
  watched: 1, // the faults come after it was accepted
  declined: 1, // the person refuses, and it is begun again
  forged: 1, // somebody else's callback comes first
  recurring: 3, // with a grant that is kept
};

/** The places of wallet.mjs where a fault may come, in each part of a payment. */
const places = {
  start: { wallet: 2, grant: 2, incoming: 3, quote: 3, ask: 3 },
  finish: { continue: 4, create: 9, list: 4, rotate: 2 },
  recurring: { wallet: 1, grant: 2, incoming: 2, quote: 2, create: 9, list: 4, rotate: 3 },
  watched: { sent: 3, received: 3, rotate: 1, revoke: 1, complete: 1 },
};

/** These can come in place of a response as well as of the request's being processed. */
const mayBeProcessed = ["resetBefore", "resetAfterHeaders", "never", "html", "status", "junk", "endless"];

/** The members of a script that are a payment's. */
export function paymentScript(random) {
  const mode = random.weighted(modes);
  const isSecondPart = mode === "recurring" || mode === "watched"; // faults come there
  const plan = { faults: [], phase: isSecondPart ? 0 : 1, ...circumstances(random, mode) };
  return { mode, plan, watches: random.chance(0.2), isAskedAgain: random.chance(0.3), sum: random.pick(["receive", "debit"]) };
}

function circumstances(random, mode) {
  const isPlain = mode === "recurring";
  return {
    hasTwoServers: random.chance(0.3),
    paysIncoming: !isPlain && random.chance(0.2),
    quote: isPlain ? "lasting" : random.weighted({ lasting: 8, short: 1, dearer: 0.5 }),
    arrival: isPlain ? "now" : random.weighted({ now: 8, slow: 0.5, fails: 0.5 }),
    expires: random.chance(0.2) ? random.pick(["create", "list", "quote", "incoming", "sent"]) : undefined,
  };
}

/** Whether a payment may end unpaid though nothing is faulty. */
export const mayEndUnpaid = ({ mode, plan }) =>
  mode === "declined" || mode === "forged" || plan.arrival === "fails" || plan.quote === "dearer";

/** Adds a fault of the server at one of its places, once or more often. */
export function addPaymentFault(script, random) {
  const part = places[script.mode] ? script.mode : random.pick(["start", "finish", "finish"]);
  const name = random.weighted(weights(serverFaults));
  const what = [name, ...(serverFaults[name].parameters?.(random) ?? [])];
  const at = random.weighted(places[part]);
  const isRefused = name === "status" && what[1] < 500 && what[1] !== 408; // who refuses has not processed it
  const isProcessed = mayBeProcessed.includes(name) && !isRefused && random.chance(0.5);
  script.plan.faults.push({ at, what, skip: random.pick([0, 0, 0, 1]), times: random.pick([1, 1, 1, 2, 1000]), isProcessed });
  if (at === "rotate") script.plan.expires ??= "create"; // else few come there
  if (name === "never" || name === "endless") script.timeoutMs = random.int(300, 2500);
}
