// The sandbox wallet of this project, as a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { primaryOnly, root, serveProgram } from "./packages.mjs";

/** Starts it and returns its addresses: authServer, walletAddress, clients. */
export async function startSandbox(...flags) {
  const addresses = ["-addr", "127.0.0.1:0", "-sandbox-addr", "127.0.0.1:0", "-dist", primaryOnly()];
  const child = spawn(serveProgram(), ["-json", ...addresses, ...flags], { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(child.stdout), "line");
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  };
  return { ...JSON.parse(line), stop };
}

/** Lets things go wrong in the sandbox, which was started with -faults: what FaultPlan in pkg/sandbox/faults.go says. */
export async function putFaults({ faults: { url, secret } }, plan) {
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  const { status } = await fetch(url, { method: "PUT", headers, body: JSON.stringify(plan) });
  if (status !== 204) throw new Error(`/faults answered ${status}`);
}

/** Sets the clock of the sandbox's resource server ahead. */
export const setClockAhead = (sandbox, ms) => putFaults(sandbox, { clockAheadMs: ms });

/** What the sandbox gave for a key set's address, and wants to see before it takes another set for it. */
const secrets = new Map();

/** Publishes public keys, in place of those before, and returns the wallet address of the client that has them. */
export async function publishKey(sandbox, name, ...publicJwks) {
  const url = `${sandbox.clients}${name}/jwks.json`;
  const response = await fetch(url, {
    method: "PUT",
    headers: { "content-type": "application/json", authorization: `Bearer ${secrets.get(url)}` },
    body: JSON.stringify({ keys: publicJwks }),
  });
  const { id, secret } = await response.json();
  if (secret) secrets.set(url, secret);
  return id;
}

/** Presses a button of the interaction page and returns where it leads, if anywhere. */
export async function decide(pending, button) {
  const response = await fetch(pending.interact.redirect, {
    method: "POST",
    body: new URLSearchParams({ [button]: "1" }),
    redirect: "manual",
  });
  const location = response.headers.get("location");
  return location === null ? undefined : new URL(location);
}
