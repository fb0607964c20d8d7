// The sandbox wallet of this project, as a process of its own.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { primaryOnly, root, serveProgram } from "./packages.mjs";

/** Starts it and returns its addresses: authServer, walletAddress, clients. */
export async function startSandbox(...flags) {
  const places = ["-addr", "127.0.0.1:0", "-sandbox-addr", "127.0.0.1:0", "-dist", primaryOnly()];
  const child = spawn(serveProgram(), ["-json", ...places, ...flags], { cwd: root, stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(child.stdout), "line");
  const stop = async () => {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  };
  return { ...JSON.parse(line), stop };
}

/** Publishes a public key and returns the wallet address of the client that has it. */
export async function publishKey(sandbox, name, publicJwk) {
  const response = await fetch(`${sandbox.clients}${name}/jwks.json`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ keys: [publicJwk] }),
  });
  const { id } = await response.json();
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
