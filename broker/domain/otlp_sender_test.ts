import assert from "node:assert/strict";
import { fc } from "../../tests/fakes/fast_check.ts";
import { attribute, exportOf, field, joined, numberField, varint } from "../../tests/fakes/protobuf_writer.ts";
import { isFailure } from "$lib/error.ts";
import { mustBeSentBy } from "./otlp_sender.ts";

const KEY = "brokkr.agent.id";
const ID = "0198c0de-0000-7000-8000-000000000001";
const OTHER = "0198c0de-0000-7000-8000-000000000002";
const OWN = attribute(KEY, ID);
const FOREIGN = attribute(KEY, OTHER);
const NAME = attribute("service.name", "brokkr-agent");

type Verdict = "own" | "agent_pak_mismatch" | "invalid_request_body";

function verdictOf(bytes: Uint8Array): Verdict {
  try {
    mustBeSentBy(ID, bytes);
    return "own";
  } catch (error) {
    if (isFailure(error, "agent_pak_mismatch", "invalid_request_body")) return error.code as Verdict;
    throw error;
  }
}

/** A request with one Resource of these fields. */
function resource(...fields: readonly Uint8Array[]): Uint8Array {
  return field(1, field(1, joined(...fields)));
}

/** An attribute of this key whose value has these fields. */
function valued(...fields: readonly Uint8Array[]): Uint8Array {
  return field(1, joined(field(1, KEY), field(2, joined(...fields))));
}

const SPANS = field(2, joined(field(2, field(5, "GET /")), field(3, "https://example.org/schema")));
const OWN_GROUP = exportOf({ "service.name": "brokkr-agent", [KEY]: ID }, SPANS);

const CASES: Readonly<Record<string, readonly [Uint8Array, Verdict]>> = {
  "an empty request": [new Uint8Array(), "own"],
  "one of this agent": [OWN_GROUP, "own"],
  "several groups of this agent": [joined(OWN_GROUP, OWN_GROUP), "own"],
  "fields of later versions everywhere": [
    joined(
      numberField(9, 2n ** 64n - 1n),
      field(1, joined(field(7, "new"), field(1, joined(numberField(2, 3), OWN, field(15, "new"))), SPANS)),
      joined(varint(16 * 8 + 1), new Uint8Array(8), varint(16 * 8 + 5), new Uint8Array(4)),
    ),
    "own",
  ],
  "attributes of other kinds beside the id": [
    resource(OWN, field(1, joined(field(1, "k"), field(2, field(6, "list")))), field(1, field(2, field(1, "")))),
    "own",
  ],
  "one of another agent": [exportOf({ [KEY]: OTHER }), "agent_pak_mismatch"],
  "another agent's group after this one's": [joined(OWN_GROUP, exportOf({ [KEY]: OTHER })), "agent_pak_mismatch"],
  "a Resource that names nobody": [resource(NAME), "agent_pak_mismatch"],
  "a Resource without attributes": [resource(), "agent_pak_mismatch"],
  "a group without a Resource": [field(1, SPANS), "agent_pak_mismatch"],
  "an id that is longer": [exportOf({ [KEY]: `${ID} ` }), "agent_pak_mismatch"],
  "an id that is shorter": [exportOf({ [KEY]: ID.slice(1) }), "agent_pak_mismatch"],
  "an id without a text": [resource(field(1, field(1, KEY))), "agent_pak_mismatch"],
  "an id that is a number": [resource(valued(numberField(3, 7))), "agent_pak_mismatch"],
  "an id that is bytes": [resource(valued(field(7, ID))), "agent_pak_mismatch"],
  "an id inside another attribute": [resource(field(1, joined(field(1, "k"), field(2, OWN)))), "agent_pak_mismatch"],
  "an id outside the Resource": [field(1, joined(field(1, NAME), field(2, OWN))), "agent_pak_mismatch"],
  // What follows is this agent's to a reader that takes the first of two, and another's to one that takes the last.
  "two ids, this agent's first": [resource(OWN, FOREIGN), "agent_pak_mismatch"],
  "two ids, this agent's last": [resource(FOREIGN, OWN), "agent_pak_mismatch"],
  "the same id twice": [resource(OWN, OWN), "agent_pak_mismatch"],
  "a value of two texts": [resource(valued(field(1, ID), field(1, OTHER))), "invalid_request_body"],
  "a value of a text and a number": [resource(valued(field(1, ID), numberField(3, 7))), "agent_pak_mismatch"],
  "an attribute of two keys": [
    resource(OWN, field(1, joined(field(1, "k"), field(1, KEY), field(2, field(1, OTHER))))),
    "invalid_request_body",
  ],
  "an attribute of two values": [
    resource(field(1, joined(field(1, KEY), field(2, field(1, ID)), field(2, field(1, OTHER))))),
    "invalid_request_body",
  ],
  "a group of two Resources": [field(1, joined(field(1, OWN), field(1, FOREIGN))), "invalid_request_body"],
  "a field that says it is longer than all": [joined(varint(10), varint(99), OWN), "invalid_request_body"],
  "a Resource that says it is longer than its group": [
    field(1, joined(varint(10), varint(OWN.length + 1), OWN)),
    "invalid_request_body",
  ],
  "a length that turns negative in 32 bits": [joined(varint(10), varint(2n ** 31n), OWN), "invalid_request_body"],
  "a length that turns small in 64 bits": [
    joined(varint(10), varint(2n ** 64n + BigInt(OWN.length)), OWN),
    "invalid_request_body",
  ],
  "a number of eleven bytes": [
    joined(Uint8Array.of(16), new Uint8Array(10).fill(128), Uint8Array.of(0), OWN_GROUP),
    "invalid_request_body",
  ],
  "a field's number that turns to 1 in 32 bits": [
    joined(varint((2n ** 32n + 1n) * 8n + 2n), varint(2), Uint8Array.of(10, 0)),
    "invalid_request_body",
  ],
  "a field of number 0": [joined(varint(2), varint(0)), "invalid_request_body"],
  "a group that is a number": [numberField(1, 7), "invalid_request_body"],
  "a Resource that is a number": [field(1, numberField(1, 7)), "invalid_request_body"],
  "a field of a type that is no more": [Uint8Array.of(11, 12), "invalid_request_body"],
  "JSON": [new TextEncoder().encode('{"resourceSpans":[]}'), "invalid_request_body"],
};

for (const [what, [bytes, expected]] of Object.entries(CASES)) {
  Deno.test(`mustBeSentBy() finds ${what}: ${expected}`, () => {
    assert.equal(verdictOf(bytes), expected);
  });
}

Deno.test("mustBeSentBy() never fails without a code, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void verdictOf(bytes)), { numRuns: 5_000 });
});

Deno.test("mustBeSentBy() passes nothing that a lenient reader takes for another's, however it is nested or broken", () => {
  const good = joined(OWN_GROUP, OWN_GROUP);
  const changed = fc.tuple(fc.nat(good.length - 1), fc.nat(255), fc.boolean())
    .map(([at, byte, isCut]) => isCut ? good.slice(0, at) : good.with(at, byte));
  let own = 0;
  fc.assert(
    fc.property(fc.oneof(changed, nested()), (bytes) => {
      if (verdictOf(bytes) !== "own") return;
      own += 1;
      for (const ids of lenientIds(bytes)) assert.deepEqual(ids, [ID]);
    }),
    { numRuns: 10_000 },
  );
  assert.ok(own > 100, `only ${own} of them were own: the test looks at too little`);
});

Deno.test("mustBeSentBy() looks at each byte a few times at most, and at none of what it need not read", () => {
  const grown: Readonly<Record<string, (times: number) => Uint8Array>> = {
    "groups": (times) => joined(...Array.from({ length: times }, () => OWN_GROUP)),
    "attributes": (times) => resource(OWN, ...Array.from({ length: times }, () => NAME)),
    "the smallest fields": (times) => resource(OWN, ...Array.from({ length: times }, () => numberField(2, 0))),
    "padded numbers": (times) => joined(...Array.from({ length: times }, () => numberField(9, 2n ** 64n - 1n))),
  };
  for (const [what, grow] of Object.entries(grown)) {
    const bytes = grow(500);
    assert.ok(readsOf(bytes) <= 4 * bytes.length, `${what}: ${readsOf(bytes)} reads of ${bytes.length} bytes`);
  }
  const readsOfSpans = (size: number) => readsOf(exportOf({ [KEY]: ID }, field(2, new Uint8Array(size))));
  assert.equal(readsOfSpans(20_000), readsOfSpans(2_000_000));
});

/** Messages in messages, of the field numbers that mean something. */
function nested(): fc.Arbitrary<Uint8Array> {
  const leaf = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(OWN, FOREIGN, NAME, OWN_GROUP, valued(field(1, ID))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 4 }) },
  );
  const message = (inside: fc.Arbitrary<Uint8Array>) =>
    fc.array(fc.tuple(fc.constantFrom(0, 0, 1, 1, 1, 2), inside), { maxLength: 3 })
      .map((fields) => joined(...fields.map(([number, bytes]) => number === 0 ? bytes : field(number, bytes))));
  return fc.oneof(message(leaf), message(message(leaf)), message(message(message(leaf))));
}

/** The ids of each Resource as the most forgiving of receivers reads them: parts are merged, the last of two counts. */
function lenientIds(bytes: Uint8Array): (string | undefined)[][] {
  const text = (part: Uint8Array | undefined) => new TextDecoder().decode(part);
  const all = (part: Uint8Array, wanted: number) =>
    lenientFields(part).flatMap(([number, value]) => number === wanted && value !== undefined ? [value] : []);
  return all(bytes, 1).map((group) => {
    const attributes = all(joined(...all(group, 1)), 1);
    return attributes.filter((one) => text(all(one, 1).at(-1)) === KEY).map((one) => {
      const [number, value] = lenientFields(joined(...all(one, 2))).at(-1) ?? [];
      return number === 1 && value !== undefined ? text(value) : undefined;
    });
  });
}

/** What a decoder in Go reads: 64 bits wrap around, field numbers are of 32. It stops where it can't go on. */
function lenientFields(bytes: Uint8Array): [number, Uint8Array | undefined][] {
  const fields: [number, Uint8Array | undefined][] = [];
  let at = 0;
  const number = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = BigInt(bytes[at++] ?? 0);
      value |= (byte & 127n) << shift;
      if (byte < 128n) return BigInt.asUintN(64, value);
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const type = Number(tag & 7n);
    const size = type === 2 ? Number(number()) : ({ 1: 8, 5: 4 } as Record<number, number>)[type] ?? 0;
    if (type === 0) number();
    if (at + size > bytes.length) break;
    fields.push([Number(BigInt.asIntN(32, tag >> 3n)), type === 2 ? bytes.subarray(at, at + size) : undefined]);
    at += size;
  }
  return fields;
}

function readsOf(bytes: Uint8Array): number {
  let reads = 0;
  const counted = (part: Uint8Array): Uint8Array =>
    new Proxy(part, {
      get(target, name) {
        if (name === "subarray") return (from: number, to: number) => counted(target.subarray(from, to));
        if (typeof name === "string" && /^\d+$/.test(name)) reads += 1;
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  mustBeSentBy(ID, counted(bytes));
  return reads;
}
