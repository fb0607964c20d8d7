// Runs the scripts of a page, many at once, judges each, and says what the page holds afterwards.

import { countListeners, livingInstances, moduleMemory, pendingTimers, sleep, startedInstances, watchRequests } from "./instruments.mjs";
import { failingStore, fetchOf, signOf } from "./callers.mjs";
import { brief, expectedOf, isOver, problemsOf } from "./judge.mjs";
import { localCalls } from "./local.mjs";
import { pay } from "./payments.mjs";
import { Random } from "./random.mjs";
import { callResource, expectedEcho, isResourceCall, isUnsigned } from "./resources.mjs";
import { scriptOf } from "./script.mjs";

const sdk = await import(`${new URLSearchParams(location.search).get("folder")}/index.js`);
const patienceTicks = 200; // after the deadline of a call, in ticks of 100 ms: a machine that stands still makes none
const walletAddressUrl = "https://wallet.example/soak";
const keyId = "soak";

const pair = await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
const pkcs8 = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
const pem = `-----BEGIN PRIVATE KEY-----\n${btoa(String.fromCharCode(...new Uint8Array(pkcs8)))}\n-----END PRIVATE KEY-----\n`;
const keys = {
  cryptoKey: { keyId, privateKey: pair.privateKey },
  handle: await sdk.importKey(pem, { keyId }),
  sign: { keyId, sign: signOf(pair.privateKey) },
  pem: { keyId, privateKey: pem },
};

const shared = new AbortController(); // never aborted: what listens to it for ever would be seen
const sharedListeners = countListeners(shared.signal);
const unhandled = [];
addEventListener("unhandledrejection", ({ reason }) => unhandled.push(`unhandled rejection: ${brief(reason)} ${reason?.stack}`));
addEventListener("error", ({ message }) => unhandled.push(`uncaught: ${message}`));

let ticks = 0;
setInterval(() => (ticks += 1), 100);

const kills = { count: 0, underWay: 0 };

/** Makes the calls from `from` up to `to`, so many at once. Returns { failures, tally, fine }. */
async function run(settings, { from, to, atOnce }) {
  const results = { failures: [], tally: {}, fine: { made: 0, succeeded: 0 } };
  let next = from;
  const work = async () => {
    while (next < to) await runOne(settings, next++, results);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  for (const problem of unhandled.splice(0)) results.failures.push({ problems: [problem] });
  return results;
}

async function runOne(settings, index, results) {
  const script = scriptOf(settings.seed, index, settings);
  const call = new Call(script, settings);
  try {
    await call.make();
  } catch (error) {
    call.problems.push(`the run itself failed: ${error?.stack ?? error}`);
  }
  call.end();
  count(results, call);
  if (call.problems.length > 0) results.failures.push({ script, problems: [...new Set(call.problems)] });
}

/** What became of the calls. Of those that send something and meet no fault nearly all must succeed. */
function count({ tally, fine }, { script, outcomes }) {
  for (const { name, wasKilled } of outcomes) {
    tally[name] = (tally[name] ?? 0) + 1;
    if (script.isFaulty || script.call === "kill" || localCalls[script.call] || wasKilled) continue;
    fine.made += 1;
    if (name === "resolved") fine.succeeded += 1;
  }
}

const methods = {
  continueGrant: (call, options) => sdk.continueGrant(options),
  poll: (call, options) => sdk.pollGrant({ ...options, interactRef: undefined, wait: 0 }),
  clientContinue: (call, { interactRef, ...options }) =>
    client(options).then(({ grant }) => grant.continue(targetOf(options), interactRef && { interact_ref: interactRef })),
  request: (call, { accessToken, ...options }) => client(options).then(({ grant }) => grant.request(targetOf(options), requestBody())),
  cancel: (call, options) => client(options).then(({ grant }) => grant.cancel(targetOf(options))),
  rotate: (call, options) => client(options).then(({ token }) => token.rotate(targetOf(options))),
  revoke: (call, options) => client(options).then(({ token }) => token.revoke(targetOf(options))),
};
const resource = (call, options) => client(options).then((client) => callResource(client, call.script, targetOf(options)));
const roles = { continueGrant: "continue", clientContinue: "continue" };

const targetOf = ({ url, accessToken, signal }) => ({ url, accessToken, signal });
const client = ({ key, timeoutMs, fetch, store }) =>
  sdk.createAuthenticatedClient({ walletAddressUrl, key, requestTimeoutMs: timeoutMs, fetch, store });
const requestBody = (interact) => ({ access_token: { access: [{ type: "quote", actions: ["create"] }] }, ...(interact && { interact }) });

/** One script under way. */
class Call {
  problems = [];
  outcomes = [];

  constructor(script, { seed, origins, runId }) {
    this.script = script;
    this.seed = seed;
    this.id = `${runId}-${script.index}`;
    this.origin = origins[(script.port ?? 0) % origins.length];
    this.record = watchRequests(this.id);
    this.token = `token+${script.salt}/${script.index}`;
    this.reference = script.hasReference || script.call === "finish" ? `reference/${script.salt}+&<${script.index}>` : undefined;
    this.key = script.sign ? { keyId, sign: signOf(pair.privateKey, script) } : keys[script.key];
    this.fetch = fetchOf(script);
  }

  end() {
    this.record.forget();
  }

  make() {
    const { script } = this;
    if (script.call === "kill") return this.kill();
    if (script.call === "finish") return this.finish();
    if (script.call === "payment") return pay(this, { sdk, client, key: keys.cryptoKey });
    if (localCalls[script.call]) return this.makeLocally();
    return script.twin ? this.makeTwins() : this.attempt(this.plan());
  }

  /** The address: what the server does with the request is in it. */
  url(role = roles[this.script.call] ?? this.script.call) {
    const { server = ["fine"], steps = 0 } = this.script;
    return `${this.origin}/${role}/${steps}/${server.join("/")}/${this.id}`;
  }

  /** How a call is to be made, and what a right response repeats of it. */
  plan(task = methods[this.script.call]) {
    const { script, token, reference } = this;
    if (isResourceCall(script.call)) return this.planOfResource();
    const url = this.url();
    const isPoll = script.call === "poll";
    const lastUrl = isPoll ? url.replace(`/poll/${script.steps}/`, "/poll/0/") : url;
    const lastToken = isPoll && script.steps > 0 ? `${token}.0` : token;
    const isRequest = script.call === "request";
    return {
      task,
      options: { url, accessToken: token, interactRef: reference },
      timeoutMs: script.timeoutMs,
      secrets: [token, lastToken, reference].filter(Boolean),
      expected: {
        url: lastUrl,
        method: "POST",
        ...(!isRequest && { authorization: `GNAP ${lastToken}` }),
        reference: isRequest || isPoll || script.call === "rotate" ? null : (reference ?? null),
      },
      codes: isPoll ? ["too_fast"] : [],
    };
  }

  planOfResource() {
    const { script, token } = this;
    const url = this.url();
    const expected = expectedEcho(script, url, token);
    const isFollowed = isUnsigned(script.call) && script.server?.[0] === "redirect";
    if (isFollowed) expected.url = expected.url.replace(`/${script.server.join("/")}/`, "/fine/");
    const codes = isFollowed ? ["redirected", "invalid_response"] : [];
    return { task: resource, options: { url, accessToken: token }, timeoutMs: script.timeoutMs, secrets: [token], expected, codes };
  }

  /** Makes one call and judges it. */
  async attempt(plan, abort = this.script.abort) {
    const { script, record } = this;
    const attempt = { ...plan, ...this.signalFor(abort) };
    const options = { key: this.key, fetch: this.fetch, timeoutMs: attempt.timeoutMs, signal: attempt.signal, ...plan.options };
    const outcome = await settled(() => plan.task(this, options), attempt.timeoutMs, attempt.afterCall);
    outcome.wasKilled ||= this.outcomes.some(({ wasKilled }) => wasKilled); // a kept result may be that of an earlier attempt
    this.outcomes.push({ name: "value" in outcome ? "resolved" : nameOf(outcome.error, attempt), wasKilled: outcome.wasKilled });
    const problems = plan.judge ? plan.judge(outcome, attempt) : problemsOf(script, attempt, outcome, record, sdk);
    this.problems.push(...problems);
    return outcome;
  }

  /** The signal of an attempt, and when it is aborted. */
  signalFor(abort) {
    if (!abort) return { signal: this.script.usesSharedSignal ? shared.signal : undefined };
    const controller = new AbortController();
    const reasons = [() => new Error("the caller's own reason"), () => undefined, () => "a text", () => ({ own: true })];
    const end = () => controller.abort(reasons[abort.reason]());
    if (abort.when === "before") end();
    if (abort.when === "sent") this.record.onSent.push(end);
    if (abort.when === "responded") this.record.onResponded.push(end);
    if (abort.when === "afterMs") sleep(abort.ms).then(end);
    return { signal: controller.signal, isAbortedFirst: abort.when === "before", afterCall: abort.when === "sameTask" ? end : undefined };
  }

  /** Two equal calls at once. What one of them aborts, the other keeps. */
  async makeTwins() {
    const abort = this.script.twin === "aborted" ? { when: "afterMs", ms: this.script.index % 40, reason: 0 } : undefined;
    await Promise.all([this.attempt(this.plan(), abort), this.attempt(this.plan())]);
  }

  async makeLocally() {
    const random = new Random(this.seed, this.script.input);
    const { make, secrets = [], mayRefuse, codes, isRight } = await localCalls[this.script.call](sdk, random);
    const judge = (outcome, attempt) => {
      if ("value" in outcome) return isRight(outcome.value) ? [] : [`it resolved with ${brief(outcome.value)}`];
      return problemsOf({ ...this.script, isOdd: mayRefuse }, attempt, outcome, this.record, sdk);
    };
    await this.attempt({ task: make, options: {}, timeoutMs: 30_000, secrets, mayRefuse, codes, judge });
  }

  /** Ends the instance of the module. */
  async kill() {
    kills.count += 1;
    kills.underWay += 1;
    await sdk.call(this.script.kill).catch(() => {});
    await sleep(50);
    kills.underWay -= 1;
  }

  // A grant that is started and finished.

  async finish() {
    const { script, token, reference } = this;
    const { storeFault } = script;
    const memory = sdk.memoryStorage();
    this.store = storeFault ? failingStore(memory, storeFault) : script.store === "memory" ? memory : undefined;
    this.plainStore = script.store === "memory" ? memory : undefined;
    this.finishUri = `${location.origin}/blank.html?grant=${this.id}`;
    this.clientNonce = script.givesNonce ? `nonce-of-the-client-${script.salt}` : undefined;
    const query = new URLSearchParams({
      reference,
      token,
      encoding: script.encoding,
      method: script.method === "sha-512" ? script.method : "",
    });
    const { value, error } = await this.attempt(this.startPlan(`${this.url("start")}?${query}`), null);
    storeFault && this.store.enter("finish");
    const pending = value ?? (await this.record.started);
    if (!pending) return;
    this.callback = new URL(pending.interact.redirect).searchParams.get("callback");
    if (value) await this.checkForgotten(await modes[script.mode](this));
    else if (error.code === "storage_error") await this.finishUnstored(error);
  }

  /** The server has the grant and the store does not: the error has all that is needed. */
  async finishUnstored(error) {
    if (!error.pending) this.problems.push("the store failed after the request, and the error has no pending grant");
    if (!error.pending) return;
    const { pending } = error;
    const task = (call, options) => client({ ...options, store: this.store }).then(({ grant }) => grant.finish(this.callback, { pending }));
    await this.finishOnce({ task });
  }

  startPlan(url) {
    const { script, store, finishUri } = this;
    const isFaulty = script.storeFault?.phase === "start";
    const finish = { method: "redirect", uri: finishUri, nonce: this.clientNonce, hash_method: script.method };
    const interact = { start: ["redirect"], finish };
    const start = async (call, { timeoutMs }) => {
      const { grant } = await client({ key: keys.cryptoKey, timeoutMs, store });
      return grant.start({ url }, requestBody(interact));
    };
    const judge = (outcome, attempt) => {
      const undisturbed = { ...script, server: undefined, fetch: undefined, sign: undefined };
      const isSentInVain = outcome.error && isUnwritable(script.storeFault) && this.record.sent > 0;
      if (isSentInVain) return ["the request was sent though the store takes nothing"];
      if (!("value" in outcome)) return problemsOf(undisturbed, attempt, outcome, this.record, sdk);
      return outcome.value.echo?.url === url ? [] : ["the response is for another request"];
    };
    const codes = isFaulty ? ["storage_error"] : [];
    return { task: start, options: {}, timeoutMs: isFaulty ? script.timeoutMs : 10_000, secrets: [this.token], codes, judge };
  }

  /** Finishes the grant; `changes` are those of the plan. */
  finishOnce({ callback = this.callback, abort = null, ...changes } = {}) {
    const { script, store } = this;
    const task = (call, { signal, ...options }) => client({ ...options, store }).then(({ grant }) => grant.finish(callback, { signal }));
    const codes = script.storeFault ? ["storage_error", "no_pending_grant"] : [];
    const mayFailAnyhow = Boolean(script.storeFault);
    const plan = { ...this.plan(task), options: {}, codes, mayFailAnyhow, respondedBefore: this.record.responded };
    return this.attempt({ ...plan, ...changes }, abort);
  }

  /** Finishes with a callback that must be refused, with nothing sent and nothing forgotten. */
  refused(callback, codes) {
    const judge = (outcome, { signal, timeoutMs }) => {
      if ("value" in outcome) return [`a callback without a proof was taken: ${callback.replace(this.reference, "…")}`];
      const { error, ms, wasKilled } = outcome;
      const isRight = codes.includes(error.code) || wasKilled || (error.code === "timeout" && ms >= timeoutMs * 0.9 - 5);
      const isStore = this.script.storeFault && ["storage_error", "no_pending_grant"].includes(error.code);
      return isRight || isStore ? [] : [`it should reject with ${codes}: ${brief(error)}`];
    };
    return this.finishOnce({ callback, judge });
  }

  /** A grant is forgotten when its token was handed over, or when the server said that it is over; never else. */
  async checkForgotten(outcomes) {
    const { script, plainStore: store } = this;
    const { grant } = await client({ key: keys.cryptoKey, store });
    const left = (await grant.pending()).filter(({ finishUri }) => finishUri === this.finishUri);
    for (const { id } of left) await grant.forget(id);
    if (script.storeFault || outcomes.some(({ wasKilled }) => wasKilled)) return;
    const isSaidToBeOver = outcomes.some(({ error }) => isOver(error?.code)) || isOver(script.server?.[3]);
    const isDone = outcomes.some((outcome) => outcome.value?.access_token);
    if (isDone && left.length > 0) this.problems.push("the grant is remembered though its token was handed over");
    const wasLost = !isDone && !isSaidToBeOver && left.length === 0;
    if (wasLost) this.problems.push(`the grant was forgotten after ${outcomes.map(({ error }) => brief(error)).join(" and ")}`);
  }
}

const isUnwritable = (fault) =>
  fault?.phase === "start" && fault.on === "set" && fault.skip === 0 && ["throws", "rejects"].includes(fault.kind);

const sharedOutcome = (call, aborts) => Promise.all(aborts.map((abort) => call.finishOnce({ abort })));

/** How a grant is finished. Each returns the outcomes. */
const modes = {
  plain: async (call) => [await call.finishOnce({ abort: call.script.abort })],
  twice: (call) => sharedOutcome(call, [call.script.abort, null]), // each makes a client of its own
  clients: (call) => sharedOutcome(call, [null, null]),
  abortOne: (call) => sharedOutcome(call, [{ when: "afterMs", ms: call.script.abortAfterMs, reason: 0 }, null]),
  again: async (call) => {
    const when = ["sameTask", "sent", "responded"][call.script.abortAfterMs % 3];
    const first = await call.finishOnce({ abort: { when, reason: 0 } });
    return [first, await call.finishOnce("value" in first ? { codes: ["no_pending_grant"], mayFailAnyhow: true } : {})];
  },
  result: async (call) => {
    const { result } = call.script;
    const rejected = new URL(call.finishUri);
    rejected.searchParams.set("result", result);
    const code = result === "grant_rejected" ? "interaction_rejected" : "interaction_failed";
    const first = await call.refused(rejected.href, [code]);
    return [first, await call.finishOnce({ abort: call.script.abort })];
  },
  wrongHash: async (call) => {
    const forged = new URL(call.callback);
    forged.searchParams.set(
      "hash",
      forged.searchParams.get("hash").replace(/^./, (first) => (first === "A" ? "B" : "A")),
    );
    const first = await call.refused(forged.href, ["hash_mismatch"]);
    return [first, await call.finishOnce({ abort: call.script.abort })];
  },
  afterwards: async (call) => {
    const first = await call.finishOnce();
    if (!("value" in first)) return [first];
    const judge = ({ error, wasKilled }) => {
      const isRight = error?.code === "no_pending_grant" || call.script.storeFault || wasKilled;
      return isRight ? [] : ["a finished grant was finished again"];
    };
    return [first, await call.finishOnce({ judge })];
  },
};

/** What comes of a call: { value } or { error }, with how long it took; or isUnsettled, long after its deadline. */
async function settled(task, timeoutMs, afterCall) {
  const began = performance.now();
  const killsBefore = kills.count;
  const wasKilled = () => kills.underWay > 0 || kills.count > killsBefore;
  const isDying = kills.underWay > 0;
  const promise = (async () => task())();
  afterCall?.();
  const outcome = promise.then(
    (value) => ({ value }),
    (error) => ({ error }),
  );
  const result = await Promise.race([outcome, unsettled(timeoutMs, promise)]);
  return { ...result, ms: performance.now() - began, wasKilled: isDying || wasKilled() };
}

/** Resolves long after the deadline, counted in ticks, or soon after the promise has settled. */
async function unsettled(timeoutMs, promise) {
  let isSettled = false;
  const note = () => (isSettled = true);
  promise.then(note, note);
  const last = ticks + Math.ceil(timeoutMs / 100) + patienceTicks;
  while (ticks < last && !isSettled) await sleep(500);
  return { isUnsettled: !isSettled };
}

function nameOf(error, { signal }) {
  if (signal?.aborted && error === signal.reason) return "aborted";
  return error?.code ?? error?.name ?? "unsettled";
}

/** What the page holds. With `collects` Go's collector runs before, which only the build with faults can do. */
async function measure({ collects }) {
  return {
    values: collects ? await heldValues() : 0,
    memory: moduleMemory(),
    timers: pendingTimers(),
    listeners: sharedListeners(),
    started: startedInstances(),
    living: livingInstances(),
    kills: kills.count,
  };
}

/** How many values of JavaScript Go holds. */
async function heldValues() {
  await sdk.call("collect");
  const { go } = await sdk.start();
  return go._values.length - go._idPool.length;
}

globalThis.soak = { run, measure, scriptOf, expectedOf };
