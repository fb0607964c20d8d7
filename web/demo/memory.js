// What of a walk outlives the page: its picture, without a token. Where the payment stands is in the client's own journal.

const tokens = new Set();

/** Finds the access tokens of an exchange, so that `save` leaves them out. */
export function findTokens({ headers, text }) {
  if (headers.authorization) tokens.add(headers.authorization.replace("GNAP ", ""));
  try {
    JSON.parse(text, (name, value) => {
      if (name === "access_token" && value.value) tokens.add(value.value);
      return value;
    });
  } catch {
    // no JSON, so no token
  }
}

export function save(walk) {
  let text = JSON.stringify(walk);
  for (const token of tokens) text = text.replaceAll(token, "(not kept)");
  sessionStorage.setItem("demo", text);
}

export function load() {
  return JSON.parse(sessionStorage.getItem("demo") ?? "null");
}

export function clear() {
  sessionStorage.removeItem("demo");
}
