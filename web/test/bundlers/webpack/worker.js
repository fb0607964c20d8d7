import { respond } from "../continue.js";

addEventListener("message", (event) => respond(event));
