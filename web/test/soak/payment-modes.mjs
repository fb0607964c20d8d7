// How a payment of the run is made while there are faults. Each is called with the Payment of payments.mjs.

export const modes = {
  plain: async (payment) => {
    await payment.start({ abort: payment.abortIn("start") });
    if (payment.callback) await payment.finish({ abort: payment.abortIn("finish") });
  },
  twice,
  tabs: twice,
  resumed: async (payment) => {
    await payment.start({ abort: payment.abortIn("start") });
    if (!payment.callback) return;
    const { value } = await payment.finish({ abort: { when: "sent", reason: 0 } });
    const { codes, ...right } = payment.paid();
    if (!value) await payment.resume({ ...right, codes: [...codes, "interaction_required"], abort: payment.abortIn("finish") });
  },
  watched: async (payment) => {
    const value = await acceptedOf(payment);
    if (!value) return;
    await payment.begin();
    await payment.watch(value, { abort: payment.abortIn("finish"), timeoutMs: 1500 });
  },
  declined: async (payment) => {
    await payment.start({ abort: payment.abortIn("start") });
    if (!payment.callback) return;
    await refused(payment, `${payment.order.finishUri}?result=grant_rejected`, ["interaction_rejected"]);
    await payment.forget(payment.started.id, { abort: payment.abortIn("finish") });
  },
  forged: async (payment) => {
    await payment.start({ abort: payment.abortIn("start") });
    if (!payment.callback) return;
    const forged = payment.callback.replace(/hash=./, (start) => (start === "hash=A" ? "hash=B" : "hash=A"));
    await refused(payment, forged, ["hash_mismatch"]);
    await payment.finish({ abort: payment.abortIn("finish") });
  },
  recurring: async (payment) => {
    if (await acceptedOf(payment)) await payAgain(payment);
  },
};

/** Makes a payment before the faults come. */
async function acceptedOf(payment) {
  await payment.start();
  return payment.callback && (await payment.finish()).value;
}

async function twice(payment) {
  await payment.both((options) => payment.start(options), payment.abortIn("start"));
  if (payment.callback) await payment.both((options) => payment.finish(options), payment.abortIn("finish"));
}

/** A callback that proves nothing changes nothing. */
async function refused(payment, callback, codes) {
  await payment.make("finish", callback, { codes, isRight: () => false });
}

/** Makes a second payment with the grant that the first one has left, and lists what was paid meanwhile. */
async function payAgain(payment) {
  const name = payment.key;
  const { order, base, script } = payment;
  payment.key = `${name} again`;
  const another = { key: payment.key, to: order.to, metadata: { ...order.metadata, order: payment.key } };
  const amount = order.receiveAmount ?? order.debitAmount;
  const open = (client) => client.withGrant({ name });
  const again = (options) => {
    const task = async (client, signal) => client.payment.again({ ...another, amount, grant: await open(client) }, { signal });
    return payment.attempt(task, { name: "again", ...payment.paid(), ...options });
  };
  const list = (options) => {
    const target = { url: `${base}/rs`, walletAddress: order.from };
    const task = async (client, signal) => (await open(client)).outgoingPayment.list({ ...target, signal }, { first: 10 });
    const isRight = ({ result }) => result.some(({ metadata }) => metadata.order === name);
    return payment.attempt(task, { name: "list", ...payment.paid(), isRight, ...options });
  };
  payment.payCalmly = again;
  await payment.begin();
  await Promise.all([again({ abort: payment.abortIn("finish") }), script.watches && list({}), script.isAskedAgain && again({})]);
}
