// The drawer in which a person chooses what goes wrong.

import { breaks } from "./breaks.js";
import { byId, h } from "./dom.js";

/** Offers the breaks; ?break=name in the address chooses one. */
export function offerBreaks() {
  const asked = new URLSearchParams(location.search).get("break");
  const preset = Object.hasOwn(breaks, asked) ? asked : "none";
  const option = ([name, { label, hint }]) =>
    h(
      "label",
      { class: "option" },
      h("input", { type: "radio", name: "break", value: name, checked: name === preset }),
      h("span", {}, h("b", {}, label), h("span", { class: "help" }, hint)),
    );
  byId("breaks").append(...Object.entries(breaks).map(option));
  byId("break").open = preset !== "none";
  byId("break-it").addEventListener("click", open);
}

function open() {
  byId("break").open = true;
  byId("break").scrollIntoView();
  chosen().focus({ preventScroll: true });
}

const chosen = () => /** @type {HTMLInputElement} */ (document.querySelector("input[name=break]:checked"));

/** The name of the break that is chosen. */
export const chosenBreak = () => chosen().value;
