// Runs sources that are written for @interledger/open-payments: as they are in Node, and in a page with another import line.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { decide } from "./sandbox.mjs";

const folder = new URL("../guides/", import.meta.url);
const importLine = /^import (\{[^}]*\}) from "@interledger\/open-payments";$/m;

/** What a site must serve beside its files: the sources, importing our package, and what takes a person to the wallet. */
export function sourcesForPages() {
  const served = { "/approve": approveForPage };
  for (const name of readdirSync(folder)) {
    const source = swapImport(readFileSync(new URL(name, folder), "utf8"), name);
    served[`/guides/${name}`] = (req, res) => res.setHeader("content-type", "text/javascript; charset=utf-8").end(source);
  }
  return served;
}

function swapImport(source, name) {
  assert.match(source, importLine, `${name} must have one line that imports from the package`);
  const swapped = source.replace(importLine, 'import $1 from "/dist/index.js";');
  assert.doesNotMatch(swapped, /@interledger|^import .* from "(?!\/dist)/m, `${name} must import nothing else`);
  return swapped;
}

/** The person approves: a page sends the address of the wallet's page and gets the interact_ref. */
async function approveForPage(req, res) {
  const redirect = (await buffer(req)).toString();
  res.end(await approve({ interact: { redirect } }));
}

const approve = async (pending) => (await decide(pending, "approve")).searchParams.get("interact_ref");

/** Calls a function of a source with the Node package, in this process. `options` must be data; `approve` is added. */
export async function callInNode(file, name, options) {
  const source = await import(new URL(file, folder));
  return source[name]({ ...options, approve });
}

/** Returns what calls a function of a source with our package, in the page of a lab at a site. */
export const callInPage = (lab, site) => (file, name, options) =>
  lab.run(
    async (url, name, options) => {
      const approve = async (pending) => {
        const response = await fetch("/approve", { method: "POST", body: pending.interact.redirect });
        return response.text();
      };
      try {
        return await (await lab.import(url))[name]({ ...options, approve });
      } catch (error) {
        throw new Error(`${error.message}: ${error.description ?? ""} ${error.validationErrors ?? ""}`, { cause: error });
      }
    },
    `${site.origin}/guides/${file}`,
    name,
    options,
  );
