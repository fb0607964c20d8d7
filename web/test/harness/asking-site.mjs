// A site whose page asks for payments, as a test writes it.

import { createServer } from "node:http";
import { close, listen } from "./http.mjs";

/** Starts it. `html` is what every address serves, `documents` are JSON by path. */
export async function startAskingSite() {
  const site = { html: "", documents: {}, close: () => close(server) };
  const server = createServer(({ url }, res) => {
    const document = site.documents[url];
    const [type, body] = document ? ["application/json", JSON.stringify(document)] : ["text/html; charset=utf-8", site.html];
    res.writeHead(200, { "content-type": type, "access-control-allow-origin": "*" }).end(body);
  });
  site.origin = await listen(server);
  return site;
}
