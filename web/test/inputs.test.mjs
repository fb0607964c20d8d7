// Ten thousand responses, key texts, callbacks and stored records at random (soak/inputs.mjs).

import assert from "node:assert/strict";
import { test } from "node:test";
import { runInputs } from "./soak/inputs.mjs";

const timeout = 300_000;

test("whatever comes, no call needs the deferred module, and each settles as it may", { timeout }, async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 2 ** 32);
  t.diagnostic(`SEED=${seed}`);
  const count = 10_000;
  const outcomes = await runInputs({ count, seed });
  t.diagnostic(JSON.stringify(outcomes));
  assert.equal(
    Object.values(outcomes).reduce((sum, times) => sum + times, 0),
    count,
  );
  for (const kind of ["a continuation", "a management", "a start", "a key", "a hash", "a callback"]) {
    assert.ok(outcomes[`${kind}: a value`] > 0, `${kind}: none succeeded, so nothing was tried`);
  }
});
