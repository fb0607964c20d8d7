// The benchmark, run in its smallest form.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { dist } from "./packages.mjs";

export const timeout = 600_000;
const bench = fileURLToPath(new URL("../../bench", import.meta.url));
const namesIn = (folder) => readdirSync(join(bench, folder)).map((name) => name.replace(".js", ""));
export const peers = namesIn("peers");
export const payers = namesIn("payments");
const ofPayments = ["payment", "callback"];

/** Runs the benchmark in Chromium and returns { result, markdown, svg }. Its exit status must be that of its bars. */
export async function run(t, ...options) {
  const folder = mkdtempSync(join(tmpdir(), "bench-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const json = join(folder, "result.json");
  const args = ["bench.mjs", "--check", "--chromium", `--dist=${dist()}`, `--json=${json}`, ...options];
  const running = promisify(execFile)(process.execPath, args, { cwd: bench, timeout });
  const { stdout, stderr, code = 0 } = await running.catch((error) => error);
  assert.ok(existsSync(json), stderr);
  const { chromium: result, ...others } = JSON.parse(readFileSync(json, "utf8"));
  assert.deepEqual(others, {});
  assert.equal(code, result.errors.length > 0 || result.bars.some(({ isMissed }) => isMissed) ? 1 : 0, stderr);
  const svg = join(folder, "result-chromium.svg");
  return { result, markdown: stdout, svg: existsSync(svg) && readFileSync(svg, "utf8") };
}

export function assertComplete({ errors, figures, peers }) {
  assert.deepEqual(errors, []);
  for (const [id, figure] of Object.entries(figures)) {
    for (const peer of peers.filter((peer) => !ofPayments.includes(id) || payers.includes(peer.id))) {
      for (const metric of Object.keys(figure.metrics)) {
        const found = figure.peers[peer.id][metric];
        assert.ok(Number.isFinite(found?.median), `${id} has no ${metric} of ${peer.id}`);
      }
    }
  }
}
