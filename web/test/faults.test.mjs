// What becomes of calls when Go panics, exits or crashes. Uses the build of the package with the
// functions of wasm/faults_js.go.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { describeInBrowsers } from "./harness/in-browsers.mjs";
import { Lab } from "./harness/lab.mjs";
import { distWithFaults } from "./harness/packages.mjs";
import { grantFor, startServer, until } from "./harness/server.mjs";
import { startSite } from "./harness/site.mjs";

const timeout = 60_000;

describeInBrowsers({ timeout: 5 * timeout }, ({ launch, start }) => {
  let browser, site, server, lab;

  before(async () => {
    [browser, site, server] = await start(launch(), startSite({ faults: true, withDeferred: true }), startServer());
    lab = await Lab.open(browser, site, { folder: "/dist-faults" });
  });

  const fault = (name) => lab.outcome((name) => lab.call(name), name);

  async function assertWorks() {
    const options = server.continuation("continue");
    assert.deepEqual((await lab.continueGrant(options)).value, grantFor(server.exchanges(options.url)[0]));
  }

  /** Remembers the instance that runs, and says later whether it still does. */
  const markInstance = () =>
    lab.run(async () => {
      lab.instance = await lab.start();
    });
  const isSameInstance = () => lab.run(async () => (await lab.start()) === lab.instance);

  for (const kind of ["panic", "indexOutOfRange"]) {
    test(`${kind}: the call that meets it is rejected, others are not`, { timeout }, async () => {
      await markInstance();
      const options = server.continuation("held");
      const other = lab.continueGrant(options);
      await server.arrived(options.url);
      const { error } = await fault(kind);
      assert.deepEqual([error.kind, error.code, error.retryable], ["OpenPaymentsClientError", "internal_error", false]);
      server.held.pop()();
      assert.deepEqual((await other).value, grantFor(server.exchanges(options.url)[0]));
      await assertWorks();
      assert.equal(await isSameInstance(), true);
    });
  }

  test("what Go panicked with is never said", () => {
    lab.assertSilent(["a secret that must not be told"]);
  });

  for (const kind of ["exit", "crash"]) {
    test(`${kind}: calls in flight are rejected, the next one starts a new instance`, { timeout }, async () => {
      await markInstance();
      const options = server.continuation("never");
      const inFlight = [lab.send("grant.cancel", options), lab.outcome(() => lab.call("hang"))];
      await server.arrived(options.url);
      await fault(kind); // crash answers before it crashes, exit does not
      for (const { error } of await Promise.all(inFlight)) {
        assert.deepEqual([error.kind, error.code, error.retryable], ["OpenPaymentsClientError", "internal_error", false]);
        assert.match(error.description, /stopped before this call was answered/);
      }
      await assertWorks();
      assert.equal(await isSameInstance(), false);
    });

    test(`${kind}: timers and aborts of the instance that died disturb nobody`, { timeout }, async () => {
      const alive = await lab.run(
        async (kind, url) => {
          const controller = new AbortController();
          const options = { url, accessToken: "token", key: lab.key, timeoutMs: 300, signal: controller.signal };
          const inFlight = lab.outcome(() => lab.continueGrant(options));
          await new Promise((resolve) => setTimeout(resolve, 100));
          await lab.outcome(() => lab.call(kind));
          await inFlight;
          controller.abort();
          await new Promise((resolve) => setTimeout(resolve, 500)); // past the timeout
          return "alive";
        },
        kind,
        server.continuation("never").url,
      );
      assert.equal(alive, "alive");
      await assertWorks();
    });
  }

  for (const kind of ["exit", "crash"]) {
    test(
      `rule 5: ${kind}: a continuation or a rotation that is on its way is read to its end, and its response is in the error`,
      { timeout },
      async () => {
        const [continuation, rotation] = ["held", "held"].map((way) => server.continuation(way));
        const calls = lab.run(
          async (continuation, rotation) => {
            const client = await lab.createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/client", key: lab.key });
            const calls = [client.grant.continue(continuation, { interact_ref: continuation.interactRef }), client.token.rotate(rotation)];
            const outcomes = await Promise.allSettled(calls);
            return outcomes.map(({ reason: { code, status, description, responseText } }) => ({ code, status, description, responseText }));
          },
          continuation,
          rotation,
        );
        await Promise.all([continuation, rotation].map(({ url }) => server.arrived(url)));
        await fault(kind);
        await assertWorks();
        server.held.splice(0).forEach((release) => release());
        for (const [i, { url }] of [continuation, rotation].entries()) {
          const { code, status, description, responseText } = (await calls)[i];
          assert.deepEqual([code, status], ["internal_error", 200]);
          assert.match(description, /The server has answered: the response is in responseText/);
          assert.deepEqual(JSON.parse(responseText), grantFor(server.exchanges(url)[0]));
        }
      },
    );

    test(`rule 5: ${kind}: the token of a rotation that was on its way is kept by withGrant, and used`, { timeout }, async () => {
      const [rotation, call] = ["held", "continue"].map((way) => server.continuation(way));
      const calling = lab.outcome(
        async ({ url: manage, accessToken: value }, url) => {
          const options = { walletAddressUrl: "https://wallet.example/client", key: lab.key, validateResponses: false };
          const client = await lab.createAuthenticatedClient(options);
          const access_token = { value, manage, expires_in: 0.001, access: [] };
          const kept = await client.withGrant({ access_token }, { store: lab.memoryStorage() });
          await new Promise((resolve) => setTimeout(resolve, 10));
          await kept.outgoingPayment.getGrantSpentAmounts({ url });
          return (await kept.grant()).access_token.value;
        },
        rotation,
        call.url,
      );
      await server.arrived(rotation.url);
      await fault(kind);
      server.held.pop()();
      assert.deepEqual(await calling, { value: "issued" });
    });
  }

  test("rule 6: what is read to its end ends at its deadline, and with its signal, whatever ended its instance", { timeout }, async () => {
    const ending = [];
    for (const kind of ["exit", "crash"]) ending.push(...(await callsThatDieBy(kind)));
    for (const { call, outcome, way } of ending) {
      const { error } = await outcome;
      if (way === "never") assert.equal(error.code, "timeout");
      else assert.equal(error.name, "TimeoutError");
      await until(() => server.exchanges(call.url)[0].hungUp, "the end of the connection");
    }
  });

  async function callsThatDieBy(kind) {
    const calls = ["never", "stalled"].map((way) => {
      const call = server.continuation(way);
      const start = (call, isAborted) => {
        const signal = isAborted ? AbortSignal.timeout(2000) : undefined;
        return lab.continueGrant({ key: lab.key, ...call, signal, timeoutMs: isAborted ? 60_000 : 2000 });
      };
      return { way, call, outcome: lab.outcome(start, call, way === "stalled") };
    });
    await Promise.all(calls.map(({ call }) => server.arrived(call.url)));
    await fault(kind);
    return calls;
  }

  test(
    "a hundred deaths while responses never end: every request is ended, and no listener stays on a signal",
    { timeout: 4 * timeout },
    async () => {
      const before = server.requests.length;
      const { codes, listeners } = await lab.run(
        async (urls) => {
          const { signal } = new AbortController();
          let listeners = 0;
          for (const [name, change] of [
            ["addEventListener", 1],
            ["removeEventListener", -1],
          ]) {
            signal[name] = (...args) => {
              listeners += change;
              EventTarget.prototype[name].apply(signal, args);
            };
          }
          const key = {
            keyId: "key",
            sign: async (data) => new Uint8Array(await crypto.subtle.sign("Ed25519", lab.pair.privateKey, data)),
          };
          let hasCome;
          const arriving = async (...request) => {
            const response = await fetch(...request);
            hasCome();
            return response;
          };
          const client = await lab.createAuthenticatedClient({ walletAddressUrl: "https://wallet.example/client", key, fetch: arriving });
          const codes = [];
          for (const url of urls) {
            const call = client.grant.cancel({ url, accessToken: "token", signal }).catch(({ code }) => codes.push(code));
            await new Promise((resolve) => {
              hasCome = resolve;
            });
            await lab.outcome(() => lab.call("exit"));
            await call;
          }
          return { codes, listeners };
        },
        Array.from({ length: 100 }, () => server.continuation("stalled").url),
      );
      assert.deepEqual(codes, Array(100).fill("internal_error"));
      assert.equal(listeners, 0);
      const requests = server.requests.slice(before);
      assert.equal(requests.length, 100);
      await until(() => requests.every(({ hungUp }) => hungUp), "the end of every connection");
    },
  );

  test("what Go says of a crash names functions and lines", () => {
    const said = lab.log.join("\n");
    assert.match(said, /panic: outside any call/);
    assert.match(said, /main\..*func/);
    assert.match(said, /wasm\/faults_js\.go:\d+/);
  });

  test("ten deaths in a row, with calls between them", { timeout }, async () => {
    for (let i = 0; i < 10; i++) {
      await fault(i % 2 ? "exit" : "crash");
      await assertWorks();
    }
  });

  test("calls that start while the instance dies are answered or rejected, never lost", { timeout }, async () => {
    const { url, accessToken } = server.continuation("continue");
    const codes = await lab.run(
      async (url, accessToken) => {
        const call = (i) => lab.outcome(() => lab.continueGrant({ url: `${url}/${i}`, accessToken, key: lab.key }));
        const calls = [];
        for (let i = 0; i < 40; i++) {
          calls.push(call(i));
          if (i % 10 === 5) lab.outcome(() => lab.call("exit"));
          if (i % 4 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
        }
        return (await Promise.all(calls)).map(({ value, error }) => (value ? "answered" : error.code));
      },
      url,
      accessToken,
    );
    assert.deepEqual(
      codes.filter((code) => code !== "answered" && code !== "internal_error"),
      [],
    );
    await assertWorks();
  });

  test("a key inside the module is gone with the instance, and its error says so", { timeout }, async () => {
    const outcome = await lab.outcome(async (options) => {
      const { id } = await lab.call("generateKey");
      const key = { keyId: "inside", wasmKey: id };
      await lab.continueGrant({ ...options, key });
      await lab.outcome(() => lab.call("exit"));
      return lab.continueGrant({ ...options, key });
    }, server.continuation("continue"));
    assert.equal(outcome.error?.code, "invalid_key");
    assert.match(outcome.error.description, /has ended; make or import it again/);
  });

  test("random numbers are others in every instance", { timeout }, async () => {
    const numbers = new Set();
    for (let i = 0; i < 5; i++) {
      numbers.add(await lab.run(() => lab.call("random")));
      await fault("exit");
    }
    assert.equal(numbers.size, 5);
  });

  test("deaths do not download the module again", () => assert.equal(site.downloads(), 1));

  test("values that throw when they are looked at do not bring the instance down", { timeout }, async () => {
    await markInstance();
    const codes = await lab.run(async () => {
      const refuse = () => {
        throw new Error("own");
      };
      const thrower = new Proxy(() => {}, { get: refuse, getPrototypeOf: refuse, apply: refuse });
      const bytes = Object.defineProperty(new Uint8Array(64), "byteLength", { get: refuse });
      const streamOf = (value) => ({
        status: 200,
        headers: [],
        body: {
          getReader: () => ({
            read: async () => ({ value }),
            cancel() {
              throw thrower;
            },
          }),
        },
      });
      const options = { url: "https://server.example/", accessToken: "token", key: lab.key };
      const fetches = [
        thrower,
        () => thrower,
        async () => {
          throw thrower;
        },
        async () => {
          throw 10n;
        },
        async () => ({ status: 200, headers: thrower }),
        async () => streamOf(thrower),
        async () => streamOf(Object.create(Uint8Array.prototype)),
      ];
      const signs = [
        thrower,
        () => thrower,
        async () => {
          throw thrower;
        },
        () => bytes,
        async () => {
          throw 10n;
        },
      ];
      const calls = [
        ...fetches.map((fetch) => ({ ...options, fetch })),
        ...signs.map((sign) => ({ ...options, key: { keyId: "key", sign } })),
      ];
      return Promise.all(calls.map((call, i) => lab.continueGrant({ ...call, interactRef: String(i) }).catch((error) => error.code)));
    });
    assert.deepEqual(codes, [
      ...Array(4).fill("network_error"),
      "not_json",
      "response_unreadable",
      "response_unreadable",
      ...Array(5).fill("invalid_key"),
    ]);
    assert.equal(await isSameInstance(), true);
    await assertWorks();
  });

  test("calls leave nothing behind in Go", { timeout: 3 * timeout }, async () => {
    const url = server.continuation("continue").url;
    const redirect = server.continuation("redirect/302").url;
    await lab.run(makeCalls, 20, url, redirect);
    const before = await lab.run(heldValues);
    await lab.run(makeCalls, 200, url, redirect);
    const afterwards = await lab.run(heldValues);
    assert.ok(afterwards < before + 20, `${before} values were held before 200 calls, ${afterwards} after them`);

    // The measure sees what is left behind: calls that never end hold the functions that sign.
    await lab.run((url) => {
      const call = (i) =>
        lab.continueGrant({
          url,
          accessToken: "token",
          interactRef: `hanging ${i}`,
          key: { keyId: "key", sign: () => new Promise(() => {}) },
        });
      for (let i = 0; i < 50; i++) call(i).catch(() => {});
    }, url);
    const hanging = await lab.run(heldValues);
    assert.ok(hanging >= afterwards + 50, `${hanging} values are held by 50 calls that never end`);
  });
});

/** How many JavaScript values Go keeps alive, functions among them. */
async function heldValues() {
  await lab.call("collect");
  const { go } = await lab.start();
  return go._values.length - go._idPool.length;
}

/** Makes calls one after the other; of four, one is refused, one is aborted and one uses a timeout. */
async function makeCalls(count, url, redirect) {
  for (let i = 0; i < count; i++) {
    const controller = new AbortController();
    const options = { url: `${i % 4 === 0 ? redirect : url}/${i}`, accessToken: "token", interactRef: String(i), key: lab.key };
    const call = lab.outcome(() => lab.continueGrant({ ...options, signal: controller.signal }));
    if (i % 4 === 1) setTimeout(() => controller.abort(), 1);
    await call;
  }
}

test("rule 6: in Node, a signal, a fetch that never settles and errors hold no instance that died", { timeout: 2 * timeout }, () => {
  const script = `
    const { call, start, continueGrant, pollGrant } = await import(${JSON.stringify(pathToFileURL(join(distWithFaults(), "index.js")))});
    const { privateKey } = await crypto.subtle.generateKey("Ed25519", false, ["sign"]);
    const key = { keyId: "key", privateKey };
    const { signal } = new AbortController();
    const instances = [];
    const errors = []; // callers keep them, and so does what keeps a result that nobody waited for
    const keep = (error) => errors.push(error);
    const throwing = () => {
      const error = new Error("the caller's own");
      keep(error);
      throw error;
    };
    const pending = { continue: { access_token: { value: "next" }, uri: "https://server.example/next", wait: 1 } };
    const never = new Promise(() => {});
    const fetches = [async () => new Response(new ReadableStream()), () => never, async () => ({ status: 200, text: () => never })];
    const options = { url: "https://server.example/", accessToken: "token", key, signal };
    const aborting = () => {
      const controller = new AbortController();
      const fetch = () => (controller.abort(new Error("gone")), never); // the request goes on for 20 s
      return { signal: controller.signal, fetch };
    };
    const progress = () =>
      new Promise((resolve) => {
        const onProgress = () => (resolve(), throwing());
        pollGrant({ ...options, fetch: async () => Response.json(pending), onProgress, wait: 1 }).catch(keep);
      });
    for (let i = 0; i < 30; i++) {
      instances.push(new WeakRef(await start()));
      continueGrant({ ...options, interactRef: String(i), fetch: fetches[i % 3] }).catch(keep);
      continueGrant({ ...options, key: { keyId: "key", sign: () => never } }).catch(keep);
      continueGrant({ ...options, accessToken: "two words" }).catch(keep);
      continueGrant({ ...options, fetch: throwing }).catch(keep);
      continueGrant({ ...options, key: { keyId: "key", sign: throwing } }).catch(keep);
      continueGrant({ ...options, interactRef: "aborted " + i, ...aborting() }).catch(() => {});
      if (i < 4) await progress(); // after a second each
      await new Promise((resolve) => setTimeout(resolve, 20));
      await call("exit").catch(keep);
    }
    for (let i = 0; i < 5; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      gc();
    }
    console.log(instances.filter((instance) => instance.deref()).length, errors.length);
    process.exit();`;
  const printed = String(execFileSync(process.execPath, ["--expose-gc", "--input-type=module", "-e", script], { timeout }));
  const [alive, errors] = printed.split(" ").map(Number);
  assert.ok(alive <= 2, `${alive} of 30 instances are alive`);
  assert.ok(errors >= 210, `only ${errors} errors are kept`);
});
