// build-info.js is written by wasm/npm, from the files of a build.

import type { buildInfo as declared } from "../../../../wasm/sdk/index.js";

export const buildInfo: typeof declared & {
  /** What the two modules of one build have in common. */
  readonly tag: string;
};
