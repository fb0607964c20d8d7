// A slow link, as a TCP proxy: every byte takes half a round trip, a new connection one more, and
// all that comes down shares one bandwidth.

import { connect, createServer } from "node:net";

export function slowLink({ mbitPerSecond, roundTripMs }) {
  const bytesPerMs = (mbitPerSecond * 1e6) / 8 / 1000;
  let freeAt = 0; // when the link has sent all that it was given

  /** How long until so many bytes that are sent now have arrived. */
  function arrival(bytes) {
    const now = performance.now();
    freeAt = Math.max(freeAt, now) + bytes / bytesPerMs;
    return freeAt - now + roundTripMs / 2;
  }

  /** A server in front of the one at `address`. */
  return (address) =>
    createServer((client) => {
      const [host, port] = address.split(":");
      const upstream = connect(Number(port), host);
      client.setNoDelay(true);
      upstream.setNoDelay(true);
      const opened = performance.now() + roundTripMs; // the handshake
      pipe(client, upstream, () => Math.max(opened - performance.now(), 0) + roundTripMs / 2);
      pipe(upstream, client, arrival);
    });
}

/** Passes on what comes, in small pieces, each after the time that it takes. */
function pipe(from, to, timeFor) {
  let last = Promise.resolve(); // pieces arrive in order
  from.on("data", (chunk) => {
    for (let at = 0; at < chunk.length; at += 12_500) {
      const piece = chunk.subarray(at, at + 12_500);
      const due = performance.now() + timeFor(piece.length);
      last = last.then(() => until(due)).then(() => to.destroyed || to.write(piece));
    }
  });
  from.on("error", () => to.destroy());
  from.on("close", () => last.then(() => to.end()));
}

function until(due) {
  const left = due - performance.now();
  return left > 0 ? new Promise((resolve) => setTimeout(resolve, left)) : undefined;
}
