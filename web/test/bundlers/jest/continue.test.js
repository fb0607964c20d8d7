import { checks } from "../checks.js";

test("this is the environment that it should be", () => expect(typeof document !== "undefined").toBe(globalThis.isPage));

for (const [name, check] of Object.entries(checks)) test(name, () => check(expect));
