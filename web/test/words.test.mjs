// What the errors say: every code happens once, and its words are such as a person needs. PRINT=yes prints them all, to be read.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launchChromium } from "./harness/browsers.mjs";
import { failuresByCode } from "./harness/codes.mjs";
import { Lab } from "./harness/lab.mjs";
import { dist, root } from "./harness/packages.mjs";
import { Till } from "./harness/payments.mjs";
import { startProxy } from "./harness/proxy.mjs";
import { startSandbox } from "./harness/sandbox.mjs";
import { startServer } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";
import { startTokens } from "./harness/tokens.mjs";

const timeout = 120_000;

/** The codes of the type ErrorCode, as they are declared. */
function declaredCodes() {
  const [, type] = /export type ErrorCode =\n(.*?);/s.exec(readFileSync(join(dist(), "index.d.ts"), "utf8"));
  return Array.from(type.matchAll(/"(\w+)"/g), ([, code]) => code);
}

/** What the table in the README says of each code: [what happened, what to do]. */
function documentedCodes() {
  const readme = readFileSync(join(dist(), "README.md"), "utf8");
  const rows = Array.from(readme.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| (.+) \| (.+) \|$/gm));
  return Object.fromEntries(rows.flatMap(([, codes, ...cells]) => codes.split(", ").map((code) => [code.replaceAll("`", ""), cells])));
}

/** What no text may have, by why. */
const unspeakable = {
  "a value that is missing": /\bundefined\b|\bnull\b|\bNaN\b|\[object|<nil>|%!/,
  "the inside of Go": /goroutine|nil pointer|syscall\/js|json: |runtime error|panic|safejs|context deadline/,
  "an end or a colon twice": /\.\.|::|[.:;,] ?[.:;,](?!\w)/,
  "a space too many": / {2}|^ | $| [.,:;]/,
  "a line break": /[\n\r]/,
  "what failed, twice": /failed.*failed \(/,
};

/** What cannot happen in the extension, or is for who publishes its key, or comes with the wallet's own words. */
const notOfPayers = [
  ...["invalid_request", "invalid_interaction", "invalid_flag", "invalid_rotation", "key_rotation_not_supported", "unknown_user"],
  ...["unknown_interaction", "http_error", "invalid_expires_at", "not_found", "invalid_quote", "quote_changed"],
  ...["key_set_unreachable", "key_set_invalid", "key_not_published", "key_mismatch", "key_exposed"],
  ...["key_in_use", "no_pending_payment", "interaction_required", "no_window", "popup_blocked", "window_closed"],
];

describe("the words of errors", { timeout }, () => {
  const errors = {}; // by code
  const started = [];
  let tab, other, server, proxy;

  before(async () => {
    const start = async (starting) => {
      const it = await starting;
      started.push(it);
      return it;
    };
    const flags = ["-wait", "0s", "-lenient", "-faults", "-payment-delay", "5s"];
    const [browser, site, sandbox, tokens] = await Promise.all(
      [launchChromium(), startSite(), startSandbox(...flags), startTokens()].map(start),
    );
    [server, proxy] = await Promise.all([startServer(), startProxy(sandbox)].map(start));
    const till = await Till.at(proxy);
    [tab, other] = [await till.open(browser, site), await till.open(browser, site)];
    const openTab = (parameters) => Lab.open(browser, site, parameters);
    const { together, alone } = failuresByCode({ tab, other, openTab, server, tokens, sandbox });
    const make = async ([code, fail]) => {
      const outcome = await fail();
      assert.equal(outcome.error?.code, code, JSON.stringify(outcome));
      errors[code] = outcome.error;
    };
    await Promise.all(Object.entries(together).map(make));
    for (const failing of Object.entries(alone)) await make(failing);
    if (process.env.PRINT) for (const [code, { message }] of Object.entries(errors)) console.log(`${code}\n    ${message}`);
  });

  after(() => Promise.all(started.map((it) => (it.close ?? it.stop).call(it))));

  test("every code that is declared has happened, and no other", () => {
    assert.deepEqual(Object.keys(errors).sort(), declaredCodes().sort());
  });

  test("the README says of each what happened, and what to do", () => {
    const documented = documentedCodes();
    for (const code of Object.keys(errors)) assert.ok(documented[code], code);
  });

  test("they are sentences", () => {
    for (const [code, { message, description, status }] of Object.entries(errors)) {
      for (const text of [message, description]) {
        for (const [why, pattern] of Object.entries(unspeakable)) assert.doesNotMatch(text, pattern, `${code} has ${why}`);
      }
      assert.match(message, /^(?:[A-Z]|https:|redirectToWallet|(?:quote|incomingPayment|outgoingPayment)\.)/, code);
      const isOfServer = status >= 400 && message.endsWith(description); // whose words may end as they like
      assert.ok(isOfServer || /[a-zA-Z)}]\.$/.test(message), `${code} has no end: ${message}`);
      const sentences = message.split(/(?<=\.) /);
      assert.deepEqual(sentences, [...new Set(sentences)], `${code} says the same twice`);
      assert.ok(message.length < 600, `${code} is too long: ${message}`);
    }
  });

  test("a code that a server sends without words says where its meaning is", () => {
    for (const code of ["user_denied", "invalid_flag"]) assert.match(errors[code].description, /RFC 9635/);
  });

  test("what a server wants is said before its own words, and those of a wallet have an end", () => {
    assert.match(errors.interaction_failed.description, /The wallet says: Expired\. The grant may/);
    assert.match(errors.too_fast.message, /^The next request may be made in 3600 s, .* failed \(400 too_fast\): wait$/);
  });

  test("the extension says each that a payer can meet in other words than those for developers", async () => {
    const source = readFileSync(join(root, "web/extension/words.js"), "utf8");
    const sdk = pathToFileURL(join(dist(), "index.js")).href;
    const { wordsFor } = await import(`data:text/javascript,${encodeURIComponent(source.replace("./open-payments-wasm/index.js", sdk))}`);
    for (const [code, error] of Object.entries(errors)) {
      if (notOfPayers.includes(code)) continue;
      const words = wordsFor(error);
      assert.match(words, /^(?:A|I|T|W|Y)[^<>]+\.$/, code);
      assert.doesNotMatch(words, /\b(?:grant|token|quote|server|store|CORS|URL|JSON|RFC|client|hash)\b/, code);
      assert.notEqual(words, error.description, code);
    }
  });

  test("none holds a secret", () => {
    const tokens = [...server.requests, ...proxy.requests].map(({ headers }) => headers.authorization?.replace("GNAP ", ""));
    const secrets = new Set(tokens.filter(Boolean));
    assert.ok(tab.log.length > 100 && secrets.size > 40);
    tab.assertSilent(secrets, server.requests);
    other.assertSilent(secrets);
  });
});
