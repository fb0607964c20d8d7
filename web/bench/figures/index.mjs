import { cold, slow } from "./cold.mjs";
import memory from "./memory.mjs";
import offline from "./offline.mjs";
import { returnUsed, returnSoon } from "./return.mjs";
import size from "./size.mjs";
import warm from "./warm.mjs";
import worker from "./worker.mjs";

/** In the order in which they are measured and shown. */
export const figures = [size, warm, offline, cold, slow, returnSoon, returnUsed, worker, memory];
