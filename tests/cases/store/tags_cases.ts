import assert from "node:assert/strict";
import type { TagStore } from "../../../broker/store/mod.ts";
import type { StoreCase, StoreWorld } from "./store_world.ts";

/** What the tables of labels and annotations must do, for agents and for stacks alike. */
export const tagsCases: readonly StoreCase[] = [
  ...casesOf("agent", async (world) => [world.store.agentTags, (await world.agent()).id]),
  ...casesOf("stack", async (world) => [world.store.stackTags, (await world.stack()).id]),
];

type Owned = (world: StoreWorld) => Promise<[TagStore, string]>;

function casesOf(kind: "agent" | "stack", owned: Owned): readonly StoreCase[] {
  const nobody = "00000000-0000-4000-8000-000000000000";
  return [
    {
      claim: `${kind} labels are added once, listed, and removed once`,
      async run(world) {
        const [tags, id] = await owned(world);

        const label = await tags.addLabel(id, "one");

        await assert.rejects(tags.addLabel(id, "one"), { code: "unique_violation" });
        assert.deepEqual({ ownerId: label.ownerId, label: label.label }, { ownerId: id, label: "one" });
        assert.deepEqual((await tags.listLabels(id)).items, [label]);
        await tags.removeLabel(id, "one");
        assert.deepEqual((await tags.listLabels(id)).items, []);
        await assert.rejects(tags.removeLabel(id, "one"), { code: `${kind}_label_not_found` });
      },
    },
    {
      claim: `${kind} annotations are added once a key, listed, and removed once`,
      async run(world) {
        const [tags, id] = await owned(world);

        const annotation = await tags.addAnnotation(id, { key: "k", value: "v" });

        await assert.rejects(tags.addAnnotation(id, { key: "k", value: "w" }), { code: "unique_violation" });
        assert.deepEqual((await tags.listAnnotations(id)).items, [annotation]);
        await tags.removeAnnotation(id, "k");
        await assert.rejects(tags.removeAnnotation(id, "k"), { code: `${kind}_annotation_not_found` });
      },
    },
    {
      claim: `labels and annotations of no ${kind} are ${kind}_not_found`,
      async run(world) {
        const [tags] = await owned(world);

        const calls = [
          () => tags.addLabel(nobody, "a"),
          () => tags.listLabels(nobody),
          () => tags.removeLabel(nobody, "a"),
          () => tags.addAnnotation(nobody, { key: "k", value: "v" }),
          () => tags.listAnnotations(nobody),
          () => tags.removeAnnotation(nobody, "k"),
        ];
        for (const call of calls) await assert.rejects(call, { code: `${kind}_not_found` });
      },
    },
  ];
}
