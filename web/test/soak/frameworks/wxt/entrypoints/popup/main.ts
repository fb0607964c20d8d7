import { continueHere } from "../../../continue.js";

Object.assign(globalThis, { project: { page: continueHere } });
