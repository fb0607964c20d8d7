// What a linked module and the JavaScript that runs it agree on. Written by go generate ./wasm/postlink/... from
// internal/protocol/protocol.go.

/** Under which the other modules import what the primary module exports. */
export const primaryName = "primary";
/** The global that the primary module exports with the state of the deferred module. */
export const deferredExport = "deferred";
/** The same of the embedded module. */
export const embeddedExport = "embedded";
/** A state: Go waits for the module. */
export const needed = 1;
/** The state that JavaScript sets. */
export const linked = 2;
/** The custom section that says of which build a module is. */
export const tagSection = "build";
/** The custom section that says what Go got from JavaScript before the snapshot. */
export const snapshotSection = "snapshot";
/** The custom section that is the embedded module. */
export const embeddedSection = "embedded";
/** How many numbers a random generator makes at once. */
export const randomNumbers = 32;
/** Where the seed stands in the state of a random generator, after the numbers; in bytes. */
export const randomBuffer = 256;
/** How long the seed is, in bytes; three counters follow. */
export const randomSeed = 32;
