// The threat model names tests. They are there, and none is left out of a run.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "./harness/packages.mjs";

const page = readFileSync(join(root, "wasm/sdk/THREATS.md"), "utf8");

/** The rows of the tables that have a column "shown by": { what, tests: [{ file, title }] }. */
function rowsOf(markdown) {
  return markdown.split(/^## /m).flatMap((section) => {
    if (!section.includes("| shown by |")) return [];
    const rows = section.split("\n").filter((line) => line.startsWith("| "));
    return rows.slice(1).map((row) => {
      const [what, , shown] = row.slice(1, -1).split(/(?<!\\)\|/);
      const tests = [...shown.matchAll(/`([^`]+)`, "([^"]+)"/g)].map(([, file, title]) => ({ file, title }));
      return { what: what.trim(), isOpen: row.includes("**not protected**"), tests };
    });
  });
}

const escaped = (text) => text.replaceAll(/[.*+?^$()|[\]{}\\]/g, "\\$&");

/** The titles in a file of tests, each as an expression that matches it: what stands in a template can be anything. */
function titlesOf(source) {
  const calls = /(?<![\w.])(?:test|it|describe)\(\s*(["'`])((?:\\.|(?!\1)[^\\])*)\1/gs;
  return [...source.matchAll(calls)].map(([, quote, text]) => {
    const parts = quote === "`" ? text.split(/\$\{(?:[^{}]|\{[^{}]*\})*\}/) : [text];
    const isTelling = parts.join("").length >= 12; // else it would match any title
    return isTelling ? new RegExp(`^${parts.map(escaped).join(".*")}$`, "s") : /^(?!)/;
  });
}

/** Says why a test is not there or does not run, or returns undefined. */
function missing({ file, title }) {
  const path = join(root, file.endsWith(".mjs") ? "web/test" : "", file);
  if (!existsSync(path)) return `there is no ${file}`;
  const source = readFileSync(path, "utf8");
  if (file.endsWith("_test.go")) return source.includes(`\nfunc ${title}(`) ? undefined : `${file} has no ${title}`;
  return titlesOf(source).some((expression) => expression.test(title)) ? undefined : `${file} has no "${title}"`;
}

const rows = rowsOf(page);

test("every line of the threat model names tests, and they are there", () => {
  assert.ok(rows.length > 50, `${rows.length} lines`);
  const unshown = rows.filter(({ tests, isOpen }) => tests.length === 0 && !isOpen);
  assert.deepEqual(
    unshown.map(({ what }) => what),
    [],
  );
  assert.deepEqual(rows.flatMap(({ tests }) => tests.map(missing)).filter(Boolean), []);
});

test("no test that is named there is skipped", () => {
  for (const file of new Set(rows.flatMap(({ tests }) => tests.map(({ file }) => file)))) {
    const source = readFileSync(join(root, file.endsWith(".mjs") ? "web/test" : "", file), "utf8");
    assert.doesNotMatch(
      source,
      /\b(?:test|it|describe)\.(?:skip|todo|only)\b|\b(?:skip|todo|only): |\bt\.(?:skip|Skip|SkipNow|Skipf|todo)\(/,
      file,
    );
  }
});

test("a title that is not there, or only looks like one that is, is found", () => {
  const source = [
    'test("one title of a test", () => {});',
    "it(\n  `with ${what} in ${{ a: 1 }.a} it works`);",
    "test(`${what}`, f);",
    ["test", 'skip("left out of it");'].join("."), // in two parts, so that nobody takes it for one of this file
  ].join("\n");
  const has = (title) => titlesOf(source).some((expression) => expression.test(title));
  assert.deepEqual(["one title of a test", "with this in that it works"].map(has), [true, true]);
  assert.deepEqual(["one title", "with this it works", "anything", "left out of it"].map(has), [false, false, false, false]);
});
