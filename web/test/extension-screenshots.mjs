// Makes pictures of the extension's popup, of every state, light and dark: node extension-screenshots.mjs FOLDER.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { startAskingSite } from "./harness/asking-site.mjs";
import { walkStates } from "./harness/extension-states.mjs";
import { buildExtension, loadedExtensions, startProxy } from "./harness/extension.mjs";
import { startSandbox } from "./harness/sandbox.mjs";

const [, , folder] = process.argv;
if (!folder) throw new Error("usage: node extension-screenshots.mjs FOLDER");
mkdirSync(folder, { recursive: true });
const built = buildExtension();
const [{ load }] = loadedExtensions;
const sandbox = await startSandbox("-wait", "0s");
const [proxy, site, extension] = await Promise.all([startProxy(sandbox), startAskingSite(), load(built.folder)]);
try {
  await walkStates({ extension, proxy, site }, async (name, popup) => {
    for (const scheme of ["light", "dark"]) {
      await popup.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      await popup.screenshot({ path: join(folder, `${name}-${scheme}.png`) });
    }
  });
} finally {
  await Promise.all([extension.close(), sandbox.stop(), proxy.close(), site.close()]);
  built.remove();
}
