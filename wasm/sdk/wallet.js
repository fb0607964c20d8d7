// Ways to the wallet and back, for a grant that was started.

import { isSameHost, readCallback } from "./callback.js";
import { checkControl, checkObject, parseUrl } from "./call.js";
import { argumentError, guarded, OpenPaymentsClientError } from "./errors.js";

const messageType = "open-payments-wasm.callback";

/**
 * Leaves the page. The page at the finish URI goes on with grant.finish(location.href).
 *
 * @type {typeof import("./index.js").redirectToWallet}
 */
export function redirectToWallet(grant) {
  const redirect = redirectOf(grant);
  windowFor("redirectToWallet").location.assign(redirect);
}

/**
 * Opens the wallet in a popup and waits until the page at the finish URI calls returnToOpener().
 * Call it from a click, and before anything else is awaited: browsers block other popups.
 *
 * @type {typeof import("./index.js").openWalletPopup}
 */
export async function openWalletPopup(grant, options = {}) {
  const redirect = redirectOf(grant);
  const { signal, features = "popup,width=480,height=720" } = checkObject(options, "options");
  checkControl({ signal });
  if (typeof features !== "string") throw argumentError("features", "must be a string");
  if (signal?.aborted) throw signal.reason;
  const popup = windowFor("openWalletPopup").open(redirect, "_blank", features);
  if (!popup) throw failure("popup_blocked", "The browser blocked the popup. Open it from a click, or use redirectToWallet.");
  return waitFor({ signal, close: () => popup.close() }, (done, fail) => {
    const onMessage = ({ origin, source, data }) => {
      if (origin === location.origin && source === popup && data?.type === messageType) done(data.url);
    };
    const watch = setInterval(() => popup.closed && fail(closed()), 250);
    addEventListener("message", onMessage);
    return () => {
      clearInterval(watch);
      removeEventListener("message", onMessage);
    };
  });
}

/**
 * On the page at the finish URI: hands its address to the page that opened the popup.
 *
 * @type {typeof import("./index.js").returnToOpener}
 */
export function returnToOpener() {
  const { opener, location } = windowFor("returnToOpener");
  if (!opener) return false;
  opener.postMessage({ type: messageType, url: location.href }, location.origin);
  return true;
}

/**
 * In an extension: opens the wallet in a tab and waits until that tab arrives at the finish URI.
 * `tabs` is chrome.tabs or browser.tabs; it must be allowed to see the address of that page.
 *
 * @type {typeof import("./index.js").openWalletTab}
 */
export async function openWalletTab(grant, options = /** @type {any} */ ({})) {
  const redirect = redirectOf(grant);
  const { tabs, finishUri, signal } = checkObject(options, "options");
  checkControl({ signal });
  if (typeof tabs?.create !== "function") throw argumentError("tabs", "must be chrome.tabs or browser.tabs");
  const finish = parseUrl(finishUri, "finishUri");
  if (signal?.aborted) throw signal.reason;
  const tab = await tabs.create({ url: redirect });
  return waitFor({ signal, close: () => void tabs.remove(tab.id).catch(() => {}) }, (done, fail) => {
    /** @type {(id: number, change: { url?: string }) => void} */
    const onUpdated = (id, { url }) => {
      if (id === tab.id && url && isSameHost(finish, new URL(url)) && isCallback(url)) done(url);
    };
    const onRemoved = (id) => id === tab.id && fail(closed());
    tabs.onUpdated.addListener(onUpdated);
    tabs.onRemoved.addListener(onRemoved);
    return () => {
      tabs.onUpdated.removeListener(onUpdated);
      tabs.onRemoved.removeListener(onRemoved);
    };
  });
}

/** Whether an address has what a wallet adds to the finish URI. */
function isCallback(url) {
  try {
    const { hash, interactRef, result } = readCallback(url);
    return interactRef === null ? result !== null : hash !== null;
  } catch {
    return false;
  }
}

/** Waits for one outcome, then stops listening and closes the window. */
function waitFor({ signal, close }, listen) {
  return new Promise((resolve, reject) => {
    const settle = (fn) => (value) => {
      stop();
      signal?.removeEventListener("abort", onAbort);
      close();
      fn(value);
    };
    const onAbort = () => settle(reject)(signal.reason);
    const stop = listen(settle(resolve), settle(reject));
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
  });
}

function redirectOf(grant) {
  const { interact } = guarded(Object(grant), "grant", "grant.");
  const { redirect } = guarded(Object(interact), "grant.interact", "grant.interact.");
  if (typeof redirect !== "string") throw argumentError("grant", "must be a pending grant, with interact.redirect");
  const { protocol } = parseUrl(redirect, "grant.interact.redirect");
  if (protocol !== "https:" && protocol !== "http:") throw argumentError("grant.interact.redirect", "must be an https: URL");
  return redirect;
}

/** The window, which workers, servers and the background of an extension have none of. */
function windowFor(name) {
  const { window } = globalThis;
  if (typeof window?.open === "function" && typeof window.location?.assign === "function") return window;
  const description = `${name} needs a window, and there is none here: call it in a page, or send the person to grant.interact.redirect.`;
  throw failure("no_window", description);
}

function failure(code, description) {
  return new OpenPaymentsClientError(description, { code, description });
}

const closed = () =>
  failure(
    "window_closed",
    "The person closed the wallet's window before it came back, " +
      "or the wallet's page cut its tie to this one (Cross-Origin-Opener-Policy). Nothing was sent.",
  );
