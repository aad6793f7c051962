import assert from "node:assert/strict";
import { failed, outcomeOf } from "./outcome.ts";

const MEMBER = {
  resource: { apiVersion: "v1", kind: "ConfigMap", resource: "configmaps", namespaced: true, verbs: [] },
  name: "a",
};
const CREATED = { kind: "ConfigMap", name: "b", action: "created" } as const;
const PRUNED = { results: [], kept: [], going: [], blocked: [], inTheWay: [], untried: [] };

Deno.test("outcomeOf() is unchanged only when nothing was written", () => {
  const still = outcomeOf({ unchanged: [MEMBER], applied: [], pruned: PRUNED });
  const written = outcomeOf({ unchanged: [MEMBER], applied: [CREATED], pruned: PRUNED });

  assert.deepEqual([still.result, still.message], ["unchanged", "1 unchanged"]);
  assert.equal(written.result, "applied");
});

Deno.test("outcomeOf() is blocked when something is in the way, and failed when a deletion failed", () => {
  const inTheWay = ['Namespace "n" holds Pod "p"'];
  const result = { ...CREATED, action: "failed" as const, error: "no" };

  const blocked = outcomeOf({ unchanged: [], applied: [], pruned: { ...PRUNED, inTheWay } });
  const broken = outcomeOf({
    unchanged: [],
    applied: [],
    pruned: { ...PRUNED, inTheWay, results: [result] },
  });

  assert.deepEqual([blocked.result, blocked.reason], ["blocked", "in_the_way"]);
  assert.match(blocked.message, /holds Pod "p"/);
  assert.deepEqual([broken.result, broken.reason], ["failed", "prune_failed"]);
});

Deno.test("failed() keeps its message within 4 KiB, and says that there is more", () => {
  const { message } = failed("invalid_bundle", Array.from({ length: 1000 }, (_, line) => `line ${line}: ümlaut`));

  assert.ok(new TextEncoder().encode(message).length <= 4096);
  assert.match(message, /^line 0: ümlaut\n[\s\S]*…$/);
});
