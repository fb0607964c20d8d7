// Where the wallet sends the person back to, in this window or in a popup.

import { cleanCallbackUrl, returnToOpener } from "/dist/index.js";

const parameters = new URLSearchParams(location.search);
if (!returnToOpener()) await finish();
if (parameters.has("close")) window.close();

async function finish() {
  const { client, show } = await import("./common.js");
  await show(client.grant.finish(location.href));
  if (parameters.has("clean")) history.replaceState(null, "", cleanCallbackUrl(location.href));
}
