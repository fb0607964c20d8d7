import callback from "./callback.mjs";
import { cold, slow } from "./cold.mjs";
import memory from "./memory.mjs";
import offline from "./offline.mjs";
import payment from "./payment.mjs";
import preflights from "./preflights.mjs";
import { returnUsed, returnSoon } from "./return.mjs";
import size from "./size.mjs";
import warm from "./warm.mjs";
import worker from "./worker.mjs";

/** In the order in which they are measured and shown. A figure that `isFor` some peers alone says so. */
export const figures = [size, warm, offline, preflights, payment, cold, slow, callback, returnSoon, returnUsed, worker, memory];
