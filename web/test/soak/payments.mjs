// Payments of the run, in the page: each is made under its faults, and then gone on with while nothing fails. It must come to
// one end: paid once, or not at all, for a reason that there was. The ledger of wallet.mjs tells.

import { failingStore } from "./callers.mjs";
import { plainFetch, sleep } from "./instruments.mjs";
import { brief, problemsOf } from "./judge.mjs";
import { modes } from "./payment-modes.mjs";
import { fee, price } from "./payment-script.mjs";

const calmMs = 20_000; // of a call without a fault, on a busy machine too
const watchMs = 45_000; // what it writes down in the end, and a token, may take half a minute
const mostCalls = 6; // until a payment has come to its end

/** Codes of errors after which a payment stays unpaid. */
const reasons = ["request_denied", "user_denied", "invalid_continuation", "invalid_rotation", "quote_changed", "payment_failed"];
const unknown = ["outcome_unknown", "grant_expired"]; // where a token is lost, nobody can look

/** Where a fault of the server is what the error of a call is about, and nothing else. */
const plainPlaces = ["wallet", "grant", "incoming", "quote", "ask", "continue"];

/** Makes the payment of a call's script. `tools` are { sdk, client, key } of page.mjs. */
export async function pay(call, tools) {
  const payment = new Payment(call, tools);
  if (call.script.plan.phase === 1) await payment.begin();
  await modes[call.script.mode](payment);
  await payment.checkEnd();
}

const dollars = (value) => ({ value: String(value), assetCode: "USD", assetScale: 2 });
const inUrl = (value) => btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

class Payment {
  /** What start has resolved with. */
  started;
  /** Where the wallet has sent the person back to. */
  callback;
  isCalm = true;
  #call;
  #tools;
  #calmCalls = new Set(); // names of those that were made while nothing fails
  #asked = 0; // how often the caller's own fetch was called

  constructor(call, tools) {
    const { script, origin, id } = call;
    this.script = script;
    this.#call = call;
    this.#tools = tools;
    this.base = `${origin}/pay/${inUrl({ ...script.plan, salt: script.salt })}/${id}`;
    const memory = tools.sdk.memoryStorage();
    this.store = script.storeFault ? failingStore(memory, { ...script.storeFault, phase: "faulty" }) : memory;
    this.otherStore = { ...this.store }; // of another tab, which shares what is in it
    this.key = `order ${id}`;
    this.order = this.#orderOf(script);
  }

  #orderOf({ plan, sum, mode, salt }) {
    const amount =
      sum === "debit" && !plan.paysIncoming && plan.quote !== "dearer"
        ? { debitAmount: dollars(price + fee) }
        : { receiveAmount: dollars(price) };
    return {
      ...{ key: this.key, from: `${this.base}/alice`, finishUri: "https://shop.example/callback" },
      ...{ to: plan.paysIncoming ? `${this.base}/rs/incoming-payments/0` : `${this.base}/shop`, ...amount },
      metadata: { order: this.key, said: `<${salt}> & "` },
      ...(mode === "recurring" && { interval: "R/2026-01-01T00:00:00Z/P1M" }),
    };
  }

  /** From now on there are faults. */
  async begin() {
    await this.#tell("begin");
    this.isCalm = false;
    this.store.enter?.("faulty");
  }

  async #calmDown() {
    await this.#tell("calm");
    this.isCalm = true;
    this.store.enter?.("calm");
  }

  async #tell(what) {
    return (await plainFetch(`${this.base}/control/${what}`, { method: "POST" })).json();
  }

  // Calls of client.payment. Options are { abort, codes, isRight, store }: `isRight` tells whether a value is that of this
  // payment, errors with one of `codes` are right too. The rest goes to the call.

  async start(options) {
    const outcome = await this.make("start", this.order, { isRight: (value) => this.#isStarted(value), ...options });
    this.started = outcome.value ?? this.started;
    const { interact } = this.started ?? {};
    if (interact) this.callback = new URL(interact.redirect).searchParams.get("callback");
    return outcome;
  }

  finish(options) {
    return this.make("finish", this.callback, { ...this.paid(), ...options });
  }

  resume(options) {
    return this.make("resume", this.started.id, { ...this.paid(), ...options });
  }

  forget(id, options) {
    return this.make("forget", id, { isRight: (value) => value === undefined, ...options });
  }

  watch(paid, options) {
    const isRight = ({ outgoingPayment, receivedAmount }) => outgoingPayment.id === paid.id && receivedAmount?.value === String(price);
    return this.make("watch", paid, { codes: [...this.#endings, "payment_pending"], isRight, timeoutMs: 3000, ...options });
  }

  /** What is right of a call that pays. */
  paid(key = this.key) {
    const isRight = ({ id, metadata }) => id.startsWith(`${this.base}/rs/outgoing-payments/`) && metadata?.order === key;
    return { codes: this.#endings, isRight };
  }

  /** Two callers make a call at once. */
  both(call, abort) {
    const store = this.script.mode === "tabs" ? this.otherStore : this.store;
    return Promise.all([call({ abort, store: this.store }), call({ store })]);
  }

  /** The abort that a script has for this part of the payment. */
  abortIn(part) {
    return this.script.abortIn === part ? this.script.abort : undefined;
  }

  make(method, argument, { store = this.store, abort, codes, isRight, ...options } = {}) {
    const task = (client, signal) => client.payment[method](argument, { ...options, signal });
    return this.attempt(task, { name: method, store, abort, codes, isRight });
  }

  /** Runs a task with a client, and judges what comes of it. `name` is that of the call, whose equals share their work. */
  attempt(task, { name, store = this.store, abort = null, codes = [], isRight = () => true }) {
    const { isCalm } = this;
    // A call that nobody waits for any more goes on, as long as its own callers had; a rotation even longer.
    const mayJoin = isCalm && (!this.#calmCalls.has(name) || this.#isRotationBad);
    if (isCalm) this.#calmCalls.add(name);
    const run = async (call, { signal, ...given }) => task(await this.#clientOf(given, store, isCalm), signal);
    const judge = (outcome, attempt) => this.#problemsOf(outcome, { ...attempt, codes, mayJoin }, { isCalm: isCalm && !mayJoin, isRight });
    const timeoutMs = name === "watch" ? watchMs : isCalm ? calmMs : this.script.timeoutMs;
    return this.#call.attempt({ task: run, options: {}, timeoutMs, secrets: [`secret-${this.script.salt}`], judge }, abort);
  }

  get #isRotationBad() {
    return this.script.plan.faults.some(({ at }) => at === "rotate");
  }

  #clientOf({ key, fetch, timeoutMs }, store, isCalm) {
    if (isCalm) return this.#tools.client({ key: this.#tools.key, timeoutMs, store });
    return this.#tools.client({ key, fetch: fetch && this.#sometimes(fetch), timeoutMs, store });
  }

  /** A function like fetch that is bad for two requests. */
  #sometimes(bad) {
    const { fetchSkip } = this.script;
    return (url, options) => {
      const number = this.#asked++;
      const isBad = !this.isCalm && number >= fetchSkip && number < fetchSkip + 2;
      return isBad ? bad(url, options) : globalThis.fetch(url, options);
    };
  }

  #problemsOf(outcome, attempt, { isCalm, isRight }) {
    if (outcome.isUnsettled || outcome.error) return problemsOf(this.#judged(isCalm), attempt, outcome, this.#call.record, this.#tools.sdk);
    if (attempt.isAbortedFirst) return ["it resolved though its signal was aborted before it was called"];
    return isRight(outcome.value) ? [] : [`it resolved with what is not of this payment: ${brief(outcome.value)}`];
  }

  /** The script as judge.mjs reads it: with its fault where an error can be about nothing else, else as one that allows for any. */
  #judged(isCalm) {
    const { script } = this;
    if (isCalm) return { call: "payment" };
    const { faults } = script.plan;
    const others = [script.fetch, script.sign, script.storeFault].filter(Boolean);
    const [{ at, what: [name] } = { what: [] }] = faults; // prettier-ignore
    const isPlain = faults.length === 1 && others.length === 0 && plainPlaces.includes(at) && name !== "tooFast";
    if (isPlain && !(at === "wallet" && ["redirect", "preflight"].includes(name))) return { call: "payment", server: faults[0].what };
    return { call: "payment", isOdd: script.isFaulty, mayBeEmpty: faults.some(({ what }) => what[2] === "nothing") };
  }

  #isStarted({ key, to, quote, interact, metadata }) {
    const { order, base } = this;
    const isQuoted = quote?.id.startsWith(`${base}/rs/quotes/`) && quote.receiveAmount.value === String(price);
    const isHere = interact === undefined || interact.redirect.startsWith(`${base}/approve?`);
    return key === order.key && to === order.to && isQuoted && isHere && metadata.order === order.key;
  }

  /** Codes of errors that the payment may end with. */
  get #endings() {
    const { isFaulty, plan } = this.script;
    const own = [plan.arrival === "fails" && "payment_failed", plan.quote === "dearer" && "quote_changed"].filter(Boolean);
    return isFaulty && !this.isCalm ? [...reasons, ...unknown] : own;
  }

  // The end.

  /** Goes on while nothing fails, until the payment has come to an end, and compares that with the ledger. */
  async checkEnd() {
    await this.#calmDown();
    const { outcomes } = this.#call;
    let error;
    const countOfEnded = () => outcomes.filter(({ name }) => name === "internal_error").length;
    for (let left = mostCalls, most = 60; left > 0 && most > 0; most--) {
      const ended = countOfEnded();
      const outcome = await this.payCalmly({ codes: [...reasons, ...unknown, "timeout", ...(this.#mustWait ? ["too_fast"] : [])] });
      if (outcome.value) return this.#compare(outcome.value);
      ({ error } = outcome);
      if (error?.code === "payment_failed") return this.#checkFailed(error);
      if (reasons.includes(error?.code)) await this.#forgetUnpaid(error);
      if (countOfEnded() === ended) left -= 1;
      else await sleep(200); // an instance was ended in this attempt, and the next may be ended as fast
    }
    if (unknown.includes(error?.code) && this.#mayHaveLostToken) return this.#checkUnknown();
    if (error?.code === "too_fast" && this.#mustWait) return this.#assertUnpaid(error); // for an hour
    const before = outcomes.slice(-16).map(({ name }) => name);
    this.fail(`it has come to no end, though nothing fails any more: ${brief(error)}; before: ${before.join("; ")}`);
  }

  /** Begins the payment, or goes on with it, until the person is needed no more. */
  async payCalmly({ codes }) {
    const outcome = await this.start({ codes });
    if (outcome.error) return outcome;
    return outcome.value?.interact ? this.finish({ codes }) : this.resume({ codes });
  }

  /** What has ended a payment for a reason can be forgotten, and begun again. */
  async #forgetUnpaid(error) {
    if (!this.#isReason(error)) this.fail(`it ended for no reason: ${brief(error)}`);
    await this.#assertUnpaid(error);
    const { value: pending = [] } = await this.make("pending");
    for (const { id, key } of pending) if (key === this.key) await this.forget(id);
  }

  async #assertUnpaid(error) {
    const paid = await this.#ledger();
    if (paid.length > 0) this.fail(`it was paid, and yet it ended with ${brief(error)}`);
  }

  /** Whether the server wants a long time before the grant is continued. */
  get #mustWait() {
    return this.script.plan.faults.some(({ at, what: [name, wait] }) => at === "continue" && name === "tooFast" && wait.endsWith("3600"));
  }

  #isReason({ code }) {
    if (code === "quote_changed") return this.script.plan.quote === "dearer";
    const { plan, fetch } = this.script;
    const isOfFault = plan.faults.some(({ at, what }) => at === "continue" || at === "rotate" || what.includes(code));
    return isOfFault || fetch !== undefined || this.#wasKilled; // a response was lost, or the server has said so
  }

  get #wasKilled() {
    return this.#call.outcomes.some(({ wasKilled }) => wasKilled);
  }

  get #mayHaveLostToken() {
    const { plan, fetch } = this.script;
    return plan.faults.some(({ at }) => at === "rotate") || fetch !== undefined || this.#wasKilled;
  }

  async #checkFailed(error) {
    const [entry, ...others] = await this.#ledger();
    if (this.script.plan.arrival !== "fails") this.fail(`the wallet has not given it up: ${brief(error)}`);
    if (!entry?.failed || others.length > 0) this.fail(`it failed, and the ledger has ${brief([entry, ...others])}`);
  }

  async #checkUnknown() {
    const entries = await this.#ledger();
    if (entries.length > 1) this.fail(`the ledger has it ${entries.length} times`);
  }

  /** What the ledger has of this payment: [{ id, failed }]. */
  async #ledger() {
    const { paid } = await this.#tell("ledger");
    return paid.filter(({ order }) => order === this.key);
  }

  async #compare(paid) {
    const { script } = this;
    if (script.watches) await this.watch(paid);
    if (script.isAskedAgain) await this.payCalmly({ codes: this.#endings });
    const entries = await this.#ledger();
    if (entries.length !== 1) return this.fail(`the ledger has it ${entries.length} times: ${brief(entries)}`);
    if (entries[0].id !== paid.id) this.fail(`the ledger has ${entries[0].id}, and the caller ${paid.id}`);
  }

  fail(problem) {
    this.#call.problems.push(problem);
  }
}
