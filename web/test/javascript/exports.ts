// index.js has the names that index.d.ts declares, no others, and each with its type. `tsc` checks it; nothing runs.

import type * as declared from "../../../wasm/sdk/index.js"; // resolves to index.d.ts, as it does for people who import the package
import type * as implementation from "implementation"; // index.js itself

declare const values: typeof implementation;
values satisfies typeof declared;

type Undeclared = Exclude<keyof typeof implementation, keyof typeof declared>;
declare const undeclared: Undeclared;
undeclared satisfies never;
