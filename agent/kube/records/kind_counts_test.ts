import assert from "node:assert/strict";
import { fc } from "../../../tests/fakes/fast_check.ts";
import type { RecordedObject } from "../../plan/record.ts";
import { KindCounts } from "./kind_counts.ts";
import { groupKindText } from "../names.ts";

const object = fc.record({
  group: fc.constantFrom("", "apps"),
  kind: fc.constantFrom("A", "B"),
  namespace: fc.constantFrom(undefined, "one", "two"),
  name: fc.constantFrom("x", "y", "z"),
}).map((one): RecordedObject => ({ ...one, version: "v1", checksum: "c" }));

Deno.test("KindCounts knows the kinds and namespaces of what was added and not removed", () => {
  fc.assert(fc.property(fc.array(fc.array(object)), fc.array(fc.array(object)), (gone, there) => {
    const counts = new KindCounts();
    for (const objects of [...gone, ...there]) counts.add(objects);
    for (const objects of gone) counts.remove(objects);

    const all = there.flat();
    const kinds = counts.kinds().map(groupKindText).sort();
    assert.deepEqual(kinds, [...new Set(all.map(groupKindText))].sort());
    for (const kind of all) {
      const namespaces = all.filter((one) => groupKindText(one) === groupKindText(kind)).map((one) => one.namespace);
      assert.deepEqual(
        counts.namespacesOf(kind).toSorted(),
        [...new Set(namespaces.flatMap((one) => one ?? []))].sort(),
      );
    }
  }));
});
