import assert from "node:assert/strict";
import { configMap, namespace } from "./bundles.ts";
import { POOLED_TOO, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld } from "./world.ts";

story(
  "2: a failed apply is retried and succeeds once its cause is gone, with nothing resubmitted",
  POOLED_TOO,
  async (parts) => {
    await using world = await openWorld({ parts });
    const stack = await world.addStack("early");
    const object = await world.submit(stack, configMap("page", { namespace: "not-yet" }));
    const failure = await eventually("the failure is reported", async () => (await world.events(object.id))[0]);
    assert.equal(failure.status, "FAILURE");
    assert.match(failure.message ?? "", /not-yet/);

    await world.cluster.create(
      "/api/v1/namespaces",
      JSON.parse(`{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"not-yet"}}`),
    );
    await world.untilApplied(object);

    const page = await world.cluster.get("/api/v1/namespaces/not-yet/configmaps/page");
    assert.deepEqual(page?.data, { value: "1" });
  },
);

story("2: a bundle that brings the missing namespace later heals the stack as well", [[]], async (parts) => {
  await using world = await openWorld({ parts });
  const early = await world.submit(await world.addStack("early"), configMap("page", { namespace: "late" }));
  await eventually("the failure is reported", async () => (await world.events(early.id))[0]?.status === "FAILURE");

  await world.untilApplied(await world.submit(await world.addStack("late"), namespace("late")));

  await world.untilApplied(early);
});
