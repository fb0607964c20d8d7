// The browsers, and pages in them. Nothing watches the network: that would slow every fetch down.

import puppeteer from "puppeteer-core";

const common = { headless: true, networkEnabled: false, issuesEnabled: false, protocolTimeout: 120_000 };

const chromium = {
  browser: "chrome",
  pipe: true,
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", // its own sandbox does not start for root
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const firefox = {
  browser: "firefox",
  executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
};

export const launch = (name) => puppeteer.launch({ ...common, ...(name === "firefox" ? firefox : chromium) });

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
