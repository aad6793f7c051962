import assert from "node:assert/strict";
import { bundle, configMap } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { openWorld, type World } from "./world.ts";

const CONFIG_MAPS = "/api/v1/namespaces/default/configmaps";

story(
  "10: objects not applied by this agent, or owned by another controller, are never pruned",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts });
    const stack = await world.addStack("page");
    await world.untilApplied(await world.submit(stack, bundle(configMap("page"), configMap("owned"))));
    await addCopy(world);
    await setOwner(world);

    const object = await world.submit(stack, configMap("page", { value: "2" }));
    await world.untilApplied(object);
    const afterUpdate = await names(world);
    assert.equal((await world.generator.call("DELETE", `/stacks/${stack}`)).status, 204);
    await world.untilRemoved(object);

    assert.deepEqual(afterUpdate, ["copy", "owned", "page"]);
    assert.deepEqual(await names(world), ["copy", "owned"]);
  },
);

/** An object that somebody made by hand of one of the stack's, labels and annotations included. */
async function addCopy({ cluster }: World): Promise<void> {
  const { labels, annotations } = (await cluster.get(`${CONFIG_MAPS}/page`))?.metadata ?? {};
  assert.ok(labels !== undefined && annotations !== undefined);
  const metadata = { name: "copy", labels, annotations };
  await cluster.create(CONFIG_MAPS, { apiVersion: "v1", kind: "ConfigMap", metadata });
}

/** What a controller does that takes one of the stack's objects over. */
async function setOwner({ cluster }: World): Promise<void> {
  const { uid } = (await cluster.get(`${CONFIG_MAPS}/copy`))?.metadata ?? {};
  const owner = { apiVersion: "v1", kind: "ConfigMap", name: "copy", uid, controller: true };
  await cluster.patch(`${CONFIG_MAPS}/owned`, { metadata: { ownerReferences: [owner] } });
}

/** Those of the story's objects that are there. */
async function names({ cluster }: World): Promise<readonly string[]> {
  const all = (await cluster.list(CONFIG_MAPS)).map(({ metadata }) => metadata.name);
  return ["copy", "owned", "page"].filter((name) => all.includes(name));
}
