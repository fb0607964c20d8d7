// The list of payments that the person sees. Each is written down before it is begun, and the worker alone writes it:
//
//   paying ── sent ── arrived
//      │       └───── failed      the wallet gave up
//      ├── unpaid                 refused, and nothing was paid
//      └── unknown                the allowance was given back meanwhile: the wallet knows

const area = chrome.storage.local;
const most = 50;
const patienceMs = 60 * 60 * 1000; // how long a payment that was sent is watched
let last = Promise.resolve(); // the change before

/** Whether there is something to be done for a payment. */
export function isOpen({ state, at }) {
  return state === "paying" || (state === "sent" && Date.now() - at < patienceMs);
}

/** Adds a payment, { key, to, name, amount }, unless one with its key is there. */
export function startPayment(payment) {
  return change((payments) => {
    if (payments.some(({ key }) => key === payment.key)) return payments;
    const added = [{ ...payment, state: "paying", at: Date.now() }, ...payments];
    return added.filter((other, i) => i < most || isOpen(other));
  });
}

/** Says what became of a payment: { state, words }, each only where it changes. */
export function changePayment(key, fields) {
  return changePayments((payment) => (payment.key === key ? { ...payment, ...fields } : payment));
}

/** Puts what a function returns in the place of each payment. */
export function changePayments(update) {
  return change((payments) => payments.map(update));
}

/** One change after the other: each reads what the one before has written. */
function change(update) {
  const changing = last.then(async () => {
    const { payments } = await area.get("payments");
    const updated = update(payments ?? []);
    if (payments || updated.length > 0) await area.set({ payments: updated }); // what is deleted stays so
  });
  last = changing.catch(() => {});
  return changing;
}
