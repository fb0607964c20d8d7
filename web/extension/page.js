// What a page says of who shall be paid: https://webmonetization.org, <link rel="monetization" href="…">. Pages are hostile: all
// that counts is text of an address, and it is read once.

import { isUsable } from "./words.js";

const longest = 300; // of an address that a person can still compare

/**
 * Reads the receiver that the page of the tab names: { url, others }, its address and how many more there are. Undefined where it
 * names none that can be paid, or is a page that no extension may look into.
 */
export async function readReceiver() {
  try {
    const [{ result }] = await chrome.scripting.executeScript({ target: { tabId: await tabToRead() }, func: findLinks });
    const url = result.addresses.find(isAddress);
    return url && { url, others: result.count - 1 };
  } catch {
    return undefined;
  }
}

/** The tab that the popup was opened over. Where the popup is itself a tab, as on phones, its address says which. */
async function tabToRead() {
  const given = new URLSearchParams(location.search).get("tab");
  if (given) return Number(given);
  const [{ id }] = await chrome.tabs.query({ active: true, currentWindow: true });
  return id;
}

/** Runs in the page, in a world of its own: the page's scripts cannot change what is called here. */
function findLinks() {
  // By way of the prototype, because an element named querySelectorAll would hide the document's.
  /** @type {NodeListOf<any>} */
  const links = Document.prototype.querySelectorAll.call(document, "link[rel~=monetization i][href]");
  const addresses = Array.from(links)
    .slice(0, 20)
    .map(({ href }) => String(href).slice(0, 1000));
  return { addresses, count: links.length };
}

function isAddress(text) {
  const url = URL.parse(text);
  return url !== null && isUsable(url) && !url.username && !url.password && text.length <= longest;
}
