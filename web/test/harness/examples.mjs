// Takes the code out of documentation, and lets the compiler check it.

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dist } from "./packages.mjs";
import { projects, scratch } from "./tarball.mjs";

const tsc = fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url));

/** The fenced blocks of a Markdown text: { language, code, line } */
export function fencedBlocks(markdown) {
  const blocks = [];
  for (const match of markdown.matchAll(/^( *)```(\w*)[^\n]*\n(.*?)^ *```$/gms)) {
    const [, indent, language, code] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    blocks.push({ language, line, code: code.replaceAll(new RegExp(`^${indent}`, "gm"), "") });
  }
  return blocks;
}

/** The exported values of a declaration file: { name, doc, examples } */
export function documentedValues(declarations) {
  const values = [];
  const pattern = /(?:\/\*\*((?:(?!\*\/).)*)\*\/\n)?export (?:declare )?(?:function|class|const) (\w+)/gs;
  for (const [, comment = "", name] of declarations.matchAll(pattern)) {
    const text = comment.replaceAll(/^ *\* ?/gm, "");
    const [doc, ...examples] = text.split("@example");
    values.push({ name, doc: doc.trim(), examples: examples.flatMap((example) => fencedBlocks(example.trim())) });
  }
  return values;
}

/**
 * Compiles TypeScript, given as text by file name, against the package, and returns what the
 * compiler finds: { file, line, code, message }. The package's own declarations are checked too.
 */
export function compile(files, options = {}) {
  const folder = scratch();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(dist(), join(folder, "node_modules/open-payments-wasm"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const compilerOptions = {
    strict: true, noUncheckedIndexedAccess: true, skipLibCheck: false, noEmit: true,
    target: "es2022", module: "nodenext", lib: ["es2022", "dom"], types: [], typeRoots: [join(projects, "node_modules/@types")],
    ...options,
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  return run(folder);
}

function run(folder) {
  try {
    execFileSync(tsc, ["--project", folder, "--pretty", "false"], { cwd: folder, encoding: "utf8", timeout: 60_000 });
    return [];
  } catch ({ stdout }) {
    const found = [...String(stdout).matchAll(/^(.+?)\((\d+),\d+\): error TS(\d+): (.*)$/gm)];
    if (found.length === 0) throw new Error(`tsc: ${stdout}`);
    return found.map(([, file, line, code, message]) => ({ file, line: Number(line), code: Number(code), message }));
  }
}

const unknownNames = [2304, 2552, 2580, 2591, 18004];

/**
 * Compiles the JavaScript and TypeScript of a Markdown text. Blocks are excerpts: names that they
 * do not declare are taken to be what the package exports by that name, else anything; but not
 * where they are called.
 */
export function compileBlocks(markdown, exported) {
  const blocks = codeBlocks(markdown);
  const files = Object.fromEntries(blocks.map(({ code, line }) => [`line-${line}.ts`, `${code}\nexport {};\n`]));
  if (blocks.length === 0) return [];
  const excerpt = { strict: false, noUncheckedIndexedAccess: false };
  const missing = new Map(); // file → names
  for (const { file, code, message } of compile(files, excerpt)) {
    const name = /'([^']+)'/.exec(message)?.[1];
    if (!unknownNames.includes(code) || isCalled(name, files[file], exported)) continue;
    missing.set(file, (missing.get(file) ?? new Set()).add(name));
  }
  for (const [file, names] of missing) files[file] += declarations(names, exported);
  return compile(files, excerpt).filter(({ file, code }) => isAnError(code, blocks.find(({ line }) => file === `line-${line}.ts`)));
}

function codeBlocks(markdown) {
  const blocks = fencedBlocks(markdown);
  const scripts = blocks.filter(({ language }) => language === "html").flatMap(({ code, line }) =>
    [...code.matchAll(/<script type="module">(.*?)<\/script>/gs)].map(([, script]) => ({ language: "js", code: script, line })));
  return [...blocks.filter(({ language }) => /^(js|mjs|javascript|ts|typescript)$/.test(language)), ...scripts];
}

const isCalled = (name, text, exported) => !exported.includes(name) && new RegExp(`(?<![.\\w])${name}\\(`).test(text);

/** A client of an earlier block: its methods are known, and may return anything. */
const client = `{
  [group in "grant" | "token"]: { [method in keyof import("open-payments-wasm").AuthenticatedClient[group]]: (...args: any[]) => Promise<any> }
}`;

const declarations = (names, exported) => [...names].map((name) => `declare const ${name}: ${typeOf(name, exported)};\n`).join("");

function typeOf(name, exported) {
  if (exported.includes(name)) return `typeof import("open-payments-wasm").${name}`;
  return name === "client" ? client : "any";
}

/** JavaScript need not narrow its types: not assignable, and not on every member of a union. */
const narrowing = [2322, 2345, 2769];
const isAnError = (code, { language }) => language.startsWith("ts") || language === "typescript" || !narrowing.includes(code);
