// What happened between a client and a sandbox, so that two runs can be compared.

/**
 * The requests of a client as data: without preflights, without those of the person and of whoever publishes keys, and with one
 * request in place of several equal ones in a row, the last: so often does a client ask until something is so.
 */
export function traceOf(requests) {
  const trace = [];
  for (const request of requests) {
    const { pathname, searchParams } = new URL(request.url);
    if (request.method === "OPTIONS" || /^\/(interact|clients)\//.test(pathname)) continue;
    const sent = {
      method: request.method,
      path: pathname,
      query: Object.fromEntries(searchParams),
      signed: request.signed,
      hasToken: request.headers.authorization !== undefined,
      body: dataOf(request.body),
    };
    if (request.method === "GET" && isSame(trace.at(-1)?.sent, sent)) trace.pop();
    trace.push({ sent, status: request.status, response: dataOf(request.responseBody) });
  }
  return trace;
}

const isSame = (a, b) => JSON.stringify(a) === JSON.stringify(b);

function dataOf(body) {
  const text = body.toString();
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const secret = /(?<=")[A-Za-z0-9_-]{43}(?=")/g; // 32 bytes: shared secrets and the x of keys
const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const id = /[0-9a-f]{8}-[0-9a-f-]{27}|[A-Z2-7]{26}/g; // of resources, tokens and nonces

/**
 * Replaces what is new in every run: times, secrets, the addresses that `names` has names for, and ids by their order, so that what
 * was equal stays equal and what differed differs.
 */
export function normalised(value, names) {
  const numbers = new Map();
  let text = JSON.stringify(value);
  for (const [address, name] of Object.entries(names)) text = text.replaceAll(address, name);
  text = text.replace(secret, "<secret>").replace(time, "<time>");
  text = text.replace(id, (found) => {
    if (!numbers.has(found)) numbers.set(found, `<${numbers.size}>`);
    return numbers.get(found);
  });
  return JSON.parse(text);
}
