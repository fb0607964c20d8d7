// A payment with @interledger/open-payments.

import { byHand } from "../page/by-hand.js";
import { sdkClient } from "../page/sdk.js";

export const connect = async (key) => byHand(await sdkClient(key));
