import assert from "node:assert/strict";
import { Snapshot } from "$lib/wire/snapshot.ts";
import { bundle, configMap, namespace } from "./bundles.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const NAMESPACES = ["left", "right"] as const;
const EACH = 150;
/** An object, by its place in the bundle; its namespace is one of the two. */
const PATHS = NAMESPACES.flatMap((name) => namesIn(name).map((item) => pathOf(name, item)));
/** One after the other, so that there is a middle to be killed in. */
const SLOWLY = { AGENT__APPLY_CONCURRENCY: "1" };
const MEMBERS = "applyset.kubernetes.io/part-of";
const PARENTS = "applyset.kubernetes.io/id";

story(
  "of an agent killed while it works: the next start finishes an apply and a removal",
  EVERYWHERE,
  async (parts) => {
    await using world = await openWorld({ parts, startsAgent: false, agentSettings: SLOWLY });
    const stack = await world.addStack("many");
    const object = await world.submit(stack, bundle(...NAMESPACES.map((name) => contents(name))));
    for (const moment of moments()) {
      startSoon(world);
      await killWhen(world, `${moment} is there`, async () => await world.cluster.get(moment) !== undefined);
      assert.ok((await members(world)).length < PATHS.length, `the kill at ${moment} must be in the middle`);
    }
    await world.startAgent();
    await world.untilApplied(object);
    assert.deepEqual(await members(world), PATHS);

    await world.generator.call("DELETE", `/stacks/${stack}`);
    for (const moment of moments()) {
      await killWhen(world, `${moment} is gone`, async () => await world.cluster.get(moment) === undefined);
      assert.equal((await parents(world)).length, 1, `the kill at ${moment} must be in the middle`);
      assert.equal(await stateOf(world, stack), "terminating");
      startSoon(world);
    }
    await eventually(
      "the broker hears that the stack is removed",
      async () => await stateOf(world, stack) === "absent",
    );

    const [last] = await world.events();
    assert.deepEqual([last?.event_type, last?.status, last?.deployment_object_id], ["DELETE", "SUCCESS", object.id]);
    assert.deepEqual(await members(world), []);
    assert.deepEqual(await parents(world), []);
    for (const name of NAMESPACES) assert.equal(await world.cluster.get(`/api/v1/namespaces/${name}`), undefined);
  },
);

story(
  "of an agent killed while it applies: the next start prunes what is wanted no more",
  EVERYWHERE,
  async (parts) => {
    const agentSettings = { ...SLOWLY, AGENT__PRUNE_MAX_OBJECTS: "1000" }; // half of the stack goes
    await using world = await openWorld({ parts, startsAgent: false, agentSettings });
    const stack = await world.addStack("many");
    await world.submit(stack, bundle(...NAMESPACES.map((name) => contents(name))));
    const [, late = ""] = moments();
    startSoon(world);
    await killWhen(world, `${late} is there`, async () => await world.cluster.get(late) !== undefined);
    assert.ok((await members(world)).length < PATHS.length, `the kill at ${late} must be in the middle`);

    const wanted = namesIn("left");
    const object = await world.submit(stack, contents("left", { names: wanted, value: "2" }));
    await world.startAgent();
    await world.untilApplied(object);

    assert.deepEqual(await members(world), wanted.map((name) => pathOf("left", name)));
    await eventually("the other namespace ends", async () => {
      return await world.cluster.get("/api/v1/namespaces/right") === undefined;
    });
  },
);

function namesIn(prefix: string): readonly string[] {
  return Array.from({ length: EACH }, (_, index) => `${prefix}-${String(index).padStart(3, "0")}`);
}

function pathOf(namespaceName: string, name: string): string {
  return `/api/v1/namespaces/${namespaceName}/configmaps/${name}`;
}

/** A namespace and what is in it, as a bundle. */
function contents(name: string, { names = namesIn(name), value = "1" } = {}): string {
  return bundle(namespace(name), ...names.map((item) => configMap(item, { namespace: name, value })));
}

/** Two random objects, neither near the other nor near the end: when one is reached, the work is in its middle. */
function moments(): readonly string[] {
  return [20, 160].map((from) => PATHS[from + Math.floor(Math.random() * 40)] ?? "");
}

/** Starts the agent without waiting for it, because it may be killed before it is ready. */
function startSoon(world: World): void {
  world.startAgent().catch(() => {});
}

async function killWhen(world: World, what: string, isSo: () => Promise<boolean>): Promise<void> {
  await eventually(what, isSo, { everyMs: 1 });
  await world.agent.kill();
}

async function members(world: World): Promise<readonly string[]> {
  const lists = await Promise.all(NAMESPACES.map((name) => {
    return world.cluster.list(`/api/v1/namespaces/${name}/configmaps?labelSelector=${MEMBERS}`);
  }));
  return lists.flat().map(({ metadata }) => pathOf(metadata.namespace ?? "", metadata.name)).sort();
}

async function parents(world: World): Promise<readonly string[]> {
  const list = await world.cluster.list(`/api/v1/namespaces/default/configmaps?labelSelector=${PARENTS}`);
  return list.map(({ metadata }) => metadata.name);
}

async function stateOf({ admin, agentId }: World, stackId: string): Promise<"present" | "terminating" | "absent"> {
  const { stacks } = await admin.send(Snapshot, "GET", `/agents/${agentId}/snapshot`);
  return stacks.find(({ stack_id: id }) => id === stackId)?.state ?? "absent";
}
