import assert from "node:assert/strict";
import { fc } from "../tests/fakes/fast_check.ts";
import { keptDigits, parseJson, wholeNumber } from "$lib/json.ts";

Deno.test("parseJson() keeps every digit of whole numbers outside what a number holds, and gives them back", () => {
  const text = '{"a":9007199254740993,"b":[-9223372036854775808,18446744073709551615],"c":{"d":9007199254740991}}';

  assert.equal(JSON.stringify(parseJson(text)), text);
  assert.equal(JSON.stringify(JSON.parse(text)) === text, false);
});

Deno.test("parseJson() leaves everything else as JSON.parse has it, beside a large number too", () => {
  const rest = '"f":1.5,"g":1e400,"h":-0,"i":12345678901234567.5,"j":"9007199254740993","k":null,"l":1e20';

  const { n, ...others } = parseJson(`{"n":9007199254740993,${rest}}`) as Record<string, unknown>;

  assert.equal(keptDigits(n), "9007199254740993");
  assert.deepEqual(others, JSON.parse(`{${rest}}`));
});

Deno.test("parseJson() loses nothing of any text", () => {
  fc.assert(fc.property(fc.json(), (text) => {
    assert.deepEqual(JSON.parse(JSON.stringify(parseJson(text))), JSON.parse(JSON.stringify(JSON.parse(text))));
  }));
});

Deno.test("parseJson() throws what JSON.parse throws", () => {
  for (const text of ["", "{", "01", "9007199254740993x"]) assert.throws(() => parseJson(text), SyntaxError);
});

Deno.test("parseJson() keeps large numbers wherever they stand", () => {
  const number = "9007199254740993";
  for (
    const text of [number, `-${number}`, `[${number}]`, `[1,${number}]`, `{ "a" :\n\t${number} }`, `[ -${number}]`]
  ) {
    assert.equal(JSON.stringify(parseJson(text)), text.replaceAll(/\s/g, ""));
  }
});

Deno.test("parseJson() asks for nothing's source in a text without a number of sixteen digits", () => {
  const checksum = "0123456789012345678901234567890123456789012345678901234567890123";
  const text = JSON.stringify({
    items: Array.from({ length: 100 }, (_, n) => ({ n, uid: "1234-5678", checksum, [checksum]: "", at: 1e15 - 1 })),
  });

  assert.equal(revived(() => parseJson(text)), false);
  assert.equal(revived(() => parseJson('{"n":1234567890123456}')), true);
});

Deno.test("wholeNumber() and keptDigits() are each other's other half", () => {
  for (const digits of ["9007199254740992", "-9007199254740992", "18446744073709551615"]) {
    assert.equal(keptDigits(wholeNumber(digits)), digits);
  }
  for (const digits of ["0", "-1", "9007199254740991"]) assert.equal(wholeNumber(digits), Number(digits));
  for (const value of [1, "9007199254740992", null, undefined, { rawJSON: "9007199254740992" }]) {
    assert.equal(keptDigits(value), undefined);
  }
});

/** Whether `action` parses JSON with a reviver, which is what costs. */
function revived(action: () => unknown): boolean {
  const { parse } = JSON;
  let hasReviver = false;
  JSON.parse = (text, reviver) => {
    hasReviver ||= reviver !== undefined;
    return parse(text, reviver);
  };
  try {
    action();
  } finally {
    JSON.parse = parse;
  }
  return hasReviver;
}
