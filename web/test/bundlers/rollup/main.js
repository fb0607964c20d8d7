import { continueHere } from "../continue.js";

globalThis.project = { page: continueHere };
