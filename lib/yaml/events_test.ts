import assert from "node:assert/strict";
import { EVENT_ID, getScalarValue, type ScalarEvent } from "js-yaml";
import { newBudget, parseDocument, scalarText } from "$lib/yaml/events.ts";

const LINES = ["", "  ", "    ", "    word", "     more", "    \t", "      ", "    - {a: b}"];

Deno.test("scalarText() says of every block what the library says", () => {
  const texts = blocks(LINES, 4);

  const other = texts.filter((text) => {
    const [scalar, padded] = blockOf(text);
    return scalarText(padded, scalar) !== getScalarValue(padded, scalar);
  });

  assert.deepEqual(other, []);
  assert.ok(texts.length > 10_000);
});

/** Every block of up to so many of these lines, with every header, that is YAML. */
function blocks(lines: readonly string[], most: number): readonly string[] {
  const bodies = [""];
  for (let from = 0, length = 1; length <= most; length += 1) {
    const longest = bodies.slice(from);
    from = bodies.length;
    for (const body of longest) for (const line of lines) bodies.push(`${body}${line}\n`);
  }
  const headers = ["|", "|-", "|+", "|4", "|4-", "|4+", ">", ">-"].map((header) => `key: ${header}\n`);
  const all = headers.flatMap((header) => bodies.flatMap((body) => [header + body, header + body.slice(0, -1)]));
  return all.filter((text) => parseDocument(text, newBudget()).fault === undefined);
}

function blockOf(document: string): readonly [ScalarEvent, text: string] {
  const { events, text } = parseDocument(document, newBudget());
  const scalars = events.filter((event) => event.type === EVENT_ID.SCALAR);
  const block = scalars.at(1);
  assert.ok(block !== undefined, document);
  return [block, text];
}
