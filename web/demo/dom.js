// Elements in one expression. Text is always text: nothing here parses HTML.

/**
 * Makes an element. Properties are attributes; one that is false or undefined is left out.
 *
 * @param {string} tag
 * @param {...any} children elements and texts, in lists too; false and undefined are left out
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(2).filter((child) => child !== undefined && child !== false));
  return element;
}

/** An element of the page, of whatever kind it is there. @returns {any} */
export const byId = (id) => document.getElementById(id);

export const hiddenText = (text) => h("span", { class: "visually-hidden" }, text);

/** A button that copies a text, and says that it did. */
export function copyButton(label, text) {
  const button = h("button", { type: "button", class: "quiet small", onclick: copy }, label);
  const said = h("span", { class: "said", role: "status" });
  async function copy() {
    await navigator.clipboard.writeText(text).then(
      () => {
        said.textContent = "Copied.";
      },
      () => {
        said.textContent = "The browser did not allow it: select the text above.";
      },
    );
  }
  return [button, said];
}

export function milliseconds(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
