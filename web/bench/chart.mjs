// The main figures as bars, in an SVG that follows the reader's light or dark theme.

import { format } from "./report.mjs";

const shown = [
  ["warm", "alone", "Warm continuation"],
  ["warm", "together", "32 at once, per request"],
  ["offline", "signed", "Sign only"],
  ["payment", "whole", "A payment, from the wallet addresses to the arrival"],
  ["cold", "total", "Cold start, loopback"],
  ["slow", "total", "Cold start, 10 Mbit/s and 40 ms"],
  ["return", "navigation", "Return from the wallet"],
];

const width = 800;
const label = 300; // the width of the titles
const rowHeight = 20;
const panelHeight = (rows) => 34 + rows * rowHeight + 14;

const legend = "less is better. The line reaches to the 95th percentile, or to the edge.";

/** The chart, or undefined where nothing of it was measured. */
export function chart({ figures, peers, browser }) {
  const panels = shown.filter(([figure]) => figures[figure]);
  if (panels.length === 0) return undefined;
  let height = 30;
  const drawn = panels.map(([id, metric, title]) => {
    const figure = figures[id].peers;
    const drawnPeers = peers.filter((peer) => peer.id in figure);
    const top = height;
    height += panelHeight(drawnPeers.length);
    return panel(title, figure, metric, drawnPeers, top);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="Median times of the peers, in milliseconds">
<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328; }
  .title { font-weight: 600; font-size: 13px; }
  .faint { fill: #656d76; }
  rect { fill: #8c959f; }
  .ours { fill: #0969da; }
  .far { stroke: #8c959f; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .faint { fill: #8d96a0; }
    rect { fill: #6e7681; }
    .ours { fill: #4493f8; }
    .far { stroke: #6e7681; }
  }
</style>
<text x="8" y="18" class="faint">Median in milliseconds, ${escape(browser)}; ${legend}</text>
${drawn.join("\n")}
</svg>
`;
}

function panel(title, figure, metric, peers, top) {
  const values = peers.map(({ id }) => figure[id]?.[metric]);
  const most = Math.max(...values.map((found) => found?.median ?? 0));
  const scale = (value) => Math.min(value / (most * 1.25), 1) * (width - label - 70);
  const rows = peers.map((peer, i) => row(peer, values[i], top + 30 + i * rowHeight, scale));
  return [`<text x="8" y="${top + 18}" class="title">${escape(title)}</text>`, ...rows].join("\n");
}

function row({ id, title }, found, y, scale) {
  const name = `<text x="${label - 8}" y="${y + 13}" text-anchor="end">${escape(title)}</text>`;
  if (!found) return `${name}<text x="${label}" y="${y + 13}" class="faint">not measured</text>`;
  const end = label + Math.max(scale(found.median), 1);
  const far = label + scale(found.p95);
  const color = id.startsWith("ours") ? ' class="ours"' : "";
  const bar = `<rect x="${label}" y="${y + 3}" width="${(end - label).toFixed(1)}" height="${rowHeight - 7}" rx="2"${color}/>`;
  const line = `<path class="far" d="M${end.toFixed(1)} ${y + 9.5}H${far.toFixed(1)}"/>`;
  return `${name}${bar}${line}<text x="${(Math.max(end, far) + 6).toFixed(1)}" y="${y + 13}">${format(found.median, "ms")}</text>`;
}

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
