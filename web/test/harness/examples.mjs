// Takes the code out of documentation, and lets the compiler check it.

import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dist } from "./packages.mjs";
import { projects, scratch } from "./tarball.mjs";

/** The compilers that people have, by name: where their scripts are. installTools() brings the older ones. */
export const compilers = {
  "TypeScript 7": fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url)),
  "TypeScript 5.9": join(projects, "node_modules/typescript-5.9/bin/tsc"),
  "TypeScript 5.4": join(projects, "node_modules/typescript-5.4/bin/tsc"),
};
const newest = compilers["TypeScript 7"];

/** The fenced blocks of a Markdown text: { language, code, line }, and the `file` whose text it is where the fence names one. */
export function fencedBlocks(markdown) {
  const blocks = [];
  for (const match of markdown.matchAll(/^( *)```(\w*)(?: file=(\S+))?[^\n]*\n(.*?)^ *```$/gms)) {
    const [, indent, language, file, code] = match;
    const line = markdown.slice(0, match.index).split("\n").length;
    blocks.push({ language, line, file, code: code.replaceAll(new RegExp(`^${indent}`, "gm"), "") });
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
export function compile(files, options = {}, compiler = newest) {
  const folder = scratch();
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(dist(), join(folder, "node_modules/open-payments-wasm"));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const compilerOptions = {
    strict: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    target: "es2022",
    module: "nodenext",
    lib: ["es2022", "dom"],
    types: [],
    typeRoots: [join(projects, "node_modules/@types")],
    ...options,
  };
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files: Object.keys(files) }));
  return runCompiler(compiler, ["--project", folder], folder);
}

/** Runs a compiler and returns what it finds. */
export function runCompiler(compiler, args, cwd) {
  try {
    execFileSync(process.execPath, [compiler, ...args, "--pretty", "false"], { cwd, encoding: "utf8", timeout: 60_000 });
    return [];
  } catch ({ stdout }) {
    const found = [...String(stdout).matchAll(/^(.+?)\((\d+),\d+\): error TS(\d+): (.*)$/gm)];
    if (found.length === 0) throw new Error(`tsc: ${stdout}`);
    return found.map(([, file, line, code, message]) => ({ file, line: Number(line), code: Number(code), message }));
  }
}

const unknownNames = [2304, 2552, 2580, 2584, 2591, 18004];

/** The scripts of a Markdown text, by file name: of a diff, what it makes. */
export function snippetsOf(markdown, name) {
  const endingOf = (language) => (language.startsWith("t") ? "ts" : "js.ts");
  return Object.fromEntries(codeBlocks(markdown).map(({ language, code, line }) => [`${name}-${line}.${endingOf(language)}`, code]));
}

function codeBlocks(markdown) {
  return fencedBlocks(markdown).flatMap(({ language, file, code, line }) => {
    if (file !== undefined) return []; // it is run
    if (/^(js|mjs|javascript|ts|typescript)$/.test(language)) return [{ language, code, line }];
    if (language === "diff") return [{ language, line, code: code.replaceAll(/^-.*\n/gm, "").replaceAll(/^[+ ]/gm, "") }];
    if (language !== "html") return [];
    return [...code.matchAll(/<script type="module">(.*?)<\/script>/gs)].map(([, script]) => ({ language, line, code: script }));
  });
}

/**
 * Compiles excerpts, with every compiler: names that they do not declare are taken to be what the package
 * exports by that name, a client, or anything that is not called. JavaScript need not say the types of parameters.
 */
export function compileSnippets(snippets, exported, options) {
  const files = Object.fromEntries(Object.entries(snippets).map(([file, code]) => [file, `${code}\nexport {};\n`]));
  const missing = new Map(); // file → names
  for (const { file, code, message } of compile(files, options)) {
    const name = /'([^']+)'/.exec(message)?.[1];
    if (!unknownNames.includes(code) || isCalled(name, files[file], exported)) continue;
    missing.set(file, (missing.get(file) ?? new Set()).add(name));
  }
  for (const [file, names] of missing) files[file] += declarations(names, exported);
  const isImplicitAny = ({ file, code }) => file.endsWith(".js.ts") && code >= 7000 && code < 7100;
  return Object.entries(compilers).flatMap(([compiler, script]) =>
    compile(files, options, script)
      .filter((found) => !isImplicitAny(found))
      .map((found) => ({ compiler, ...found })),
  );
}

const ofTools = ["defineBackground", "defineNuxtConfig"]; // globals of WXT and Nuxt

const isCalled = (name, text, exported) => ![...exported, ...ofTools].includes(name) && new RegExp(`(?<![.\\w])${name}\\(`).test(text);

const declarations = (names, exported) => [...names].map((name) => `declare const ${name}: ${typeOf(name, exported)};\n`).join("");

function typeOf(name, exported) {
  if (exported.includes(name)) return `typeof import("open-payments-wasm").${name}`;
  return name === "client" ? 'import("open-payments-wasm").AuthenticatedClient' : "any";
}
