// The browsers, and how they are started: for every test, and for web/bench.

import puppeteer from "puppeteer-core";

const chromium = {
  browser: "chrome",
  headless: true,
  pipe: true,
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox", // its own sandbox does not start for root
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup", // two more renderers for each window: half of all that a test takes
  ],
};

const firefox = {
  browser: "firefox",
  headless: true,
  executablePath: process.env.FIREFOX ?? "/usr/bin/firefox-esr",
};

export const launchChromium = ({ args = [], ...options } = {}) =>
  puppeteer.launch({ ...chromium, ...options, args: [...chromium.args, ...args] });
export const launchFirefox = (options) => puppeteer.launch({ ...firefox, ...options });

/** Every browser, or with BROWSER=Firefox only that one. */
export const browsers = [
  { name: "Chromium", launch: launchChromium },
  { name: "Firefox", launch: launchFirefox },
].filter(({ name }) => [undefined, name].includes(process.env.BROWSER));
