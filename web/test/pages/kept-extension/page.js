// What the test calls.

import * as grant from "./grant.js";

globalThis.grant = grant;
