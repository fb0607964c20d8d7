// Makes the README's pictures of the demo page: node screenshots.mjs writes web/demo/screenshots/. Those of every state go to a
// folder that is named: node screenshots.mjs FOLDER.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { browsers } from "./harness/browsers.mjs";
import { root } from "./harness/packages.mjs";
import { startSandbox } from "./harness/sandbox.mjs";

const folder = process.argv[2] ?? join(root, "web/demo/screenshots");
const schemes = ["light", "dark"];
const sizes = { 1280: { width: 1280, height: 800 }, 360: { width: 360, height: 720, deviceScaleFactor: 2 } };

const press = (page, selector) => Promise.all([page.waitForNavigation(), page.click(selector)]);

async function toWallet(page) {
  await page.click("#start");
  await page.waitForSelector("#wallet:not([hidden])");
  await press(page, "#wallet");
}

async function toEnd(page) {
  await toWallet(page);
  await press(page, "#approve");
  await page.waitForSelector("[data-phase=done]");
}

async function breakBy(page, name) {
  await page.$eval(`input[value=${name}]`, (input) => input.click());
}

/** Scrolls a step to below the names of the lanes. */
function show(page, name) {
  return page.$eval(`[data-step=${name}]`, (step) =>
    scrollBy(0, step.getBoundingClientRect().top - document.querySelector(".lanes").offsetHeight),
  );
}

/** Each state: how a person gets there from the first screen. */
const states = {
  start: async () => {},
  turn: async (page) => {
    await page.click("#start");
    await page.waitForSelector("#wallet:not([hidden])");
  },
  wallet: toWallet,
  paid: toEnd,
  bytes: async (page) => {
    await toEnd(page);
    await page.$eval("[data-step=continue] summary", (summary) => summary.click());
    await page.focus("[data-step=continue] .base [data-part=content-digest]");
    await show(page, "continue");
  },
  lost: async (page) => {
    await breakBy(page, "lost");
    await toEnd(page);
    await show(page, "pay");
  },
  refused: async (page) => {
    await breakBy(page, "tamper");
    await page.click("#start");
    await page.waitForSelector("[data-phase=done]");
  },
};

/** Those of the README; with a folder as argument, all states in all sizes go there. */
const pictures = process.argv[2]
  ? Object.keys(states).flatMap((state) => Object.keys(sizes).map((size) => [state, size]))
  : [
      ["start", 1280],
      ["bytes", 1280],
      ["lost", 1280],
      ["refused", 1280],
      ["wallet", 360],
      ["paid", 360],
    ];

mkdirSync(folder, { recursive: true });
const [chromium] = browsers;
const [browser, sandbox] = await Promise.all([
  chromium.launch(),
  startSandbox("-addr", "127.0.0.1:8080", "-sandbox-addr", "127.0.0.1:8081", "-wait", "1s", "-fee", "200", "-payment-delay", "200ms"),
]);
try {
  for (const scheme of schemes) for (const [state, size] of pictures) await take(state, size, scheme);
} finally {
  await Promise.all([browser.close(), sandbox.stop()]);
}

async function take(state, size, scheme) {
  const context = await browser.createBrowserContext(); // a key of its own
  const page = await context.newPage();
  await page.setViewport(sizes[size]);
  await page.emulateMediaFeatures([
    { name: "prefers-color-scheme", value: scheme },
    { name: "prefers-reduced-motion", value: "reduce" },
  ]);
  await page.goto(sandbox.demo);
  await page.waitForSelector("#start:not([hidden])");
  await states[state](page);
  await page.screenshot({ path: join(folder, `${state}-${size}-${scheme}.webp`), type: "webp", quality: 60 });
  await context.close();
}
