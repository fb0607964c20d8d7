// Buffer as a global, which packages that are made for Node take for granted.

import { Buffer } from "buffer";

globalThis.Buffer = Buffer;
