// Projects that use the package: how they are started, and how a grant is continued in each place that they have.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";
import { dist } from "./packages.mjs";
import { grantFor } from "./server.mjs";
import { isAccepted } from "./verify.mjs";

export const timeout = 120_000;

/** Asserts that what a project returned is a grant, continued with a signature that verifies. */
export async function assertContinued(server, options, { grant, jwk, version }) {
  const [request] = server.exchanges(options.url);
  assert.deepEqual(grant, grantFor(request));
  assert.ok(await isAccepted(request, jwk));
  assert.equal(version, packageVersion());
}

/** The version of the package. */
export const packageVersion = () => JSON.parse(readFileSync(join(dist(), "package.json"))).version;

/** Opens a page and continues a grant in each place that it knows: `page`, `worker`, … */
export async function walk(server, browser, url, places) {
  const page = await browser.newPage();
  try {
    await page.goto(url);
    for (const place of places) await continueIn(server, page, place);
  } finally {
    await page.close();
  }
}

/** Continues a grant in a place that a page or a worker knows. */
export async function continueIn(server, page, place) {
  for (const end = Date.now() + timeout; !(await page.evaluate("globalThis.project !== undefined")); await setTimeout(50)) {
    if (Date.now() > end) throw new Error("The project has not started");
  }
  const options = server.continuation("continue");
  const failed = "(error) => JSON.stringify({ error: `${error} ${error.cause}` })";
  const call = `project.${place}(${JSON.stringify(options)}).then(JSON.stringify, ${failed})`;
  const result = JSON.parse(await page.evaluate(call));
  assert.equal(result.error, undefined, `${place}: ${result.error}`);
  await assertContinued(server, options, result);
}

/** Starts a server of a project for the time of a test. It prints its address, which is returned when it listens. */
export async function startServerOf(t, command, args, options) {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "inherit"], ...options });
  const ended = once(child, "exit");
  t.after(async () => {
    child.kill();
    await ended;
  });
  let origin;
  let said = "";
  child.stdout.on("data", (chunk) => {
    said += stripVTControlCharacters(String(chunk));
    [origin] = /http:\/\/127\.0\.0\.1:[1-9]\d*(?=\D)/.exec(said) ?? [];
  });
  // Some say their address before they listen.
  const isListening = () =>
    origin &&
    fetch(origin).then(
      (response) => response.text(),
      () => undefined,
    );
  for (const end = Date.now() + timeout / 2; !(await isListening()); await setTimeout(50)) {
    if (Date.now() > end || child.exitCode !== null) throw new Error(`${args.join(" ")} did not start: ${said}`);
  }
  return origin;
}
