// How long each step took: the machine's time with a bar, a person's and a server's wait without.

import { byId, h, milliseconds } from "./dom.js";

export function showTimings(steps) {
  const timed = steps.filter(({ ms }) => ms !== undefined);
  if (timed.length === 0) return;
  const longest = Math.max(...timed.filter(isMachine).map(({ ms }) => ms), 1);
  const rows = timed.map((step) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, isPerson(step) ? "You, at the wallet" : step.title),
      h("td", {}, milliseconds(step.ms)),
      h("td", { class: "bar", "aria-hidden": "true" }, isMachine(step) && bar(step.ms / longest)),
    ),
  );
  const total = timed.filter(isMachine).reduce((sum, { ms }) => sum + ms, 0);
  byId("timings-table").replaceChildren(
    h("caption", {}, `The machine worked for ${milliseconds(total)}. The rest was you, and the wait that the server asks for.`),
    h("tbody", {}, rows),
  );
  byId("timings").hidden = false;
}

/** Somebody deciding, and the wait that the server asks for, are not work. */
const isMachine = (step) => !isPerson(step) && step.name !== "wait";

const isPerson = ({ name }) => name === "back" || name === "declined";

function bar(share) {
  const element = h("span", {});
  element.style.setProperty("inline-size", `${Math.max(share * 100, 1)}%`);
  return element;
}
