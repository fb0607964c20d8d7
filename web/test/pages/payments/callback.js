// Where the wallet sends the person back to, in this window or in a popup.

import { returnToOpener } from "/dist/index.js";

if (!returnToOpener()) {
  const { show } = await import("./common.js");
  await show(location.href);
}
