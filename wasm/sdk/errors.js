// The one error class of the package, and how the failures of the module become it.

/**
 * A call that failed. `code` is the server's GNAP code where it sent one, else one of this
 * package; the README lists them with what to do about each. No text in it holds a token, key,
 * nonce or signature; `responseText`, which may, is not enumerable: logging does not show it.
 */
export class OpenPaymentsClientError extends Error {
  name = /** @type {const} */ ("OpenPaymentsClientError");
  description; // declared, because setters of a page on Object.prototype would swallow what is only assigned
  status;
  code;
  details;
  validationErrors;
  retryable;

  /**
   * @param {string} message
   * @param {Partial<import("./index.js").OpenPaymentsClientError>} [fields]
   */
  constructor(
    message,
    { description, status, code, details, validationErrors, retryable = false, cause, responseText, pending, payment } = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.description = description ?? message;
    this.status = status;
    this.code = code;
    this.details = details;
    this.validationErrors = validationErrors;
    this.retryable = retryable;
    Object.defineProperty(this, "responseText", { value: responseText, enumerable: false });
    if (pending) Object.defineProperty(this, "pending", { value: pending, enumerable: false });
    if (payment) Object.defineProperty(this, "payment", { value: payment, enumerable: false });
    dropFrames(this);
  }
}

/** Until the stack of an error is first read V8 keeps its frames, and with those of Go an instance of the module that has died meanwhile. */
const dropFrames = (error) => void error.stack;

/** Ends a server's text as a sentence. */
export const ended = (text) => (/[.!?]$/.test(text) ? text : `${text}.`);

/** The same error, which says more. */
export function explained(error, more) {
  const add = (text) => `${ended(text)} ${more}`;
  const fields = { ...error, cause: error.cause, responseText: error.responseText, description: add(error.description) };
  return new OpenPaymentsClientError(add(error.message), fields);
}

/** A TypeError that names the argument with its full path and says what it must be. */
export function argumentError(argument, problem) {
  const error = new TypeError(`"${argument}" ${problem}`);
  dropFrames(error);
  return error;
}

/**
 * An object that a caller gave, to be read: each member once, however often it is asked for. What getters throw, or a Proxy, is the
 * cause of a TypeError that names the member, after `path`, or else the object.
 *
 * @template {object} T
 * @param {T} object
 * @returns {T}
 */
export function guarded(object, name, path = "") {
  const members = new Map();
  const attempt = (argument, read) => {
    try {
      return read();
    } catch (cause) {
      throw Object.assign(argumentError(argument, "cannot be read: see cause"), { cause });
    }
  };
  const get = (_, member) => {
    const read = () => object[member];
    if (!members.has(member)) members.set(member, attempt(path + String(member), read));
    return members.get(member);
  };
  const others = ["ownKeys", "getOwnPropertyDescriptor", "getPrototypeOf"].map((trap) => [
    trap,
    (...args) => attempt(name, () => Reflect[trap](...args)),
  ]);
  return new Proxy(object, { get, ...Object.fromEntries(others) });
}

const operations = {
  request: "Grant request",
  continue: "Grant continuation",
  cancel: "Grant cancellation",
  rotate: "Token rotation",
  revoke: "Token revocation",
  verify: "Verification of the interaction hash",
  fetch: "Signed fetch",
};

/**
 * A payment of Go (wasm/payment_js.go) as callers see it.
 *
 * @returns {any}
 */
export const dated = ({ startedAt, ...payment }) => ({ ...payment, startedAt: new Date(startedAt) });

/**
 * Makes the error that Go describes: see wasm/errors_js.go for the fields. Words of a server, which need not end as sentences do, come
 * last.
 */
export function fromGo(fields) {
  if (fields.argument) return argumentError(fields.argument, fields.problem);
  const { operation, code, description, advice, status, details, validationErrors = [], responseText, payment } = fields;
  const isOfServer = status && operation !== "payment"; // a step of a payment is no request
  const what =
    operation === "payment" ? "" : `${operations[operation] ?? operation ?? "Call"} failed (${status ? `${status} ` : ""}${code}): `;
  const message = [what + description, advice].filter(Boolean);
  return new OpenPaymentsClientError((isOfServer ? message.reverse() : message).join(" "), {
    ...fields,
    status: status || undefined,
    responseText: responseText || undefined, // no response came
    details: details ? JSON.parse(details) : undefined,
    payment: payment && dated(JSON.parse(payment)),
    validationErrors: validationErrors.length > 0 ? validationErrors : undefined,
  });
}
