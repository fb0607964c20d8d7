// A page with the package in it (pages/lab.js), and calls into it from a test.

import assert from "node:assert/strict";

export class Lab {
  /** Everything that errors and the console of the page said. */
  log = [];

  /** Opens pages/lab.html. `folder` is that of the package, `parameters` are added to the address. */
  static async open(browser, site, { folder = "/dist", ...parameters } = {}) {
    const lab = new Lab();
    lab.page = await browser.newPage();
    lab.page.on("console", (message) => lab.log.push(message.text()));
    lab.page.on("pageerror", (error) => lab.log.push(`${error.message} ${error.stack}`));
    await lab.page.goto(`${site.origin}/lab.html?${new URLSearchParams({ folder, ...parameters })}`);
    await lab.page.waitForFunction("globalThis.lab !== undefined", { polling: 50 }); // no frames come in a tab behind another
    lab.publicJwk = await lab.run(() => lab.publicJwk);
    return lab;
  }

  /**
   * Runs a function in the page, where `lab` is what pages/lab.js says. Arguments and result
   * travel as JSON, so that both browsers treat them alike.
   */
  async run(fn, ...args) {
    const call = typeof fn === "string" ? fn : `(${fn})(...${JSON.stringify(args)})`;
    const result = await this.page.evaluate(`(async () => JSON.stringify(await ${call}))()`);
    return result === undefined ? undefined : JSON.parse(result);
  }

  /** Runs a function that makes a call: { value } of what it returned, or { error } of what it threw. */
  async outcome(fn, ...args) {
    const call = `lab.outcome(async () => (${fn})(...${JSON.stringify(args)}))`;
    const { texts = [], ...outcome } = JSON.parse(await this.page.evaluate(`(async () => JSON.stringify(await ${call}))()`));
    this.log.push(...texts);
    return outcome;
  }

  /** Continues a grant with the key of the page. */
  continueGrant(options) {
    return this.outcome((options) => lab.continueGrant({ key: lab.key, ...options }), options);
  }

  /**
   * Makes a call of the client with the names of the Node package, such as "grant.cancel", with
   * the key of the page.
   */
  send(name, target, args, walletAddressUrl = "https://wallet.example/client") {
    return this.outcome(
      async (name, target, args, walletAddressUrl) => {
        const client = await lab.createAuthenticatedClient({ walletAddressUrl, key: lab.key });
        const [group, method] = name.split(".");
        return client[group][method](target, args ?? undefined);
      },
      name,
      target,
      args,
      walletAddressUrl,
    );
  }

  /** Asserts that nothing that was said holds a secret. */
  assertSilent(secrets, requests) {
    assertSilent(this.log, secrets, requests);
  }
}

/** Asserts that no text holds a secret: those given, and what the requests were signed with. */
export function assertSilent(texts, secrets, requests = []) {
  const all = [...secrets, ...requests.flatMap(signedWith)];
  for (const text of texts) {
    for (const secret of all) assert.ok(!text.includes(secret), `"${secret}" was said: ${text}`);
  }
}

function signedWith({ headers }) {
  const nonce = /;nonce="([^"]+)"/.exec(headers["signature-input"])?.[1];
  const signature = /:(.+):/.exec(headers.signature)?.[1];
  return [nonce, signature].filter(Boolean);
}
