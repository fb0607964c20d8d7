// The bytes of one exchange: the request, its signature base and the response. What a component of
// the signature covers lights up together, wherever it is.

import { h } from "./dom.js";
import { byteLength, coveredComponents } from "./exchange.js";
import { components, links } from "./steps.js";

export function renderExchange(exchange) {
  const request = h(
    "section",
    {},
    h("h4", {}, "Request"),
    h("div", { class: "wire" }, requestLine(exchange), headerLines(exchange), bodyLines(exchange)),
  );
  const response = h("section", {}, h("h4", {}, "Response"), h("div", { class: "wire" }, responseLines(exchange)));
  if (!exchange.base) return h("div", { class: "bytes" }, request, response);
  const meaning = h("p", { class: "meaning", "aria-live": "polite" });
  const view = h("div", { class: "bytes" }, request, h("div", {}, signatureSection(exchange, meaning), response));
  linkComponents(view, meaning);
  return view;
}

/** @param {string[]} link its text and its address */
export function linkTo([text, href]) {
  return h("a", { href }, text);
}

/** One line: `part` names the components that it belongs to. */
function line(part, ...content) {
  return h("span", { class: "line", "data-part": part }, ...content);
}

const token = (part, text) => h("span", { "data-part": part }, text);

function requestLine({ method, url, base }) {
  const part = (name) => (base ? name : undefined);
  return line(undefined, token(part("@method"), h("b", {}, method)), " ", token(part("@target-uri"), url));
}

const order = ["accept", "authorization", "content-type", "content-digest", "content-length", "signature-input", "signature"];

function headerLines({ headers, body }) {
  const sent = { ...headers, ...(body && { "content-length": String(byteLength(body)) }) };
  const names = Object.keys(sent).sort((a, b) => order.indexOf(a) - order.indexOf(b));
  return names.map((name) => line(headers["signature-input"] && partOf(name), h("b", {}, name), ": ", headerValue(name, sent[name])));
}

const partOf = (name) => (name === "signature-input" ? "@signature-params" : name);

function headerValue(name, value) {
  if (name === "signature-input") return signatureInput(value);
  return name === "content-length" ? h("span", {}, value, h("span", { class: "note" }, " added by the browser")) : value;
}

function signatureInput(value) {
  const end = value.indexOf(")");
  const names = coveredComponents(value)
    .flatMap((name) => [" ", token(name, `"${name}"`)])
    .slice(1);
  return h("span", {}, value.slice(0, value.indexOf("(") + 1), ...names, value.slice(end));
}

function bodyLines({ body, signedBody, digest, headers }) {
  if (!body) return [];
  const lines = [h("span", { class: "line" }, "\u00a0"), line("content-digest content-length", ...markChange(body, signedBody))];
  const claimed = headers["content-digest"];
  if (!claimed) return lines;
  const matches = claimed.includes(digest);
  const verdict = matches
    ? "The digest of this body is the one in content-digest."
    : "The digest of this body is not the one in content-digest: the body was changed after it was signed.";
  return [...lines, h("span", { class: matches ? "verdict" : "verdict bad" }, verdict, " ", linkTo(links.digest))];
}

/** A body as it arrived; where it differs from what was sent, that is marked. */
function markChange(arrived, sent) {
  if (arrived === sent) return [arrived];
  let start = 0;
  while (sent[start] === arrived[start]) start += 1;
  let end = 0;
  while (sent.at(-1 - end) === arrived.at(-1 - end)) end += 1;
  return [
    arrived.slice(0, start),
    h("del", {}, sent.slice(start, sent.length - end)),
    h("ins", {}, arrived.slice(start, arrived.length - end)),
    arrived.slice(arrived.length - end),
  ];
}

function responseLines({ status, type, text, sentText }) {
  if (!status) return [line(undefined, "No response came.")];
  const lines = [line(undefined, h("b", {}, `${status}`)), type && line(undefined, h("b", {}, "content-type"), `: ${type}`)];
  return text ? [...lines, h("span", { class: "line" }, "\u00a0"), block(...markChange(indented(text), indented(sentText)))] : lines;
}

/** Text of several lines, as it is. */
export function block(...text) {
  return h("span", { class: "block" }, text);
}

/** Names and values, one to a line. */
export function namedLines(values) {
  return Object.entries(values).map(([name, value]) => line(undefined, h("b", {}, name), ": ", value));
}

function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function signatureSection({ base }, meaning) {
  const item = ([name, value]) => h("li", {}, componentButton(name, h("b", {}, `"${name}"`), `: ${value}`));
  return h(
    "section",
    {},
    h("h4", {}, "Signature base ", linkTo(links.signatureBase)),
    meaning,
    h("ol", { class: "wire base", "data-part": "signature" }, base.map(item)),
    h("p", { class: "seal" }, componentButton("signature", "Ed25519 over these lines makes the signature.")),
  );
}

function componentButton(name, ...content) {
  return h("button", { type: "button", class: "line", "data-part": name, "aria-pressed": "false" }, ...content);
}

/** Lights up what belongs together: on hover and focus for as long as they last, on click until the next. */
function linkComponents(view, meaning) {
  const chosen = { hover: undefined, focus: undefined, click: undefined };
  const partAt = (target) => target.closest("[data-part]")?.dataset.part.split(" ")[0];
  const light = (change) => {
    Object.assign(chosen, change);
    const name = chosen.hover ?? chosen.focus ?? chosen.click;
    for (const element of view.querySelectorAll("[data-part]")) {
      element.classList.toggle("lit", element.dataset.part.split(" ").includes(name));
      if (element.matches("button")) element.setAttribute("aria-pressed", String(element.dataset.part === chosen.click));
    }
    const text = components[name] ?? "Point at a line, or move through the lines with the Tab key: what it covers lights up.";
    if (meaning.textContent !== text) meaning.textContent = text;
  };
  // Not pointerover: that also comes when a line moves under a pointer that rests.
  view.addEventListener("pointermove", ({ target }) => chosen.hover !== partAt(target) && light({ hover: partAt(target) }));
  view.addEventListener("pointerleave", () => light({ hover: undefined }));
  view.addEventListener("focusin", ({ target }) => light({ focus: partAt(target), hover: undefined }));
  view.addEventListener("focusout", () => light({ focus: undefined }));
  view.addEventListener("click", ({ target }) => {
    const part = partAt(target);
    if (part) light({ click: part === chosen.click ? undefined : part });
  });
  light();
}
