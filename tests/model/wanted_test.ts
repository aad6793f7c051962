import assert from "node:assert/strict";
import { CANDIDATES } from "./candidates.ts";
import { Wanted } from "./wanted.ts";

Deno.test("a stack wants nothing of an agent that lacks what ties it, and all of it again when that is back", () => {
  const wanted = new Wanted();
  const values = new Map(CANDIDATES.slice(0, 1).map((candidate) => [candidate, "value"]));
  const rest = { isMarked: false, isSuspended: false, drift: "repair", defaultNamespace: undefined } as const;
  wanted.put({ id: "a", name: "a", objectId: "of-a", values, tie: "label", ...rest });
  const seen = () => [wanted.present.length, wanted.places().size, CANDIDATES.length - wanted.free.length];

  const before = seen();
  wanted.lack(new Set(["label"]));
  const backup = wanted.save();
  const lacking = seen();
  wanted.lack(new Set(["annotation"]));
  const back = seen();
  wanted.load(backup);

  assert.deepEqual([before, lacking, back, seen()], [[1, 1, 1], [0, 0, 0], [1, 1, 1], [0, 0, 0]]);
});
