// How the servers of the tests listen and end.

import { once } from "node:events";

/** Lets a server listen on a free port of the loopback interface and returns its origin. */
export async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

/** Stops a server and the connections that browsers keep open. */
export function close(server) {
  return new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
}
