// Medians and their like. A measurement is a list of rounds, each a list of samples; rounds of two
// peers with the same index were taken right after each other.

export function quantile(samples, q) {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  return sorted[low] + (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]) * (at - low);
}

export const median = (samples) => quantile(samples, 0.5);

/** The median, the 95th percentile, and the spread: the width of the middle half, as a share of the median. */
export function summary(rounds) {
  const samples = rounds.flat();
  if (samples.length === 0) return undefined;
  const middle = median(samples);
  const spread = middle === 0 ? 0 : (quantile(samples, 0.75) - quantile(samples, 0.25)) / middle;
  return { median: middle, p95: quantile(samples, 0.95), spread, samples: samples.length };
}

/** For every round in which both were measured, how much more one took than the other. */
export function roundRatios(rounds, others) {
  const both = rounds.map((samples, i) => [samples, others[i] ?? []]).filter((pair) => pair.every((samples) => samples.length > 0));
  return both.map(([samples, other]) => median(samples) / median(other));
}

/** How much more one peer takes than another: the median over the rounds, so that drift cancels out. */
export function ratio(rounds, others) {
  const ratios = roundRatios(rounds, others);
  return ratios.length > 0 ? median(ratios) : undefined;
}
