// The same tests in every browser, and what they need started.

import { after, describe } from "node:test";
import { browsers } from "./browsers.mjs";

/**
 * Describes tests once for each browser. `title` makes the name of the suite of that of the browser, the other options are
 * those of describe. `define` gets { name, launch, start }: `start` waits for what is being started, such as a browser, a
 * site or a sandbox, and closes it when the tests are over, whether the others could be started or not.
 */
export function describeInBrowsers({ title = (name) => name, ...options }, define) {
  for (const { name, launch } of browsers) {
    describe(title(name), options, () => {
      const started = [];
      const start = async (...starting) => {
        const outcomes = await Promise.allSettled(starting);
        started.push(...outcomes.flatMap(({ value }) => value ?? []));
        for (const { reason } of outcomes) if (reason) throw reason;
        return outcomes.map(({ value }) => value);
      };
      after(() => Promise.all(started.map((it) => (it.close ?? it.stop).call(it))));
      define({ name, launch, start });
    });
  }
}
