import { dirname } from "node:path";

export default {
  turbopack: { root: dirname(import.meta.dirname) }, // continue.js lies outside of this project
};
