// Loads the stored key and says what it is: in a worker there is no page to do it for it.
import { loadKey, publicJwk } from "/dist/index.js";

postMessage(publicJwk(await loadKey("kept")));
