// What the package may cost, and whether it does: the table of the design.

export const floor = "fetch-prebuilt";
export const sdk = "open-payments-sdk";

const wanted = [
  {
    title: "warm continuation",
    figure: "warm",
    metric: "alone",
    to: "toFloor",
    chromium: { bar: 1.3, aim: 1.15 },
    firefox: { bar: 1.3 },
  },
  { title: "32 at once, per request", figure: "warm", metric: "together", to: "toSDK", chromium: { bar: 0.65 }, firefox: { bar: 0.75 } },
  { title: "32 at once, per request", figure: "warm", metric: "together", to: "toFloor", chromium: { aim: 1.3 } },
  { title: "sign only", figure: "offline", metric: "signed", to: "toSDK", chromium: { bar: 0.25, aim: 0.15 }, firefox: { bar: 0.5 } },
  { title: "cold start", figure: "cold", metric: "total", to: "toSDK", chromium: { bar: 1.1, aim: 1 }, firefox: { bar: 1.2 } },
  {
    title: "return from the wallet, module in the HTTP cache",
    figure: "return",
    metric: "total",
    to: "toSDK",
    chromium: { bar: 1.1, aim: 1 },
    firefox: { bar: 1.1 },
  },
  { title: "nothing cached, 10 Mbit/s and 40 ms", figure: "slow", metric: "total", to: "toSDK", chromium: { bar: 2.6, aim: 2.2 } },
  {
    title: "primary module, brotli 11",
    figure: "size",
    metric: "wasm",
    unit: "B",
    fullOnly: true,
    chromium: { bar: 575_000, aim: 500_000 },
  },
  {
    title: "wasm memory after many calls",
    figure: "memory",
    metric: "wasmMany",
    unit: "MiB",
    chromium: { bar: 16, aim: 12 },
  },
  {
    title: "wasm memory, grown between some calls and many",
    figure: "memory",
    metric: "wasmGrown",
    unit: "MiB",
    fullOnly: true, // it settles after some hundred calls
    chromium: { bar: 0, aim: 0 },
  },
  { title: "preflights of five equal calls in a row", figure: "preflights", metric: "row", chromium: { bar: 1 }, firefox: { bar: 1 } },
];

/** The verdict on every build of ours that signs with WebCrypto. */
export function bars({ browser, figures, peers, options }) {
  const ours = peers.filter(({ id }) => id === "ours" || id === "ours-b");
  const judged = wanted.filter((one) => one[options.browser] && !(one.fullOnly && options.quick));
  return judged.flatMap((one) =>
    ours.flatMap(({ id }) => {
      const found = verdict(one, one[options.browser], figures[one.figure]?.peers[id]?.[one.metric]);
      return found ? { title: one.title, browser: browser.replace(/\..*/, ""), peer: id, metric: one.metric, ...found } : [];
    }),
  );
}

function verdict({ to, unit }, { bar, aim }, found) {
  const number = to ? found?.[to] : found?.median;
  if (number === undefined) return undefined;
  const isMissed = bar !== undefined && number > bar;
  const show = (limit) => (limit === undefined ? "" : `≤ ${format(limit, to, unit)}`);
  const verdict = isMissed ? "**FAIL**" : number <= aim ? "aim reached" : bar === undefined ? "aim missed" : "pass";
  return { number, value: format(number, to, unit), bar: show(bar), aim: show(aim), isMissed, verdict };
}

function format(number, to, unit) {
  if (to) return `${number.toFixed(2)} × ${to === "toFloor" ? "floor" : "SDK"}`;
  return unit === "MiB" ? `${number} MiB` : number.toLocaleString("en");
}
