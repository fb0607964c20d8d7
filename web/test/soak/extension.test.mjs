// The extension's worker is stopped before and after every request and write of a payment. extension-payments.test.mjs does that at
// some of them.

import assert from "node:assert/strict";
import { it } from "node:test";
import { buildSteppingExtension, loadedExtensions, startProxy } from "../harness/extension.mjs";
import { Payer } from "../harness/payer.mjs";
import { Till } from "../harness/payments.mjs";
import { startSandbox } from "../harness/sandbox.mjs";

for (const { name, load } of loadedExtensions)
  it(`pays once when its worker is stopped before or after any request or write, in ${name}`, { timeout: 900_000 }, async (t) => {
    const built = buildSteppingExtension();
    t.after(() => built.remove());
    const sandbox = await startSandbox("-wait", "0s", "-lenient");
    t.after(() => sandbox.stop());
    const proxy = await startProxy(sandbox);
    t.after(() => proxy.close());
    const extension = await load(built.folder);
    t.after(() => extension.close());

    const payer = await Payer.connect(extension, proxy);
    await payer.allow("100");
    const stopped = await payer.stopAtSteps(1);
    const paid = await (await Till.at(proxy)).allPaid();
    for (const { key, step } of stopped) {
      const amounts = paid.filter(({ metadata }) => metadata?.key === key).map(({ debitAmount }) => debitAmount.value);
      assert.deepEqual(amounts, ["1"], step);
    }
    t.diagnostic(`stopped at ${stopped.length} steps`);
    assert.ok(stopped.length >= 40);
  });
