// A grant and a payment, each from its start over the person's approval to its end, to which something happens at one of their steps,
// and with which somebody goes on.

import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { outgoing } from "../harness/grants.mjs";
import { decide } from "../harness/sandbox.mjs";

/** The same seed makes the same choices: SEED=N node --test soak/kills-….test.mjs. */
export const seed = Number(process.env.SEED ?? randomInt(2 ** 31));

export const kinds = ["grant", "payment"];

/** What says that a grant is over: it is told once, and the grant is forgotten then. */
const isOver = ({ error } = {}) => ["invalid_continuation", "request_denied"].includes(error?.code);

const boundMs = 120_000; // longer than any call may last: whoever waits longer hangs
const mostAttempts = 5;
const amount = { value: "10", assetCode: "USD", assetScale: 2 };

/** What may be tried again: it is not known yet what became of it, or nothing became of it. */
const passing = ["network_error", "storage_error", "internal_error", "outcome_unknown", "timeout"];

let count = 0;

/** A grant or a payment, at a sandbox that has money. */
export class Journey {
  /** How many steps its calls had, and the one at which something happened. */
  steps = 0;
  last;
  /** The call that stands still, "start" or "finish". */
  stands;
  callback;
  /** What its last call came to, { value } or { error }, and what it came to in the end. */
  outcome;
  result;
  #options;

  constructor(kind, till, { own = true } = {}) {
    Object.assign(this, { kind, till, key: `${kind} ${++count}` });
    this.#options = { own };
  }

  get #order() {
    if (this.kind === "payment") return this.till.order(this.key, { receiveAmount: amount });
    const { authServer: url } = this.till.server;
    return { url, request: outgoing(this.till.server, { method: "redirect", uri: "https://shop.example/callback" }) };
  }

  /**
   * Makes the calls of it that were not made yet, in a tab. At step `at` of all something happens: it `stands` still, until it is
   * released, or what lab.happenings has under the name `how`. `own` says whether the store is one whose writes are steps too, or
   * that of those who give none. Where a call fails, no other is made.
   */
  async goIn(tab, { at, how = "stands", own = true, timeoutMs } = {}) {
    this.#options = { own, timeoutMs };
    if (this.callback || (await this.#make(tab, "start", { at, how }))) await this.#make(tab, "finish", { at: at && at - this.steps, how });
    return this;
  }

  /** Makes its next call alone, at whose step `at` something happens. */
  async goOneIn(tab, happening) {
    await this.#make(tab, this.#next, happening);
    return this;
  }

  /** Begins its next call, of which nobody is told. */
  beginIn(tab) {
    const begin = (...args) => void lab.go(...args);
    return tab.run(begin, this.key, `${this.kind}.${this.#next}`, this.#argument, this.#options);
  }

  /** Lets it go on where it stands still. */
  async release(tab) {
    const { stands } = this;
    this.stands = undefined;
    if (!stands) return this;
    const outcome = await bounded(
      this,
      tab.run((key) => lab.release(key), this.key),
    );
    if ((await this.#take(stands, outcome)) && stands === "start") await this.#make(tab, "finish");
    return this;
  }

  /** Goes on with it, unless it is over, until there is a result, or an error that will be the same again, or `attempts` times. */
  async goOnIn(tab, { own = true, timeoutMs, attempts = mostAttempts } = {}) {
    this.#options = { own, timeoutMs };
    for (let attempt = 1; this.result === undefined && !isOver(this.outcome) && attempt <= attempts; attempt++) {
      if (this.callback || (await this.#make(tab, "start"))) await this.#make(tab, "finish");
      const { error } = this.outcome;
      if (error && !error.retryable && !passing.includes(error.code)) break;
    }
    return this;
  }

  get #next() {
    return this.callback ? "finish" : "start";
  }

  get #argument() {
    return this.callback ?? this.#order;
  }

  /** Makes a call. Returns whether it has succeeded. */
  async #make(tab, call, happening = {}) {
    const begin = (...args) => lab.go(...args);
    const { steps, last, outcome } = await bounded(
      this,
      tab.run(begin, this.key, `${this.kind}.${call}`, this.#argument, { ...this.#options, ...happening }),
    );
    this.steps += steps;
    this.last ??= last;
    if (outcome) return this.#take(call, outcome);
    this.stands = call;
    return false;
  }

  async #take(call, outcome) {
    this.outcome = outcome;
    const { value, error } = outcome;
    if (call === "start") {
      if (value?.interact) this.callback ??= (await decide(value, "approve")).href;
    } else {
      this.result = value ?? (this.kind === "grant" ? tokenIn(error) : undefined); // that of a payment is in its journal
    }
    return error === undefined;
  }
}

/** The token that an error of a grant carries: what the server answered reaches the caller. */
function tokenIn({ responseText }) {
  try {
    const response = JSON.parse(responseText);
    return response.access_token && response;
  } catch {
    return undefined;
  }
}

/** Opens a page of a till's client in which journeys go. */
export async function openTab(till, browser, site, parameters) {
  return prepareTab(await till.open(browser, site, parameters));
}

/** Lets journeys go in what has a client already. */
export async function prepareTab(tab) {
  await tab.run(addJourneys);
  return tab;
}

/**
 * Journeys of both kinds that stand still in a tab, each at another step: at every step of a whole one, or at every `stride`-th, and
 * which those are depends on the seed. `own` is that of goIn.
 */
export async function standing(tab, { stride = 1, own = true } = {}) {
  const journeys = [];
  for (const kind of kinds) {
    const { steps } = await new Journey(kind, tab.till).goIn(tab, { own });
    for (let at = 1 + (seed % stride); at <= steps; at += stride) journeys.push({ journey: new Journey(kind, tab.till), at });
  }
  return inGroups(journeys, ({ journey, at }) => journey.goIn(tab, { at, own }));
}

/** Runs a task for each, some at a time, and returns the results. */
export async function inGroups(values, task, atOnce = 8) {
  const results = [];
  while (results.length < values.length)
    results.push(...(await Promise.all(values.slice(results.length, results.length + atOnce).map(task))));
  return results;
}

/** Waits for something that must not hang. */
async function bounded({ key, last }, task) {
  let timer;
  const hangs = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${key} hangs${last ? `, after "${last}"` : ""}`)), boundMs);
  });
  return Promise.race([task, hangs]).finally(() => clearTimeout(timer));
}

/** What a wallet says of a reference that it has had, where its response is gone with a page. */
export const lost = {
  grant: /^(invalid_continuation|request_denied) .*An earlier attempt/,
  payment: /^(invalid_continuation|request_denied) .*An earlier attempt .*Nothing was paid/,
};

/**
 * Asserts that each has ended as it may: finished, and a payment is in the ledger exactly once then; or with a reason, of which
 * `reasons` has a pattern for each kind, and nothing was paid. Returns how many ended in which way, as text with the seed.
 */
export async function judge(till, journeys, reasons = {}) {
  const paid = await till.allPaid();
  const tally = {};
  const problems = [];
  for (const { kind, key, last, result, outcome } of journeys) {
    const error = result ? undefined : (outcome?.error ?? { code: "none", message: "it has no outcome" });
    const found = paid.filter(({ metadata }) => metadata?.order === key).map(({ id, failed }) => ({ id, failed }));
    const expected = kind === "payment" && result ? [{ id: result.id, failed: false }] : [];
    const words = error ? `${error.code} ${error.message}` : "finished";
    const isFine = JSON.stringify(found) === JSON.stringify(expected) && (!error || reasons[kind]?.test(words));
    if (!isFine) problems.push(`${key}, at "${last}": ${words}, and the ledger has ${JSON.stringify(found)}`);
    const end = `${kind} ${error?.code ?? "finished"}`;
    tally[end] = (tally[end] ?? 0) + 1;
  }
  assert.equal(problems.join("\n"), "", `seed ${seed}`);
  return `seed ${seed}: ${JSON.stringify(tally)}`;
}

/** Runs in the page, after addSteps: adds lab.go, lab.release and lab.happenings. */
function addJourneys() {
  const calls = {
    "grant.start": (client, { url, request }) => client.grant.start({ url }, request),
    "grant.finish": (client, callback) => client.grant.finish(callback),
    "payment.start": (client, order) => client.payment.start(order),
    "payment.finish": (client, callback) => client.payment.finish(callback),
  };
  const outcomeOf = (calling) =>
    calling.then(
      (value) => ({ value }),
      ({ name, code, message, status, retryable, responseText }) => ({ error: { name, code, message, status, retryable, responseText } }),
    );
  const standing = new Map(); // key → { calling, open }
  lab.happenings = {};
  /** Makes a call: { steps, last, outcome }, without an outcome where it stands still. */
  lab.go = async (key, call, argument, { at, how, own, timeoutMs }) => {
    let steps = 0;
    let last, open, stop;
    const gate = new Promise((resolve) => (open = resolve));
    const stopped = new Promise((resolve) => (stop = resolve));
    const client = await lab.clientInSteps(
      async (what, type) => {
        if (++steps < (at ?? Infinity)) return undefined;
        if (steps === at) last = what;
        if (how === "stands") return void (stop(), await gate);
        return steps === at ? lab.happenings[how](what, type) : undefined;
      },
      { requestTimeoutMs: timeoutMs, ...(own ? {} : { store: undefined }) },
    );
    const calling = outcomeOf(calls[call](client, argument));
    const soon = () => new Promise((resolve) => setTimeout(resolve, 20)); // what is written last is written when the caller has the result
    const outcome = await Promise.race([calling, stopped.then(soon)]);
    if (!outcome) standing.set(key, { calling, open });
    return { steps, last, outcome };
  };
  lab.release = (key) => {
    const { calling, open } = standing.get(key);
    standing.delete(key);
    open();
    return calling;
  };
}
