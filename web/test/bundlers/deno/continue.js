// deno run --allow-net=… --allow-read=node_modules/open-payments-wasm continue.js '{ "url": …, "accessToken": …, "interactRef": … }'

import { continueHere } from "../continue.js";

console.log(JSON.stringify(await continueHere(JSON.parse(Deno.args[0]))));
