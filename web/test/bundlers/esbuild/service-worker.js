import deferred from "open-payments-wasm/open-payments.deferred.wasm";
import wasm from "open-payments-wasm/open-payments.wasm"; // its address: see the loader in build.js
import { respond } from "../continue.js";

addEventListener("message", (event) => event.waitUntil(respond(event, { wasm, deferred })));
