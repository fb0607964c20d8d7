// Responses are checked as the Node client checks them: for every example of the OpenAPI documents and thousands of
// mutations of them, its verdict is ours, or the difference is one of those that are named here.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { before, describe, test } from "node:test";
import { root } from "./harness/packages.mjs";
import { documents, shapesFile } from "./shapes.mjs";

const require = createRequire(import.meta.url);
const dist = dirname(require.resolve("@interledger/open-payments"));
const [walletAddresses, resources] = documents;

/** The operations: where the documents have them, and whether the URL is the id that the response must have. */
const operations = {
  "walletAddress.get": [walletAddresses, "/", "get"],
  "walletAddress.getKeys": [walletAddresses, "/jwks.json", "get"],
  "walletAddress.getDIDDocument": [walletAddresses, "/did.json", "get"],
  "incomingPayment.get": [resources, "/incoming-payments/{id}", "get"],
  "incomingPayment.getPublic": [resources, "/incoming-payments/{id}", "get"],
  "incomingPayment.create": [resources, "/incoming-payments", "post"],
  "incomingPayment.complete": [resources, "/incoming-payments/{id}/complete", "post"],
  "incomingPayment.list": [resources, "/incoming-payments", "get"],
  "quote.get": [resources, "/quotes/{id}", "get"],
  "quote.create": [resources, "/quotes", "post"],
  "outgoingPayment.get": [resources, "/outgoing-payments/{id}", "get"],
  "outgoingPayment.create": [resources, "/outgoing-payments", "post"],
  "outgoingPayment.list": [resources, "/outgoing-payments", "get"],
  "outgoingPayment.getGrantSpentAmounts": [resources, "/outgoing-payment-grant", "get"],
};

function documented(operation) {
  const [document, path, method] = operations[operation];
  const [status, response] = Object.entries(document.paths[path][method].responses).find(([status]) => status.startsWith("2"));
  return { document, status: Number(status), ...response.content["application/json"] };
}

/** What we take and the Node client does not: how to make of a response what it would take as well. */
const lenient = {
  "A status of success is as good as another: what was made has been made.": (response) => ({
    ...response,
    status: documented(response.operation).status,
  }),
  "Unknown members pass: a server that is newer than a client is not broken.": (response) => {
    const { document, schema } = documented(response.operation);
    return { ...response, body: known(response.body, schema, document) };
  },
  "Two equal ways to pay harm nobody, and comparing each with each would let a server occupy a page.": (response) => {
    const { body } = response;
    if (!Array.isArray(body?.methods)) return response;
    const isNew = (method, i) => body.methods.findIndex((other) => JSON.stringify(other) === JSON.stringify(method)) === i;
    return { ...response, body: { ...body, methods: body.methods.filter(isNew) } };
  },
  "A default counts in every place: the validator forgets it where it has a choice of shapes.": (response) => {
    const { body } = response;
    const isPayment = response.operation.startsWith("incomingPayment.get") && isObject(body) && !("completed" in body);
    return isPayment ? { ...response, body: { ...body, completed: false } } : response;
  },
  "In a public document, which has no amount that is asked for, it is an unknown member.": (response) => {
    const { body } = response;
    const isPublic = response.operation === "incomingPayment.get" && isObject(body) && "authServer" in body;
    if (!isPublic || (isObject(body.incomingAmount) && "receivedAmount" in body)) return response;
    const { incomingAmount: _, ...others } = body;
    return { ...response, body: others };
  },
};

/** What the Node client takes and we do not: which problem it is, and of what. */
const strict = {
  "A document is the one that was asked for.": (problem, body, url) =>
    problem === "id is that of another address than the one asked for" && body.id !== url,
  "A wallet at https leads to https alone: what everybody can publish must not lead a server to its own neighbours.": (
    problem,
    body,
    url,
  ) => {
    const name = problem.match(/^(\w+Server): expected an https: URL, found another$/)?.[1];
    return name !== undefined && url.startsWith("https:") && !/^https:/i.test(body[name]);
  },
  "The documents say unsigned 64-bit integer, and the client takes whatever BigInt does: spaces, 0x10, no digits, more bits.": (
    problem,
    body,
  ) => {
    const path = problem.match(/^(.*): expected an unsigned 64-bit integer as text, found another string$/)?.[1];
    const value = path && path.split(/[.[\]]+/).reduce((value, name) => value[name], body);
    return path !== undefined && (!/^\d+$/.test(value) || BigInt(value) >= 2n ** 64n);
  },
};

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** A value without the members that its schema does not have and forbids. */
function known(value, schema, document) {
  if (schema.$ref) {
    const { $ref, ...beside } = schema;
    return known(value, { ...document.components.schemas[$ref.split("/").pop()], ...beside }, document);
  }
  if (schema.anyOf) return known(value, schema.anyOf[0], document);
  const parts = schema.allOf ?? [];
  if (parts.length > 0) return parts.reduce((value, part) => known(value, part, document), value);
  if (Array.isArray(value) && schema.items) return value.map((item) => known(item, schema.items, document));
  if (!isObject(value) || !schema.properties) return value;
  const entries = Object.entries(value).filter(([name]) => schema.additionalProperties !== false || Object.hasOwn(schema.properties, name));
  const deeper = ([name, member]) => [
    name,
    Object.hasOwn(schema.properties, name) ? known(member, schema.properties[name], document) : member,
  ];
  return Object.fromEntries(entries.map(deeper));
}

/** A function that returns what the Node client says of a response: an array of problems, or null where there is none. */
async function nodeClient() {
  const { getResourceServerOpenAPI, getWalletAddressServerOpenAPI } = require(join(dist, "openapi/index.js"));
  let next;
  const send = async () => ({ status: next.status, json: async () => JSON.parse(next.text) });
  const logger = { error() {}, debug() {} };
  const routes = (file, name, openApi) =>
    require(join(dist, `client/${file}.js`))[name]({ httpClient: { get: send, post: send }, logger, openApi });
  const resourceServer = await getResourceServerOpenAPI();
  const client = {
    walletAddress: routes("wallet-address", "createWalletAddressRoutes", await getWalletAddressServerOpenAPI()),
    incomingPayment: routes("incoming-payment", "createIncomingPaymentRoutes", resourceServer),
    outgoingPayment: routes("outgoing-payment", "createOutgoingPaymentRoutes", resourceServer),
    quote: routes("quote", "createQuoteRoutes", resourceServer),
  };
  return async (response) => {
    next = response;
    const [resource, method] = response.operation.split(".");
    try {
      await client[resource][method]({ url: response.url, accessToken: "token", walletAddress: "https://wallet.example" }, {});
      return null;
    } catch (error) {
      return error.validationErrors ?? [error.message];
    }
  };
}

/** mulberry32: the same numbers in every run. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const infinite = "beyond any number"; // stands for 1e400, which JSON can carry and JSON.stringify cannot write

const usd = (value) => ({ value, assetCode: "USD", assetScale: 2 });

/** What may stand in the place of something. */
const strange = [
  ...[null, true, false, 0, 1, -1, 2.5, 2.0, 255, 256, 1e300, infinite, "", "a", "ilp", [], {}, [{}], [null], "\u2028", "é", "=", "_-"],
  ...[
    "0",
    "00",
    "5",
    "-1",
    "+1",
    "1.0",
    "1e3",
    " 5",
    "5\n",
    "0x10",
    "0b1",
    "１",
    "18446744073709551615",
    "18446744073709551616",
    "9".repeat(40),
  ],
  ...[
    usd("0"),
    usd("5"),
    usd("99999"),
    { value: "0", assetCode: "EUR", assetScale: 2 },
    { value: "0", assetCode: "USD", assetScale: 3 },
    usd(5),
  ],
  ...["2026-11-28T12:00:00Z", "yesterday", "https://a.example", "http://a.example/incoming-payments/1", "https:///incoming-payments/1"],
  ...[
    "https://a.example/incoming-payments/",
    "HTTPS://a/incoming-payments/b",
    "https://a\n/incoming-payments/b",
    "ftp://a/incoming-payments/b",
  ],
  ...["test.a", "test4.a", "g.", "g", "g.a..b", "g.a b", "private.a_b~c-d", `g.${"a".repeat(1021)}`, `g.${"a".repeat(1022)}`, "G.a"],
  ...["EdDSA", "RS256", "sig", "OKP", "Ed25519", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"],
];

const names = [
  "more",
  "constructor",
  "Completed",
  "completed",
  "failed",
  "methods",
  "authServer",
  "incomingAmount",
  "metadata",
  "quoteId",
  "use",
];

/** Every place in a value: functions that read it and put something there. */
function places(value) {
  if (value === null || typeof value !== "object") return [];
  return Object.keys(value).flatMap((name) => [{ in: value, name }, ...places(value[name])]);
}

function mutate(body, pick) {
  const all = places(body);
  if (all.length === 0) return pick(strange);
  const place = pick(all);
  const other = pick(all);
  const target = place.in[place.name];
  const ways = [
    () => (Array.isArray(place.in) ? place.in.splice(place.name, 1) : delete place.in[place.name]),
    () => (place.in[place.name] = structuredClone(pick(strange))),
    () => (place.in[place.name] = structuredClone(pick(strange))),
    () => (place.in[place.name] = structuredClone(other.in[other.name])),
    () => (Array.isArray(target) ? target.push(structuredClone(target[0] ?? {})) : (body[pick(names)] = structuredClone(pick(strange)))),
    () => isObject(target) && (target[pick(names)] = structuredClone(pick(strange))),
  ];
  pick(ways)();
  return body;
}

/** The examples of an operation in the documents, and one with every member. */
function examples(operation) {
  const { document, schema, examples = {} } = documented(operation);
  const resolve = (schema) => (schema.$ref ? document.components.schemas[schema.$ref.split("/").pop()] : schema);
  const listed = (schema) => [
    ...(resolve(schema).examples ?? []),
    ...["anyOf", "allOf"].flatMap((word) => (resolve(schema)[word] ?? []).flatMap(listed)),
  ];
  const own = [...Object.values(examples).map(({ value }) => value), ...listed(schema)];
  const whole = full(schema, document);
  return [...own, whole, ...(schema.anyOf ?? []).map((one) => full(one, document))].map((body) => structuredClone(body));
}

/** What a schema describes, with every member, and such that the client's checks beyond the documents hold. */
function full(schema, document, name = "") {
  const { $ref, anyOf, allOf, type, items, properties, enum: values, pattern, format } = schema;
  if ($ref) return full(document.components.schemas[$ref.split("/").pop()], document, name);
  if (anyOf) return full(anyOf[0], document, name);
  if (allOf) return Object.assign({}, ...allOf.map((part) => full(part, document, name)));
  if (type === "array") return [full(items, document, name)];
  if (properties)
    return Object.fromEntries(Object.entries(properties).map(([inner, member]) => [inner, full(member, document, inner || name)]));
  if (type === "boolean") return false;
  if (type === "integer") return 2;
  if (type === "object") return { a: 1 };
  if (values) return values[0];
  if (format === "uint64") return "0";
  if (pattern?.includes("incoming-payments")) return "https://a.example/incoming-payments/1";
  if (pattern?.includes("private")) return "test.a.b";
  return name === "assetCode" ? "USD" : name === "id" ? "https://a.example/1" : "abc";
}

function cases(operation, count) {
  const { status } = documented(operation);
  const all = examples(operation).map((body) => ({ operation, status, body }));
  const next = random(operation.length * 7919 + count);
  const pick = (list) => list[Math.floor(next() * list.length)];
  for (let i = 0; i < count; i++) {
    let body = structuredClone(pick(examples(operation)));
    for (let times = pick([1, 1, 1, 2, 3]); times > 0; times--) body = mutate(body, pick);
    all.push({ operation, status: next() < 0.02 ? pick([200, 201, 202]) : status, body });
  }
  return all.map(complete);
}

/** A response with its text, and the URL that it is the response of. */
function complete({ operation, status, body }) {
  const text = JSON.stringify(body).replaceAll(JSON.stringify(infinite), "1e400");
  const url = typeof body?.id === "string" && /^https:\/\/[\w.-]+\/[\w./-]*$/.test(body.id) ? body.id : "https://a.example/1";
  return { operation, status, body: JSON.parse(text), text, url };
}

describe("responses are checked as the Node client checks them", { timeout: 240_000 }, () => {
  let ours, node;

  before(async () => {
    const folder = mkdtempSync(join(tmpdir(), "openapi-"));
    const program = join(folder, "checkresponses");
    execFileSync("go", ["build", "-o", program, "./pkg/openpayments/internal/checkresponses"], { cwd: root });
    ours = (responses) => {
      const input = responses.map(({ operation, url, status, text }) => JSON.stringify({ operation, url, status, body: text })).join("\n");
      const output = execFileSync(program, { input, maxBuffer: 1 << 30, encoding: "utf8" });
      return output
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line));
    };
    process.on("exit", () => rmSync(folder, { recursive: true }));
    node = await nodeClient();
  });

  test("the committed shapes are those of the documents", () => {
    const committed = readFileSync(join(root, "pkg/openpayments/shapes.go"), "utf8");
    assert.equal(committed, shapesFile(), "go generate ./pkg/openpayments");
  });

  const used = new Set();

  for (const operation of Object.keys(operations)) {
    test(operation, async (t) => {
      const responses = cases(operation, 1000);
      const verdicts = ours(responses);
      assert.equal(verdicts.length, responses.length);
      let accepted = 0;
      for (const [i, response] of responses.entries()) {
        const [our, their] = [verdicts[i], await node(response)];
        if (our === null) accepted++;
        const reasons = await reasonsFor(response, our, their);
        for (const reason of reasons) used.add(reason);
        const isAgreed = (our === null) === (their === null) || reasons.length > 0;
        const both = `${response.status} ${response.text}\nours: ${JSON.stringify(our)}\ntheirs: ${JSON.stringify(their)}`;
        assert.ok(isAgreed, both);
        if (our && their && !operation.startsWith("incomingPayment.get")) {
          const unnamed = their.filter((message) => isOfMember(message) && !our.some((problem) => isNamed(message, problem)));
          assert.ok(unnamed.length === 0 || our.length > 20, both);
        }
      }
      t.diagnostic(`${responses.length} responses, of which we take ${accepted}`);
      assert.ok(accepted > 50 && accepted < responses.length, `we take ${accepted} of ${responses.length}`);
    });
  }

  /** Whether a message of the client's validator is of one member, and of one that we check. */
  const isOfMember = (message) =>
    message.startsWith("response") && !/must NOT have (additional|duplicate)|must match a schema in anyOf$|must be null$/.test(message);

  /** Whether a problem of ours names the member that a message is of. */
  function isNamed(message, problem) {
    const [path] = problem.split(/: expected | is missing$/);
    const place = path === "the response" ? "response" : `response.${path.replace(/\[(\d+)\]/g, ".$1")}`;
    const [, parent, name] = place.match(/^(?:(.*)\.)?(.*)$/);
    return message.startsWith(`${place} must`) || message === `${parent} must have required property '${name}'`;
  }

  /** Why ours is not their verdict. */
  async function reasonsFor(response, our, their) {
    if ((our === null) === (their === null)) return [];
    if (our !== null) {
      const named = our.map((problem) => Object.keys(strict).find((reason) => strict[reason](problem, response.body, response.url)));
      return named.includes(undefined) ? [] : named;
    }
    const steps = Object.entries(lenient);
    let changed = response;
    const reasons = [];
    for (const [reason, change] of steps) {
      const next = complete(change(changed));
      if (next.text !== changed.text || next.status !== changed.status) reasons.push(reason);
      changed = { ...next, url: response.url };
    }
    return (await node(changed)) === null ? reasons : [];
  }

  test("every difference that is named is there", () => {
    assert.deepEqual([...used].sort(), [...Object.keys(lenient), ...Object.keys(strict)].sort());
  });
});
