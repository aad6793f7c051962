import assert from "node:assert/strict";
import { fc } from "../fakes/fast_check.ts";
import { keptDigits, parseJson } from "$lib/json.ts";
import { readYamlDocument } from "$lib/yaml/document.ts";
import { newBudget } from "$lib/yaml/events.ts";
import { scanText } from "$lib/yaml/scan.ts";
import { testWith } from "../run/parts.ts";
import { shapes } from "../bench/parse/shapes.ts";
import { GENERATED } from "./documents.ts";
import { askOracle, type OracleAnswer } from "./oracle.ts";
import { REFUSED, SAME, TAKEN } from "./table.ts";

const SAMPLES = 3_000;
/** What the parser does not take, or Kubernetes' does not look at: it stops reading where a document could end. */
const STRICT =
  /must be unique|is no YAML|second document|in brackets, w|needs quotes|infinite|escaped end of a line|64 bits|half of a surrogate|tag of a date/;

/** A text of one document as JSON with sorted keys, or what is wrong with it. */
function read(text: string): { readonly json?: string; readonly fault?: string } {
  const { documents, faults } = scanText(text);
  const { value, faults: own } = readYamlDocument(text, newBudget());
  const [fault] = [...faults, ...own].map(({ message }) => message);
  if (documents.length > 1) return { fault: "is no YAML of one document" };
  return fault === undefined ? { json: JSON.stringify(sorted(value)) } : { fault };
}

/** The oracle's JSON in the same order of keys. */
function jsonOf({ json }: OracleAnswer): string | undefined {
  return json && JSON.stringify(sorted(parseJson(json)));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null || keptDigits(value) !== undefined) return value;
  const object = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.keys(object).sort().map((key) => [key, sorted(object[key])]));
}

testWith("yaml oracle", "lib/yaml reads what the table has as Kubernetes does, or both refuse it", async () => {
  const answers = await askOracle(SAME);

  const ours = SAME.map((text) => [text, read(text).json]);

  assert.deepEqual(ours, SAME.map((text, at) => [text, jsonOf(answers[at] ?? {})]));
});

testWith("yaml oracle", "lib/yaml refuses what it does not read as Kubernetes does, and says why", async () => {
  const texts = [...REFUSED.keys()];
  const answers = await askOracle(texts);

  for (const [at, text] of texts.entries()) {
    assert.notEqual(answers[at]?.json, undefined, text);
    assert.match(read(text).fault ?? "", REFUSED.get(text) ?? /^$/, text);
  }
});

testWith("yaml oracle", "lib/yaml takes the escapes of JSON, which Kubernetes reads as JSON", async () => {
  const answers = await askOracle([...TAKEN.keys()]);

  assert.ok(answers.every(({ fault }) => fault !== undefined));
  for (const [text, json] of TAKEN) assert.deepEqual([read(text).json, JSON.stringify(JSON.parse(text))], [json, json]);
});

for (const [sort, texts] of Object.entries(GENERATED)) {
  testWith("yaml oracle", `lib/yaml makes of generated ${sort} what Kubernetes does, or a fault`, async () => {
    const samples = fc.sample(texts, { numRuns: SAMPLES });
    const answers = await askOracle(samples);

    let same = 0;
    for (const [at, text] of samples.entries()) {
      const ours = read(text);
      const theirs = jsonOf(answers[at] ?? {});
      const where = JSON.stringify(text);
      if (isNoManifest(ours.json)) continue;
      if (ours.json === theirs) same += 1;
      else if (theirs !== undefined) assert.match(ours.fault ?? ours.json ?? "", STRICT, where);
      else assert.equal(isNothingForKubernetes(answers[at]), true, where);
    }

    assert.ok(same > SAMPLES / 25, `only ${same} of ${SAMPLES} are read at all`);
  });
}

/** A document of one scalar, of which the two parsers tell different ends. */
function isNoManifest(json: string | undefined): boolean {
  return json !== undefined && !/^[[{]/.test(json);
}

/**
 * Kubernetes refuses some spellings that are taken here: tabs, names of anchors, a tag before a key, `?` in brackets.
 */
function isNothingForKubernetes(answer: OracleAnswer | undefined): boolean {
  return /tab character|cannot start any token|alphabetic or numeric|tag URI|whitespace or line break|not allowed|expected ',' or|node content/
    .test(answer?.fault ?? "");
}

testWith("yaml oracle", "lib/yaml reads real shapes as Kubernetes does", async () => {
  const documents = Object.values(shapes(64 * 1024)).flatMap((text) => text.split(/^---\n/m));
  const answers = await askOracle(documents);

  assert.deepEqual(documents.map((text) => read(text).json), answers.map(jsonOf));
});
