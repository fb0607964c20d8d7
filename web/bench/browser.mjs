// The browsers, and pages in them. Nothing watches the network: that would slow every fetch down.

import { launchChromium, launchFirefox } from "../test/harness/browsers.mjs";

const options = { networkEnabled: false, issuesEnabled: false, protocolTimeout: 120_000 };

export const launch = (name) => (name === "firefox" ? launchFirefox : launchChromium)(options);

/** Opens a page in a context of its own: no cache, no connection, and a process that is not shared. */
export async function openFresh(browser, url) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(url);
  return { page, context, close: () => context.close() };
}

/** Runs a function in the page. The result travels as JSON, so that both browsers treat it alike. */
export async function run(page, fn, ...args) {
  const call = `(${fn})(...${JSON.stringify(args)})`;
  const text = await page.evaluate(`(async () => JSON.stringify(await ${call}))()`);
  return text === undefined ? undefined : JSON.parse(text);
}
