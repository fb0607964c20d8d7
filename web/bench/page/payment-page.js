// Runs in every page that pays, inlined. Connects the peer, and where the page is a callback, finishes the payment that it
// is for. Times are milliseconds since the navigation.

const config = JSON.parse(document.getElementById("config").textContent);

globalThis.bench = { config };
globalThis.connected = (async () => {
  const { connect } = await import(`${config.base}/peers/${config.peer}/payment.js`);
  bench.payer = await connect(config.key);
})();
globalThis.finished = new URLSearchParams(location.search).has("interact_ref") && finishHere();

async function finishHere() {
  await connected;
  await bench.payer.finish(location.href);
  const accepted = performance.now();
  const files = performance.getEntriesByType("resource").filter(({ name }) => name.startsWith(location.origin));
  return { accepted, cached: files.map(({ transferSize }) => transferSize === 0) };
}

/** Begins a payment: an order that nobody has made before. Returns where the wallet would send the person back to. */
bench.start = async (id, { from, to, finishUri = `${location.origin}/callback` }) => {
  const order = { key: id, from: `${from}/pay/${id}/wallet/payer`, to: `${to}/pay/${id}/wallet/till`, metadata: { order: id } };
  const { redirect } = await bench.payer.start({ ...order, receiveAmount: config.receiveAmount, finishUri: `${finishUri}?order=${id}` });
  return new URL(redirect).searchParams.get("callback");
};

/** A payment from the wallet addresses to the arrival, without the person: the milliseconds of its parts. */
bench.pay = async (id, servers) => {
  const times = [performance.now()];
  const timed = async (task) => {
    const result = await task;
    times.push(performance.now());
    return result;
  };
  const callback = await timed(bench.start(id, servers));
  const outgoing = await timed(bench.payer.finish(callback));
  await timed(bench.payer.watch(outgoing));
  const [start, finish, watch] = times.slice(1).map((time, i) => time - times[i]);
  await bench.payer.forget(outgoing);
  return { start, finish, watch, whole: start + finish + watch };
};
