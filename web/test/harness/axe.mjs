// What axe finds in a page.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What is serious or critical: texts of the rule and the elements that break it. */
export async function violationsIn(page) {
  const run = `axe.run(document, { preload: false, resultTypes: ["violations"] })`;
  const report = await page.evaluate(`${axe}; (async () => JSON.stringify((await ${run}).violations))()`);
  const grave = JSON.parse(report).filter(({ impact }) => impact === "serious" || impact === "critical");
  return grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(", ")}`);
}
