// Every code of the type ErrorCode, made to happen once in a page: for tests of what the errors say.

import { decide, putFaults } from "./sandbox.mjs";

const usd = (value) => ({ value, assetCode: "USD", assetScale: 2 });
const shopUrl = "https://shop.example/callback";

/** What a resource server says where it is refused: { operation, target, body, status, description, details }, by our code. */
const refusals = {
  inactive_token: { operation: "quote.get", status: 403, description: "Inactive Token" },
  insufficient_grant: { operation: "quote.get", status: 403, description: "Insufficient Grant" },
  limit_exceeded: { operation: "outgoingPayment.create", status: 403, description: "unauthorized" },
  invalid_quote: { operation: "outgoingPayment.create", status: 400, description: "invalid quote" },
  invalid_receiver: { operation: "quote.create", status: 400, description: "invalid receiver" },
  invalid_amount: { operation: "quote.create", status: 400, description: "invalid amount" },
  invalid_expires_at: { operation: "incomingPayment.create", status: 400, description: "invalid expiresAt" },
  wrong_state: { operation: "incomingPayment.complete", status: 409, description: "wrong state" },
  not_found: { operation: "incomingPayment.get", status: 401, description: "Unauthorized", details: { id: "a" } },
};

/** The codes that an authorization server sends (RFC 9635 §3.6), here without a word besides, and with which status. */
export const gnapCodes = {
  invalid_request: 400,
  invalid_client: 401,
  invalid_interaction: 400,
  invalid_flag: 400,
  invalid_rotation: 400,
  key_rotation_not_supported: 400,
  invalid_continuation: 404,
  user_denied: 403,
  request_denied: 401,
  unknown_user: 400,
  unknown_interaction: 400,
  too_many_attempts: 429,
};

/** What a server does with a continuation, as harness/server.mjs names it, and further options. */
const continuations = {
  network_error: ["reset"],
  response_unreadable: ["cut"],
  timeout: ["never", { timeoutMs: 200, interactRef: undefined }],
  redirected: ["redirect/302"],
  not_json: ["html/200"],
  invalid_response: ["body/{}"],
  response_too_large: [`large/${2 << 20}`],
  http_error: ["html/502"],
  too_fast: ["tooFast/3600"],
};

/** How the server of a wallet address answers when it is asked for the keys, given the public JWK. These run in the page. */
const keySets = {
  key_set_unreachable: () => Promise.reject(new TypeError("Failed to fetch")),
  key_set_invalid: () => Response.json([]),
  key_not_published: () => Response.json({ keys: [] }),
  key_mismatch: (jwk) => Response.json({ keys: [{ ...jwk, x: "A".repeat(43) }] }),
  key_exposed: (jwk) => Response.json({ keys: [{ ...jwk, d: "A".repeat(43) }] }),
};

// These change the page for a while.
const ofThemselves = ["random_unavailable", "popup_blocked", "window_closed"];

/**
 * Returns functions by code, each of which makes a call that fails with the code: { error } as Lab.outcome has it. Those of `together`
 * may run at once, those of `alone` one after the other. `tab` and `other` are pages of harness/payments.mjs, `openTab` opens a Lab,
 * `server` is of harness/server.mjs, `tokens` of harness/tokens.mjs, `sandbox` was started with -faults.
 */
export function failuresByCode({ tab, other, openTab, server, tokens, sandbox }) {
  const { till } = tab;
  const failing = {};
  let count = 0;
  const newOrder = (changes) => till.order(`order ${++count}`, changes);

  for (const [code, [path, options]] of Object.entries(continuations)) {
    failing[code] = () => tab.continueGrant({ ...server.continuation(path), ...options });
  }
  for (const [code, status] of Object.entries(gnapCodes)) {
    failing[code] = () => tab.continueGrant(server.continuation(`bare/${status}/${code}`));
  }
  for (const [code, { operation, status, ...said }] of Object.entries(refusals)) {
    failing[code] = () => tab.outcome(refused, operation, status, { code: String(status), ...said });
  }
  for (const [code, respond] of Object.entries(keySets)) {
    failing[code] = () =>
      tab.outcome(`async () => {
        const key = await lab.generateKey({ keyId: "shop-1" });
        const fetch = async () => (${respond})(lab.publicJwkOf(key));
        return lab.checkPublished(key, "https://wallet.example/shop", { fetch });
      }`);
  }

  /** Starts a grant in the page and returns what came, and where the person was sent when they had pressed a button. */
  const startedGrant = async (button) => {
    const { authServer, walletAddress } = sandbox;
    const access = [{ type: "outgoing-payment", actions: ["read"], identifier: walletAddress }];
    const interact = { start: ["redirect"], finish: { method: "redirect", uri: shopUrl } };
    const pending = await tab.run((url, body) => lab.client.grant.start({ url }, body), authServer, { access_token: { access }, interact });
    return { pending, back: (await decide(pending, button)).href };
  };
  const finishGrant = (page, callback) => page.outcome((callback) => lab.client.grant.finish(callback), callback);

  Object.assign(failing, {
    hash_mismatch: () =>
      tab.outcome(() =>
        lab.verifyInteractionHash({
          ...{ clientNonce: "VJLO6A4CATR0KRO", serverNonce: "MBDOFXG4Y5CVJCX821LH", interactRef: "4IFWWIKYB2PQ6U56NL1" },
          ...{ hash: "A".repeat(43), grantEndpoint: "https://server.example.com/tx" },
        }),
      ),
    interaction_rejected: async () => finishGrant(tab, (await startedGrant("decline")).back),
    interaction_failed: async () => {
      await startedGrant("approve");
      return finishGrant(tab, `${shopUrl}?result=invalid_interaction&message=Expired`);
    },
    no_pending_grant: () => tab.outcome(finishWithEmptyStore, `${shopUrl}?hash=${"A".repeat(43)}&interact_ref=a-reference`),
    finished_elsewhere: async () => {
      const { back } = await startedGrant("approve");
      const { error } = await finishGrant(tab, back);
      if (error) return { error };
      return finishGrant(other, back);
    },
    invalid_key: () => {
      const options = server.continuation("continue");
      const sign = (options) => {
        const key = { keyId: "card", sign: () => Promise.reject(new Error("The card was removed")) };
        return lab.continueGrant({ ...options, key });
      };
      return tab.outcome(sign, options);
    },
    storage_error: () => tab.outcome(startInBrokenStore, newOrder()),
    random_unavailable: () => tab.outcome(startWithoutRandomNumbers, newOrder()),
    module_unavailable: async () => {
      const strict = await openTab({ policy: "script-src 'self'" });
      return strict.continueGrant(server.continuation("continue"));
    },
    internal_error: async () => {
      const doomed = await openTab({});
      return doomed.outcome(continueInTrap, server.continuation("continue"));
    },
  });

  // Kept grants.
  const kept = (account, between) =>
    tab.outcome(
      `async (grant, url) => {
    const store = lab.memoryStorage();
    const usable = await lab.client.withGrant(grant, { name: "subscription", store });
    await (${between})(usable, store);
    return usable.outgoingPayment.getGrantSpentAmounts({ url });
  }`,
      account.grant,
      account.url,
    );
  Object.assign(failing, {
    grant_expired: () => {
      const account = tokens.issue();
      account.isRevoked = true; // no rotation succeeds
      return kept(account, () => {});
    },
    grant_revoked: () => kept(tokens.issue({ isActive: true }), (usable) => usable.revoke()),
    grant_not_found: () => kept(tokens.issue({ isActive: true }), (_, store) => store.keys().forEach((key) => store.delete(key))),
  });

  // Payments.
  const valueOf = ({ value, error }) => {
    if (error) throw new Error(error.message);
    return value;
  };
  const paid = async (order) => valueOf(await tab.finish((await tab.approved(order)).callback));
  Object.assign(failing, {
    key_in_use: async () => {
      const order = newOrder();
      valueOf(await tab.start(order));
      return tab.start({ ...order, receiveAmount: usd("1") });
    },
    no_pending_payment: () => tab.pay("resume", "an-id-of-nothing"),
    interaction_required: async () => tab.pay("resume", valueOf(await tab.start(newOrder())).id),
    quote_changed: async () => tab.outcome(finishWithDearerQuote, (await tab.approved(newOrder())).callback),
    already_paid: async () => {
      const { payment, callback } = await tab.approved(newOrder());
      const changes = { to: payment.quote.receiver, receiveAmount: undefined };
      const elsewhere = await tab.approved(newOrder(changes), { store: "memory" });
      valueOf(await tab.finish(callback));
      return tab.finish(elsewhere.callback, { store: "memory" });
    },
    outcome_unknown: async () => tab.outcome(finishInTheDark, (await tab.approved(newOrder())).callback),
    payment_failed: async () => {
      await putFaults(sandbox, { payments: [{ wallet: "shop", times: 1, fail: true, sent: "0" }] });
      return tab.pay("watch", await paid(newOrder({ from: till.wallets.shop, to: till.wallets.alice })));
    },
    payment_pending: async () => {
      const { id } = await paid(newOrder());
      return tab.outcome((id) => lab.client.payment.watch(id, { timeoutMs: 200 }), id);
    },
    interval_used_up: async () => {
      const interval = `R/${new Date(Date.now() - 1000).toISOString().slice(0, 19)}Z/PT1H`;
      const order = newOrder({ interval, receiveAmount: undefined, debitAmount: usd("1250") });
      await paid(order);
      const again = async (name, to, amount) => {
        const grant = await lab.client.withGrant({ name });
        return lab.client.payment.again({ grant, key: "2026-12", to, amount });
      };
      return tab.outcome(again, order.key, order.to, usd("500"));
    },
  });

  // Ways to the wallet.
  const wallet = { interact: { redirect: "https://wallet.example/" } };
  Object.assign(failing, {
    no_window: () => tab.outcome(inWorker, wallet),
    popup_blocked: () => tab.outcome(openInWindow, "() => null"),
    window_closed: () => tab.outcome(openInWindow, "() => ({ closed: true, close() {} })"),
  });
  const isAlone = ([code]) => ofThemselves.includes(code);
  const entries = Object.entries(failing);
  return {
    together: Object.fromEntries(entries.filter((entry) => !isAlone(entry))),
    alone: Object.fromEntries(entries.filter(isAlone)),
  };
}

// The functions below run in the page.

async function refused(operation, status, error) {
  const fetch = async () => Response.json({ error }, { status });
  const client = await lab.clientWith({ fetch });
  const [group, method] = operation.split(".");
  const url = method === "create" ? "https://wallet.example" : "https://wallet.example/a";
  const of = { walletAddress: "https://wallet.example/alice", quoteId: "https://wallet.example/quotes/1" };
  return client[group][method](
    { url, accessToken: "a-token-of-the-page" },
    { ...of, receiver: "https://wallet.example/incoming-payments/1", method: "ilp" },
  );
}

async function finishWithEmptyStore(callback) {
  const client = await lab.clientWith({ store: lab.memoryStorage() });
  return client.grant.finish(callback);
}

async function startInBrokenStore(order) {
  const set = () => Promise.reject(new Error("broken"));
  const client = await lab.clientWith({ store: { ...lab.memoryStorage(), set } });
  return client.payment.start(order);
}

async function startWithoutRandomNumbers(order) {
  const { getRandomValues } = crypto;
  crypto.getRandomValues = () => {
    throw new DOMException("no entropy", "OperationError");
  };
  try {
    return await lab.client.payment.start(order);
  } finally {
    crypto.getRandomValues = getRandomValues;
  }
}

/** The module meets what it can do nothing about, such as a browser that has no memory left. */
async function continueInTrap(options) {
  const { instantiate } = WebAssembly;
  let isBroken = false;
  WebAssembly.instantiate = async (...args) => {
    const instance = await instantiate(...args);
    const resume = () => {
      if (isBroken) throw new WebAssembly.RuntimeError("memory access out of bounds");
      return instance.exports.resume();
    };
    return { exports: { ...instance.exports, resume } };
  };
  await lab.init();
  isBroken = true;
  return lab.continueGrant({ key: lab.key, ...options });
}

async function finishWithDearerQuote(callback) {
  const fetch = async (url, init) => {
    if (init.method === "POST" && url.endsWith("/outgoing-payments")) {
      return Response.json({ error: { code: "400", description: "invalid quote" } }, { status: 400 });
    }
    const response = await globalThis.fetch(url, init);
    if (init.method !== "POST" || !url.endsWith("/quotes")) return response;
    const quote = await response.json();
    return Response.json({ ...quote, debitAmount: { ...quote.debitAmount, value: "99900" } }, { status: 201 });
  };
  const client = await lab.clientWith({ fetch });
  return client.payment.finish(callback);
}

/** What pays is lost, and so is what looks for it. */
async function finishInTheDark(callback) {
  const fetch = (url, init) => {
    return url.includes("/outgoing-payments") ? Promise.reject(new TypeError("Failed to fetch")) : globalThis.fetch(url, init);
  };
  const client = await lab.clientWith({ fetch });
  return client.payment.finish(callback);
}

/** Calls redirectToWallet in a worker, and throws what it has thrown there. */
async function inWorker(grant) {
  const script = `
    import { redirectToWallet } from "${location.origin}/dist/index.js";
    onmessage = ({ data }) => {
      try {
        redirectToWallet(data);
      } catch ({ message, code }) {
        postMessage({ message, code });
      }
    };
    postMessage("ready");`;
  const worker = new Worker(URL.createObjectURL(new Blob([script], { type: "text/javascript" })), { type: "module" });
  const next = () => new Promise((resolve) => worker.addEventListener("message", ({ data }) => resolve(data), { once: true }));
  await next();
  worker.postMessage(grant);
  const { message, code } = await next();
  worker.terminate();
  throw new lab.OpenPaymentsClientError(message, { code });
}

/** Opens the wallet where window.open does as the function says. */
async function openInWindow(open) {
  const own = window.open;
  window.open = (0, eval)(open);
  try {
    return await lab.openWalletPopup({ interact: { redirect: "https://wallet.example/" } });
  } finally {
    window.open = own;
  }
}
