// The sequence picture: an ordered list in which every step is a row, with its arrows on the left
// and its sentence on the right.

import { block, linkTo, namedLines, renderExchange } from "./bytes.js";
import { h, hiddenText, milliseconds } from "./dom.js";
import { cast } from "./steps.js";

const pace = 450; // milliseconds from one row to the next, so that eyes can follow

const lanes = Object.keys(cast);

export class Picture {
  #list;
  #shownUntil = 0;

  constructor(list) {
    this.#list = list;
  }

  clear() {
    this.#list.replaceChildren();
  }

  /** Shows the steps of a walk that began before the page was loaded, the last of them in sight. */
  restore(steps) {
    for (const step of steps) this.add(step, { quiet: true });
    if (steps.length > 0) scrollTo(this.#list.lastElementChild);
  }

  /** Adds a step, and scrolls to it. One that is `quiet` is simply there. */
  add(step, { quiet = false } = {}) {
    const row = render(step);
    this.#list.append(row);
    if (quiet) return;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return scrollTo(row);
    const delay = Math.max(this.#shownUntil - performance.now(), 0);
    this.#shownUntil = performance.now() + delay + pace;
    row.style.setProperty("--delay", `${delay}ms`);
    row.classList.add("new");
    row.addEventListener("animationstart", () => scrollTo(row), { once: true });
  }
}

function scrollTo(row) {
  row.scrollIntoView({ block: "nearest" });
}

function render(step) {
  const { from, to, title, text, link, more, state, token, outcome } = step;
  return h(
    "li",
    { class: "step", "data-from": from, "data-to": to, "data-state": state, "data-step": step.name },
    h("div", { class: "rail", "aria-hidden": "true" }, arrows(step)),
    h(
      "div",
      { class: "text" },
      h(
        "p",
        { class: "route" },
        h("span", { class: "names" }, route(from, to)),
        " ",
        step.ms !== undefined && h("span", { class: "took" }, milliseconds(step.ms)),
      ),
      h("h3", {}, title),
      text && h("p", { class: "sentence" }, text, link && [" ", linkTo(link)], more && [" · ", linkTo(more)]),
      token && h("p", { id: "token", class: "token" }, token),
    ),
    outcome && renderOutcome(outcome),
    bytesOf(step),
  );
}

function route(from, to) {
  if (from === to) return cast[from];
  return [cast[from], h("span", { "aria-hidden": "true" }, " → "), hiddenText(" to "), cast[to]];
}

function arrows({ from, to, exchange }) {
  if (from === to) return h("span", { class: "node" });
  const there = lanes.indexOf(to) > lanes.indexOf(from) ? "rightward" : "leftward";
  const back = there === "rightward" ? "leftward" : "rightward";
  if (!exchange) return h("span", { class: `arrow ${there}` });
  const { method, url, status, base, body, signedBody, text, sentText, tookMs } = exchange;
  return [
    h(
      "span",
      { class: `arrow ${there} ${base ? "signed" : ""} ${body === signedBody ? "" : "tampered"}` },
      h("span", { class: "label" }, `${method} ${shortPath(url)}`),
    ),
    h(
      "span",
      { class: `arrow response ${back} ${status && text === sentText ? "" : "tampered"}` },
      h("span", { class: "label" }, status ? `${status} · ${milliseconds(tookMs)}` : "no response"),
    ),
  ];
}

/** The path, without what is too long to be read. */
function shortPath(url) {
  const path = new URL(url).pathname.replace(/[^/]{20,}/g, "…");
  return path.length > 16 && !path.endsWith("…") ? `…${path.slice(path.lastIndexOf("/"))}` : path;
}

function bytesOf({ exchange, parts }) {
  if (exchange) return h("details", {}, h("summary", {}, "Show the bytes"), renderExchange(exchange));
  if (!parts) return undefined;
  const sections = Object.entries(parts).map(([name, value]) =>
    h("section", {}, h("h4", {}, name), h("div", { class: "wire" }, typeof value === "string" ? block(value) : namedLines(value))),
  );
  return h("details", {}, h("summary", {}, "Show the details"), h("div", { class: "bytes" }, sections));
}

function renderOutcome({ code, status, link, description, protects, todo }) {
  const row = (term, ...content) => content[0] && [h("dt", {}, term), h("dd", {}, ...content.flat())];
  return h(
    "dl",
    { class: "outcome" },
    protects && [h("dt", { class: "protects" }, "What protected you"), h("dd", {}, protects)],
    row("Code", code && h("code", {}, code), status ? [`, with status ${status} `, linkTo(link)] : ""),
    row("Description", description),
    row("What to do", todo),
  );
}
