import { answer } from "../continue.js";

addEventListener("message", (event) => answer(event));
