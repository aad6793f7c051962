import assert from "node:assert/strict";
import { mayStandForMore, resolveScalar } from "$lib/yaml/scalars.ts";

/** What a scalar stands for, as JSON, or its type where that is not a value. */
function jsonOf(text: string): string {
  const scalar = resolveScalar(text);
  return scalar.type === "fault" ? "fault" : JSON.stringify(scalar.value);
}

Deno.test("resolveScalar() reads words, octal, hexadecimal and binary numbers, and underscores as Kubernetes does", () => {
  const values = {
    "yes": "true",
    "off": "false",
    "y": "true",
    "yEs": '"yEs"',
    "~": "null",
    "0400": "256",
    "0o17": "15",
    "0x1F": "31",
    "-0b101": "-5",
    "089": "89",
    "1_000": "1000",
    "1_000.5": "1000.5",
    ".5": "0.5",
    "1e3": "1000",
    "1e400": '"1e400"',
    "1:30": '"1:30"',
    "2001-01-01": '"2001-01-01"',
    "1.2.3": '"1.2.3"',
    "-": '"-"',
  };

  assert.deepEqual(Object.keys(values).map(jsonOf), Object.values(values));
});

Deno.test("resolveScalar() keeps every digit of 64 bits, and refuses more, and what is no number of JSON", () => {
  for (const digits of ["9007199254740993", "-9223372036854775808", "18446744073709551615"]) {
    assert.equal(jsonOf(digits), digits);
  }
  for (const text of ["18446744073709551616", "-9223372036854775809", "9".repeat(1_000_000), ".inf", "-.Inf", ".NaN"]) {
    assert.equal(jsonOf(text), "fault", text.slice(0, 30));
  }
  assert.equal(jsonOf(`0b${"0".repeat(1_000_000)}1`), "1");
});

Deno.test("mayStandForMore() is true of everything that stands for more than text", () => {
  for (const text of ["", "y", "NULL", "false", "5", "+1", "-.inf", ".5"]) {
    assert.equal(mayStandForMore(text), true, text);
  }
  for (const text of ["nginx", "yes!", "e5", "_1", "falsey"]) {
    assert.equal(mayStandForMore(text), false, text);
    assert.equal(resolveScalar(text).type, "text", text);
  }
});
