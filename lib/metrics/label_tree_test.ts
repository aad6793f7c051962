import assert from "node:assert/strict";
import { fc } from "../../tests/fakes/fast_check.ts";
import { LabelTree } from "$lib/metrics/label_tree.ts";

const NAMES = ["a", "b"];

Deno.test("a label tree has what a map has whose keys are all the label values", () => {
  const labels = fc.record({ a: fc.constantFrom("", "x", "xy"), b: fc.constantFrom("", "y", "xy") });
  const step = fc.record({ labels, action: fc.constantFrom("set", "delete", "clear") });

  fc.assert(fc.property(fc.array(step), fc.array(labels), (steps, asked) => {
    const tree = new LabelTree<number>(NAMES);
    const map = new Map<string, number>();
    for (const [at, { labels, action }] of steps.entries()) {
      if (action === "clear") [tree, map].forEach((one) => one.clear());
      else if (action === "delete") [tree.delete(labels), map.delete(JSON.stringify([labels.a, labels.b]))];
      else [tree.set(labels, at), map.set(JSON.stringify([labels.a, labels.b]), at)];
    }
    for (const one of asked) assert.equal(tree.get(one), map.get(JSON.stringify([one.a, one.b])));
  }));
});

Deno.test("a label tree without labels holds one thing", () => {
  const tree = new LabelTree<string>([]);

  tree.set({}, "one");
  assert.equal(tree.get({}), "one");
  tree.delete({});
  assert.equal(tree.get({}), undefined);
});
