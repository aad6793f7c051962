import { fc } from "../fakes/fast_check.ts";
import { dump } from "js-yaml";
import { stringify } from "yaml";

const DIGITS = [..."0123456789017_.eExXoObB+-aAfF:"];
const WORDS = "y Y yes no NO on Off true TRUE null ~ nul .inf .NaN 2001-01-01 1:30 << 0400 0o17 1_000.5".split(" ");
const INDENTS = ["", "", "  ", "  ", "    ", " ", "   "];
const BEGINNINGS = [
  "a: ",
  "b: ",
  "c:",
  "- ",
  "- a: ",
  "? ",
  ": ",
  "",
  "k: |",
  "k: >",
  "k: |-",
  "- |",
  "k: >+",
  "k: |2",
  "#c",
];
const FLOWS = ["x: [", "y: {", "]", "}", "- - ", '"q": ', "'"];
const REST = [
  "",
  "x",
  "x y",
  "1",
  "'s'",
  '"d"',
  "[1, 2]",
  "{a: 1, b: [x]}",
  "&a z",
  "*a",
  "&a",
  "!!str 5",
  "!t",
  "x # c",
  "x#c",
];
const ODD = [
  "- z",
  "'",
  '"',
  "x: y",
  "|",
  ">-",
  "a, b",
  "[a: b, c]",
  "*a ",
  "<<",
  "{<<: *a}",
  "~",
  "\\",
  "?",
  "-",
  "--",
];
const QUOTED = [
  "x",
  "y ",
  " ",
  "\n",
  "\n  ",
  "\t",
  "\\n",
  "\\ ",
  "\\\\",
  "\\x41",
  "\\u00e9",
  "#",
  "''",
  ": ",
  "\r\n",
  "\\_",
];
const FLOW_PIECES = [
  "a",
  "b",
  " ",
  ", ",
  ",",
  "?",
  "? ",
  ": ",
  ":",
  "-",
  "- ",
  "[",
  "]",
  "{",
  "}",
  " # c\n",
  "'x'",
  '"y"',
  "\n ",
  "\n",
]
  .concat(["&k ", "*k", "!t ", "<<: ", "%", "|", "1", "\t", "~", "x:", "\\"]);
const BLOCK_INDENTS = ["    ", "    ", "    ", "     ", "      ", "   ", "  ", ""];
const BLOCK_LINES = ["x", "x", "y  ", "", "", "\t", "\tz", "# c", "- a", "a: b", " "];

function joined(pieces: readonly string[], maxLength: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...pieces), { maxLength }).map((parts) => parts.join(""));
}

const scalar = fc.oneof(joined(DIGITS, 12), fc.constantFrom(...WORDS));
const line = fc.tuple(
  ...[INDENTS, [...BEGINNINGS, ...FLOWS], [...REST, ...ODD], ["", "", " ", "\r"]].map((pieces) =>
    fc.constantFrom(...pieces)
  ),
).map((parts) => parts.join(""));
const blockLine = fc.tuple(fc.constantFrom(...BLOCK_INDENTS), fc.constantFrom(...BLOCK_LINES)).map((parts) =>
  parts.join("")
);
const STYLES: readonly ((value: unknown) => string)[] = [
  (value) => stringify(value, { version: "1.1" }),
  (value) => stringify(value, { version: "1.1", collectionStyle: "flow" }),
  (value) => stringify(value, { version: "1.1", defaultStringType: "BLOCK_FOLDED", lineWidth: 20 }),
  (value) => stringify(value, { version: "1.1", defaultStringType: "QUOTE_SINGLE", lineWidth: 20, indentSeq: false }),
  (value) => dump(value, { lineWidth: 20 }),
  (value) => JSON.stringify(value, null, "\t"),
];

/**
 * Documents made at random, of each sort some: scalars, tags, quotes, blocks, lines that may mean nothing, whole
 * values.
 */
export const GENERATED: Readonly<Record<string, fc.Arbitrary<string>>> = {
  "scalars": scalar.map((one) => `a: ${one}`),
  "keys": scalar.map((one) => `${one}: a`),
  "tags": fc.tuple(fc.constantFrom("!!int", "!!float", "!!str", "!!bool", "!!null", "!", "!x"), scalar)
    .map(([tag, one]) => `a: [${tag} '${one}', ${tag} "${one}"]`),
  "quotes": fc.tuple(fc.constantFrom('"', "'"), joined(QUOTED, 10)).map(([quote, text]) =>
    `a:\n  - ${quote}${text}${quote}\n`
  ),
  "blocks": fc.tuple(
    joined(["|", ">"], 1),
    joined(["", "-", "+", "1", "2", "4"], 2),
    fc.array(blockLine, { maxLength: 8 }),
  )
    .map(([style, header, lines]) => `a:\n  k: ${style}${header}\n${lines.join("\n")}\n`),
  "lines": fc.array(line, { minLength: 1, maxLength: 7 }).map((lines) => `${lines.join("\n")}\n`),
  "flows": fc.tuple(fc.constantFrom("[]", "{}"), joined(FLOW_PIECES, 9)).map(([[open, close], text]) =>
    `a: ${open}${text}${close}\n`
  ),
  "values": fc.tuple(fc.jsonValue({ maxDepth: 4 }), fc.constantFrom(...STYLES)).map(([value, write]) =>
    write({ value })
  ),
};
