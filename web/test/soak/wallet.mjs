// The wallet of one payment of the run, with its ledger: authorization server, resource server and both accounts, as far as the
// payment needs them. It lives in the server's process, and refuses what real ones refuse. What no client may do is a breach.

import { interactionHash } from "../harness/grants.mjs";
import { serverFaults } from "./faults.mjs";
import { fee, price } from "./payment-script.mjs";

const dollars = (value) => ({ value: String(value), assetCode: "USD", assetScale: 2 });
const hourMs = 3_600_000;

const refusal = (status, description) => ({ status, value: { error: { code: String(status), description } } });
const denial = (code) => ({ status: 400, value: { error: { code, description: "this grant is over" } } });

/** What a request is for, by its method and the parts of its path behind the payment's address. Faults name these places. */
export function placeOf(method, [first, second, ...rest], body) {
  if (first === "control") return "control";
  if (first === "auth" || first === "shop-auth") return body?.interact ? "ask" : "grant";
  if (first === "continue") return method === "DELETE" ? "cancel" : "continue";
  if (first === "token") return method === "DELETE" ? "revoke" : "rotate";
  if (first !== "rs") return "wallet";
  if (second === "quotes") return "quote";
  if (second === "outgoing-payments") return method === "POST" ? "create" : rest.length > 0 ? "sent" : "list";
  return { POST: rest.at(-1) === "complete" ? "complete" : "incoming", GET: "received" }[method];
}

export class Wallet {
  #base;
  #plan;
  #onBreach;
  #secret;
  #phase = 0; // faults come in the phase 1
  #counts = new Map(); // place → how many requests came in that phase
  #seen = new Map(); // signature → fault
  #tokens = new Map(); // value → { isActive, number }
  #grants = [];
  #incoming = [];
  #quotes = [];
  #outgoing = [];
  #hasExpired = false;
  #lookNeeded = new Set(); // keys of orders for which a request to pay has come, and no look since
  #seenPaid = new Set(); // keys of orders that a look has shown to be paid

  /** `base` is the address of the payment, `plan` what its script wants; `onBreach` is told what no client may do. */
  constructor(base, plan, onBreach) {
    this.#base = base;
    this.#plan = plan;
    this.#onBreach = onBreach;
    this.#secret = `secret-${plan.salt}`; // all that nobody may tell begins so
    this.#outgoing.push(this.#decoy());
    if (plan.paysIncoming) this.#newIncoming({ incomingAmount: dollars(price), metadata: {} });
  }

  /** The fault that a request meets, or undefined. One that the browser repeats by itself, with the same signature, meets the same. */
  faultAt(place, signature) {
    const isRepeated = this.#seen.has(signature);
    const fault = isRepeated ? this.#seen.get(signature) : this.#nextFault(place);
    if (signature) this.#seen.set(signature, fault);
    return { fault, isRepeated };
  }

  /** The fault of a preflight: where there is one, the request itself does not come. */
  preflightFaultAt(place) {
    const next = this.#faultNow(place);
    return next?.what[0] === "preflight" ? this.#nextFault(place) : undefined;
  }

  #nextFault(place) {
    const fault = this.#faultNow(place);
    if (this.#phase === 1) this.#counts.set(place, (this.#counts.get(place) ?? 0) + 1);
    return fault;
  }

  #faultNow(place) {
    const count = this.#counts.get(place) ?? 0;
    const isNow = ({ at, skip, times }) => at === place && count >= skip && count < skip + times;
    return this.#phase === 1 ? this.#plan.faults.find(isNow) : undefined;
  }

  /** Told when a request has come, before anything is done with it. `others` are requests of this place that are under way. */
  arrived({ place, body, isRepeated }, others) {
    if (isRepeated) return;
    if (["continue", "rotate"].includes(place) && others.length > 0) this.#onBreach(`${place} is sent twice at the same time`);
    if (place !== "create") return;
    const key = body.metadata?.order;
    if (others.some((other) => other.body.metadata?.order === key)) this.#onBreach(`two requests to pay ${key} at the same time`);
    if (this.#seenPaid.has(key)) this.#onBreach(`a request to pay ${key}, which was seen to be paid`);
    if (this.#lookNeeded.has(key)) this.#onBreach(`a request to pay ${key} again without a look`);
    this.#lookNeeded.add(key);
  }

  /** Processes a request and returns the response: { status, value }; value is undefined where it has no body. */
  respond({ place, ...request }) {
    if (this.#plan.expires === place && this.#phase > 0) this.#expire(request);
    return this.#places[place](request);
  }

  /** The token of one request is over. */
  #expire({ authorization }) {
    const token = this.#tokens.get(authorization?.replace("GNAP ", ""));
    if (!token || this.#hasExpired) return;
    this.#hasExpired = true;
    token.isActive = false;
  }

  #places = {
    control: ({ parts: [, what] }) => this.#control[what](),
    wallet: ({ parts: [name] }) => ({ status: 200, value: this.#account(name) }),
    grant: ({ body }) => ({ status: 200, value: this.#issue(body.access_token.access) }),
    ask: (request) => ({ status: 200, value: this.#ask(request) }),
    continue: (request) => this.#continue(request),
    cancel: () => ({ status: 204 }),
    rotate: (request) => this.#rotate(request),
    revoke: () => ({ status: 204 }),
    incoming: this.#withToken(({ body }) => ({ status: 201, value: this.#newIncoming(body) })),
    complete: this.#withToken(({ parts }) => ({ status: 200, value: { ...this.#shown(this.#incoming[parts[2]]), completed: true } })),
    received: ({ parts, authorization }) => this.#received(this.#incoming[parts[2]], authorization),
    quote: this.#withToken(({ body }) => ({ status: 201, value: this.#newQuote(body) })),
    create: this.#withToken(
      ({ body }) => this.#create(body),
      ({ body }) => this.#lookNeeded.delete(body.metadata?.order),
    ),
    list: this.#withToken(({ fault }) => ({ status: 200, value: this.#list(fault) })),
    sent: this.#withToken(({ parts }) => ({ status: 200, value: this.#sent(this.#outgoing[parts[2]]) })),
  };

  #control = {
    begin: () => this.#enter(1),
    calm: () => this.#enter(2),
    ledger: () => ({ status: 200, value: { paid: this.#outgoing.slice(1).map((payment) => this.#entry(payment)) } }),
  };

  #enter(phase) {
    this.#phase = phase;
    return { status: 200, value: {} };
  }

  #entry({ id, failed, metadata: { order }, receiver }) {
    return { id, failed, order, receiver };
  }

  #withToken(respond, onRefusal = () => {}) {
    return (request) => {
      if (this.#tokens.get(request.authorization?.replace("GNAP ", ""))?.isActive) return respond(request);
      onRefusal(request);
      return refusal(403, "Inactive Token");
    };
  }

  #account(name) {
    const authServer = `${this.#base}/${this.#plan.hasTwoServers && name === "shop" ? "shop-auth" : "auth"}`;
    return { id: `${this.#base}/${name}`, assetCode: "USD", assetScale: 2, authServer, resourceServer: `${this.#base}/rs` };
  }

  #newToken(access) {
    const number = this.#tokens.size;
    const value = `${this.#secret}/token+${number}`;
    this.#tokens.set(value, { isActive: true, access });
    return { value, manage: `${this.#base}/token/${number}`, expires_in: 600, access };
  }

  #issue(access) {
    return {
      access_token: this.#newToken(access),
      continue: { access_token: { value: `${this.#secret}/next` }, uri: `${this.#base}/continue/none` },
    };
  }

  #ask({ url, body }) {
    const number = this.#grants.length;
    const reference = `${this.#secret}/reference+${number}`;
    const serverNonce = `nonce-of-the-server-${number}`;
    const { nonce, uri } = body.interact.finish;
    const callback = new URL(uri);
    callback.searchParams.set(
      "hash",
      interactionHash({ clientNonce: nonce, serverNonce, reference, endpoint: url, encoding: "base64url" }),
    );
    callback.searchParams.set("interact_ref", reference);
    this.#grants.push({ reference, access: body.access_token.access, isIssued: false });
    return {
      interact: { redirect: `${this.#base}/approve?callback=${encodeURIComponent(callback.href)}`, finish: serverNonce },
      continue: { access_token: { value: `${this.#secret}/continuation+${number}` }, uri: `${this.#base}/continue/${number}` },
    };
  }

  /** The token is given once. */
  #continue({ parts: [, number], body, authorization }) {
    const grant = this.#grants[number];
    if (authorization !== `GNAP ${this.#secret}/continuation+${number}` || body?.interact_ref !== grant.reference)
      return denial("invalid_continuation");
    if (grant.isIssued) return denial("request_denied");
    grant.isIssued = true;
    return { status: 200, value: this.#issue(grant.access) };
  }

  #rotate({ authorization }) {
    const used = this.#tokens.get(authorization?.replace("GNAP ", ""));
    if (!used || used.isRotated) return denial("invalid_rotation");
    Object.assign(used, { isRotated: true, isActive: false });
    return { status: 200, value: { access_token: this.#newToken(used.access) } };
  }

  #newIncoming({ incomingAmount, metadata }) {
    const id = `${this.#base}/rs/incoming-payments/${this.#incoming.length}`;
    const createdAt = new Date().toISOString();
    const payment = { id, walletAddress: `${this.#base}/shop`, incomingAmount, received: 0, due: 0, looks: 0, metadata, createdAt };
    this.#incoming.push(payment);
    return this.#shown(payment);
  }

  #shown({ received, due, looks, ...payment }) {
    const completed = payment.incomingAmount !== undefined && received >= Number(payment.incomingAmount.value);
    const methods = [{ type: "ilp", ilpAddress: "test.wallet.soak", sharedSecret: "c29hay1zZWNyZXQ" }];
    return { ...payment, completed, receivedAmount: dollars(received), methods };
  }

  /** What is due arrives when it was looked for, sooner or later. */
  #received(payment, authorization) {
    if (payment.due > 0) payment.looks += 1;
    const isThere = this.#plan.arrival !== "fails" && payment.looks > (this.#plan.arrival === "slow" ? 2 : 0);
    if (isThere) payment.received = payment.due;
    const value = this.#shown(payment);
    if (!authorization) return { status: 200, value: { receivedAmount: value.receivedAmount, authServer: `${this.#base}/auth` } };
    return this.#withToken(() => ({ status: 200, value }))({ authorization });
  }

  /** The first quote may be over at once, and the next may cost more. */
  #newQuote({ receiver }) {
    const number = this.#quotes.length;
    const now = Date.now();
    const lasts = number === 0 && this.#plan.quote !== "lasting" ? 1 : hourMs;
    const cost = price + fee + (this.#plan.quote === "dearer" ? number : 0);
    const quote = {
      ...{ id: `${this.#base}/rs/quotes/${number}`, walletAddress: `${this.#base}/alice`, receiver, method: "ilp" },
      ...{ receiveAmount: dollars(price), debitAmount: dollars(cost) },
      ...{ createdAt: new Date(now).toISOString(), expiresAt: new Date(now + lasts).toISOString() },
    };
    this.#quotes.push(quote);
    return quote;
  }

  /** Pays a quote, once. Its limits do not stop a client that pays twice with two quotes: the ledger shows it. */
  #create({ quoteId, metadata }) {
    const quote = this.#quotes.find(({ id }) => id === quoteId);
    if (!quote) return refusal(404, "unknown quote");
    if (quote.isUsed || Date.parse(quote.expiresAt) < Date.now()) return refusal(400, "invalid quote");
    if (this.#outgoing.some(({ metadata: { order } }) => order === metadata.order)) this.#onBreach(`${metadata.order} is paid twice`);
    quote.isUsed = true;
    const { walletAddress, receiver, receiveAmount, debitAmount } = quote;
    const payment = {
      ...{
        id: `${this.#base}/rs/outgoing-payments/${this.#outgoing.length}`,
        walletAddress,
        quoteId,
        failed: false,
        receiver,
        receiveAmount,
      },
      ...{ debitAmount, sentAmount: dollars(0), metadata, createdAt: new Date().toISOString() },
    };
    this.#outgoing.push(payment);
    this.#incoming.find(({ id }) => id === receiver).due += price;
    return { status: 201, value: { ...payment } };
  }

  /** The newest first. Only a response that can be read is a look. */
  #list(fault) {
    const result = this.#outgoing.toReversed().map((payment) => this.#sent(payment));
    const isReadable = !fault || serverFaults[fault.what[0]].expects === "success";
    if (isReadable) {
      this.#lookNeeded.clear();
      for (const { metadata } of result) this.#seenPaid.add(metadata.order);
    }
    return { result, pagination: { hasNextPage: false, hasPreviousPage: false } };
  }

  #sent(payment) {
    if (this.#plan.arrival === "fails" && payment !== this.#outgoing[0]) payment.failed = true;
    return payment;
  }

  /** Another payment of the same wallet, which is nobody's here. */
  #decoy() {
    const id = `${this.#base}/rs/outgoing-payments/0`;
    const receiver = `${this.#base}/rs/incoming-payments/other`;
    const createdAt = new Date(Date.now() - hourMs).toISOString();
    const metadata = { order: "another" };
    return {
      ...{ id, walletAddress: `${this.#base}/alice`, failed: false, receiver, receiveAmount: dollars(1), debitAmount: dollars(1) },
      ...{ sentAmount: dollars(1), metadata, createdAt, quoteId: `${this.#base}/rs/quotes/other` },
    };
  }
}
