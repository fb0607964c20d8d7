// Puts the measurements together, and writes them as Markdown.

import { bars, floor, sdk } from "./bars.mjs";
import { figures } from "./figures/index.mjs";
import { ratio, roundRatios, summary } from "./statistics.mjs";

export function collect({ bench, measurements, machine, version }) {
  const { options, peers, errors } = bench;
  const { dist, distB, json, browsers, ...told } = options; // folders of this machine are nobody's business
  const result = {
    browser: version,
    date: new Date().toISOString(),
    options: told,
    machine,
    errors,
    peers: peers.map(({ id, title }) => ({ id, title })),
    figures: {},
  };
  for (const figure of figures.filter(({ id }) => measurements[id])) {
    const { id, title, note } = figure;
    const metrics = typeof figure.metrics === "function" ? figure.metrics(options) : figure.metrics;
    result.figures[id] = { title, note, metrics, peers: {} };
    const { isFor = () => true } = figure;
    for (const peer of peers.filter(isFor)) result.figures[id].peers[peer.id] = summaries(measurements[id], peer.id, metrics);
  }
  result.bars = bars(result);
  return result;
}

function summaries(measured, peer, metrics) {
  const all = {};
  for (const metric of Object.keys(metrics)) {
    const rounds = measured[peer]?.[metric] ?? [];
    const to = (other) => ratio(rounds, measured[other]?.[metric] ?? []);
    const found = summary(rounds);
    all[metric] = found ? { ...found, toFloor: to(floor), toSDK: to(sdk), ...compared(measured, peer, metric) } : null;
  }
  return all;
}

/** How the second build compares with the first, round by round. */
function compared(measured, peer, metric) {
  const first = peer.endsWith("-b") && measured[peer.slice(0, -2)]?.[metric];
  if (!first) return {};
  const ratios = roundRatios(measured[peer][metric], first);
  return {
    toFirst: { ratio: ratio(measured[peer][metric], first), fasterIn: ratios.filter((one) => one < 1).length, rounds: ratios.length },
  };
}

/** The report on what was found, by the name of the browser: first the bars of all. */
export function markdown(results) {
  const all = Object.values(results);
  const bars = all.flatMap(({ bars }) => bars);
  return [...(bars.length > 0 ? [barTable(bars)] : []), ...all.map(ofBrowser)].join("\n\n");
}

function ofBrowser(result) {
  const parts = [`## ${result.browser}`, header(result)];
  const second = secondBuild(result);
  if (second.length > 0) parts.push(markdownTable([["second build against the first", "peer", "×", "less in rounds"], ...second]));
  for (const figure of Object.values(result.figures)) parts.push(figureTable(figure, result.peers));
  if (result.errors.length > 0)
    parts.push(
      ["Errors:", "", ...result.errors.map(({ figure, peer, message }) => `- ${figure}${peer ? `, ${peer}` : ""}: ${message}`)].join("\n"),
    );
  return parts.join("\n\n");
}

function header({ machine, options }) {
  const lines = [`${machine.cores} × ${machine.cpu}, ${options.rounds} rounds.`];
  if (machine.busy) {
    const [load, slowest] = [machine.loadBefore, machine.slowest].map((figure) => figure.toFixed(1));
    const signs = `load ${load} before, a loop of known length took up to ${slowest} times as long`;
    lines.push(`**The machine was busy** (${signs}): trust the ratios, not the times.`);
  }
  return lines.join("\n");
}

function barTable(list) {
  const rows = list.map(({ title, browser, peer, value, bar, aim, verdict }) => [title, browser, peer, value, bar, aim, verdict]);
  const lines = rows.map((cells) => `| ${cells.join(" | ")} |`);
  return ["| bar | browser | peer | measured | required | aim | |", "|---|---|---|--:|--:|--:|---|", ...lines].join("\n");
}

function secondBuild({ figures, peers }) {
  return Object.values(figures).flatMap(({ title, metrics, peers: found }) =>
    Object.entries(metrics)
      .filter(([, { main }]) => main)
      .flatMap(([id, metric]) =>
        peers
          .filter((peer) => found[peer.id]?.[id]?.toFirst)
          .map((peer) => {
            const { ratio, fasterIn, rounds } = found[peer.id][id].toFirst;
            return [`${title}: ${metric.title}`, peer.id, `**${times(ratio)}**`, `${fasterIn} of ${rounds}`];
          }),
      ),
  );
}

function figureTable({ title, note, metrics, peers }, everybody) {
  const list = everybody.filter(({ id }) => id in peers);
  const all = Object.entries(metrics).map(([id, metric]) => ({ id, ...metric }));
  const main = all.filter(({ main }) => main);
  const others = all.filter(({ main }) => !main);
  const found = (peer, { id }) => peers[peer.id]?.[id];
  const tables = main.map((metric, i) =>
    [
      [metric.title, "median", ...spreadTitles(metric), "× floor", "× SDK"],
      ...list.map((peer) => mainCells(peer, metric, found(peer, metric))),
    ].map((row, at) =>
      i > 0 ? row : [...row, ...others.map((other) => (at === 0 ? other.title : medianOf(found(list[at - 1], other), other)))],
    ),
  );
  if (main.length === 0)
    tables.push([
      ["", ...others.map(({ title }) => title)],
      ...list.map((peer) => [peer.title, ...others.map((other) => medianOf(found(peer, other), other))]),
    ]);
  return [`### ${title}`, ...(note ? [note] : []), ...tables.map(markdownTable)].join("\n\n");
}

const isTime = ({ unit }) => unit === "ms";
const spreadTitles = (metric) => (isTime(metric) ? ["p95", "spread"] : []);

function mainCells({ title }, metric, found) {
  const spread = isTime(metric) ? [found ? format(found.p95, "ms") : "–", found ? `${Math.round(found.spread * 100)} %` : "–"] : [];
  return [title, found ? `**${format(found.median, metric.unit)}**` : "–", ...spread, times(found?.toFloor), times(found?.toSDK)];
}

const times = (value) => (Number.isFinite(value) ? value.toFixed(2) : "–");
const medianOf = (found, { unit }) => (found ? format(found.median, unit) : "–");

function markdownTable([head, ...rows]) {
  return [head, ["---", ...head.slice(1).map(() => "--:")], ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export function format(value, unit) {
  if (unit === "B") return Math.round(value).toLocaleString("en");
  if (unit === "MiB") return value.toFixed(2);
  if (unit === "ms") return value.toFixed(value < 1 ? 3 : value < 20 ? 2 : 0);
  return String(Number(value.toFixed(2)));
}
