// Finds links of Markdown texts that lead nowhere.

import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";

/** The targets of the links and pictures of a Markdown text, but for code. */
export function linksOf(markdown) {
  const prose = markdown.replaceAll(/^ *```.*?^ *```$/gms, "").replaceAll(/`[^`\n]*`/g, "");
  const inText = [...prose.matchAll(/\]\(([^)\s]+)[^)]*\)/g), ...prose.matchAll(/ (?:src|srcset|href)="([^"]+)"/g)];
  return inText.map(([, target]) => target);
}

/** The anchors of a Markdown text, as GitHub and npm make them of its headings. */
export function anchorsOf(markdown) {
  const headings = [...markdown.replaceAll(/^ *```.*?^ *```$/gms, "").matchAll(/^#+ +(.*)$/gm)];
  return headings.map(([, text]) =>
    text
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

/**
 * The links of a Markdown file to files that are not in `folder`, or to headings that are not there. Addresses
 * of the web are not asked for.
 */
export function deadLinks(file, folder) {
  return linksOf(readFileSync(file, "utf8")).filter((target) => !/^(https?|mailto):/.test(target) && !isThere(target, file, folder));
}

function isThere(target, file, folder) {
  const [path, anchor] = target.split("#");
  const to = path === "" ? file : join(dirname(file), path);
  if (relative(folder, to).startsWith("..") || !existsSync(to)) return false;
  if (anchor === undefined) return true;
  return statSync(to).isFile() && anchorsOf(readFileSync(to, "utf8")).includes(anchor);
}
