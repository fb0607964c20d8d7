// The package is the same bytes wherever it is built, and by whichever compiler's cache.

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { buildCopy, dist } from "../harness/packages.mjs";

test("a build in another folder with an empty cache is what integrity.json says", { timeout: 1_200_000 }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), "reproducible-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const built = buildCopy(join(folder, "copy"), { GOCACHE: join(folder, "cache") });
  const textOf = (package_, name) => readFileSync(join(package_, name));
  assert.deepEqual(JSON.parse(textOf(built, "integrity.json")), JSON.parse(textOf(dist(), "integrity.json")));
  for (const name of readdirSync(built)) assert.ok(textOf(built, name).equals(textOf(dist(), name)), name);
});
