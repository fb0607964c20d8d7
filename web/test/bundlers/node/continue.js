// node continue.js '{ "url": …, "accessToken": …, "interactRef": … }'

import { continueHere } from "../continue.js";

console.log(JSON.stringify(await continueHere(JSON.parse(process.argv[2]))));
