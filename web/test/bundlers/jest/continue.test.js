import { checks } from "../jsdom.js";

for (const [name, check] of Object.entries(checks)) test(name, () => check(expect));
