/** The body of a continuation, as every peer sends it. */
export const body = (interactRef) => JSON.stringify({ interact_ref: interactRef });
