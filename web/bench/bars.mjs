// What the package may cost, and whether it does.

export const floor = "fetch-prebuilt";
export const sdk = "open-payments-sdk";

const wanted = [
  { title: "warm continuation", figure: "warm", metric: "alone", to: "toFloor", bar: 1.35, aim: 1.15 },
  { title: "32 at once, per request", figure: "warm", metric: "together", to: "toSDK", bar: 0.7 },
  { title: "32 at once, per request", figure: "warm", metric: "together", to: "toFloor", aim: 1.3 },
  { title: "sign only", figure: "offline", metric: "signed", to: "toSDK", bar: 0.65, aim: 0.3 },
  { title: "cold start", figure: "cold", metric: "total", to: "toSDK", bar: 1.2, aim: 1 },
  { title: "return from the wallet, from navigation", figure: "return", metric: "navigation", to: "toSDK", bar: 2, aim: 1.2 },
  { title: "return from the wallet, from the page's script", figure: "return", metric: "total", to: "toSDK", bar: 2, aim: 1.2 },
  { title: "the same, after much use", figure: "returnUsed", metric: "total", to: "toSDK", bar: 2, aim: 1.2 },
  { title: "wasm, brotli", figure: "size", metric: "wasm", bar: 1_400_000, aim: 1_250_000, unit: "B" },
  { title: "wasm memory after many calls", figure: "memory", metric: "wasmMany", bar: 16, aim: 12, unit: "MiB" },
  {
    title: "wasm memory, grown between some calls and many",
    figure: "memory",
    metric: "wasmGrown",
    bar: 0,
    aim: 0,
    unit: "MiB",
    fullOnly: true,
  },
];

/** The verdict on every build of ours that signs with WebCrypto. */
export function bars({ figures, peers, options }) {
  const ours = peers.filter(({ id }) => id === "ours" || id === "ours-b");
  const judged = wanted.filter(({ fullOnly }) => !fullOnly || !options.quick); // memory settles after some hundred calls
  return judged.flatMap((one) => ours.flatMap(({ id }) => verdict(one, id, figures[one.figure]?.peers[id]?.[one.metric]) ?? []));
}

function verdict({ title, metric, to, bar, aim, unit }, peer, found) {
  const value = to ? found?.[to] : found?.median;
  if (value === undefined) return undefined;
  const reached =
    aim !== undefined && value <= aim
      ? "aim reached"
      : bar !== undefined && value > bar
        ? "**FAIL**"
        : bar !== undefined
          ? "pass"
          : "aim missed";
  const show = (number) =>
    number === undefined
      ? ""
      : to
        ? `${number.toFixed(2)} × ${to === "toFloor" ? "floor" : "SDK"}`
        : unit === "MiB"
          ? `${number} MiB`
          : number.toLocaleString("en");
  return {
    title,
    peer,
    metric,
    number: value,
    value: show(value),
    bar: bar === undefined ? "" : `≤ ${show(bar)}`,
    aim: aim === undefined ? "" : `≤ ${show(aim)}`,
    verdict: reached,
  };
}
