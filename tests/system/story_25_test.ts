import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { NewAgentEvent, type YieldedField } from "$lib/wire/event.ts";
import { bundle, configMap, deployment } from "./bundles.ts";
import { scrape, sumBy } from "./metrics_page.ts";
import { startProxy } from "./proxy.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";
const WEB = "/apis/apps/v1/namespaces/default/deployments/web";
const PART_OF = "applyset.kubernetes.io/part-of";
const REVISION = "deployment.kubernetes.io/revision";
const OPERATIONS = "brokkr_agent_kubernetes_operations_total";
const WATCHES = `${OPERATIONS}{operation="watch",result="success"}`;
const UNCHANGED = 'brokkr_agent_reconciliations_total{result="unchanged"}';
const REPAIRED = "brokkr_agent_drift_repaired_total";
/** No resync comes while these stories last: what is put right was seen by a watch. */
const NO_RESYNC = { AGENT__RESYNC_INTERVAL: "3600" };

story("25: what is changed by hand is repaired by watch, long before a resync", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts, agentSettings: NO_RESYNC });
  const stackId = await world.addStack("web");
  await world.untilApplied(await world.submit(stackId, bundle(configMap("page"), deployment("web", { replicas: 1 }))));
  await watched(world, 2);
  const label = (await world.cluster.get(PAGE))?.metadata.labels?.[PART_OF];
  assert.ok(label !== undefined);

  await world.cluster.patch(PAGE, { data: { value: "by hand" } });
  await eventually("the value is back", async () => (await valueOf(world)) === "1");
  await world.cluster.patch(WEB, { spec: { replicas: 2 } });
  await eventually("the specification is back", async () => (await replicasOf(world)) === 1);
  await world.cluster.patch(PAGE, { metadata: { labels: { [PART_OF]: null } } });
  await eventually("the label is back", async () => (await labelOf(world)) === label);
  await world.cluster.remove(PAGE);
  await eventually("the object is back", async () => (await valueOf(world)) === "1");

  await eventually("each is counted once", async () => (await scrape(world.agent.url)).get(REPAIRED) === 4);
});

story("25: an agent that starts anew watches what the one before it applied", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts, agentSettings: NO_RESYNC });
  await world.untilApplied(await world.submit(await world.addStack("page"), configMap("page")));
  await world.agent.kill();
  await world.startAgent();
  await watched(world, 1);

  await world.cluster.patch(PAGE, { data: { value: "by hand" } });

  await eventually("the value is back", async () => (await valueOf(world)) === "1");
});

story("25: what a person added by hand is put right, as often as it comes", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const stackId = await world.addStack("web");
  await world.untilApplied(await world.submit(stackId, bundle(configMap("page"), deployment("web", { replicas: 1 }))));
  const podOf = async () => ((await world.cluster.get(WEB))?.spec as { template: { spec: unknown } }).template.spec;
  const before = await podOf();

  for (let times = 0; times < 4; times += 1) {
    await world.cluster.patch(by("kubectl-edit", PAGE), { data: { more: "by hand" } });
    const containers = [{ name: "main", image: "example/main:1", env: [{ name: "MORE", value: "1" }] }];
    const spec = { hostNetwork: true, containers: [...containers, { name: "debug", image: "example/debug" }] };
    await world.cluster.patch(by("kubectl-patch", WEB), { spec: { template: { spec } } });
    await eventually("the key is gone", async () => !(await keysOf(world)).includes("more"));
    await eventually("the workload is as it was", async () => isDeepStrictEqual(await podOf(), before));
  }
});

story("25: what a controller owns is left to it", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts });
  const exported = annotated(deployment("web", { replicas: 0 }), `${REVISION}: "7"`);
  const ignoring = annotated(configMap("page"), "brokkr.io/ignore: /data/value");
  await world.untilApplied(await world.submit(await world.addStack("web"), bundle(exported, ignoring)));
  const owned = async () => {
    const annotations = (await world.cluster.get(WEB))?.metadata.annotations;
    return [annotations?.[REVISION], annotations?.["operator.example/seen"], await valueOf(world)];
  };

  await world.cluster.patch(by("some-operator", WEB), {
    metadata: { annotations: { "operator.example/seen": "yes" } },
  });
  await world.cluster.patch(by("some-operator", PAGE), { data: { value: "its own" } });
  await eventually("the controller has said its revision", async () => (await owned())[0] === "1");
  await resynced(world); // what was looked at is recorded
  const before = await writes(world);
  await resynced(world);

  assert.deepEqual(await owned(), ["1", "yes", "its own"]);
  assert.equal(await writes(world), before);
  assert.equal((await scrape(world.agent.url)).get(REPAIRED), 0);
});

story("25: a fight is named, not fought, unless the manifest says so", EVERYWHERE, async (parts) => {
  const named: (readonly YieldedField[])[] = [];
  await using proxy = startProxy(async (request, forward) => {
    if (request.method === "POST" && request.url.endsWith("/events")) {
      named.push(NewAgentEvent.parse(await request.clone().json()).yielded ?? []);
    }
    return await forward(request);
  });
  await using world = await openWorld({ parts, brokerUrlOfAgent: (url) => proxy.before(url) });
  const stackId = await world.addStack("page");
  await world.untilApplied(await world.submit(stackId, configMap("page")));

  for (const value of ["its first", "its second"]) {
    await world.cluster.patch(by("some-operator", PAGE), { data: { value } });
    await eventually(`${value} is taken back`, async () => await valueOf(world) === "1");
  }
  assert.deepEqual(named.flat(), []);
  await world.cluster.patch(by("some-operator", PAGE), { data: { value: "its third" } });
  await eventually("the fight is named", () => named.flat().length > 0);
  await resynced(world);
  const before = await writes(world);
  await resynced(world);
  assert.deepEqual([await valueOf(world), await writes(world)], ["its third", before]);
  const field = {
    kind: "ConfigMap",
    namespace: "default",
    name: "page",
    path: "/data/value",
    manager: "some-operator",
  };
  assert.deepEqual(named.flat()[0], field);

  const forced = annotated(configMap("page"), "brokkr.io/force: always");
  await world.untilApplied(await world.submit(stackId, forced));
  named.length = 0;
  for (const value of ["1st", "2nd", "3rd", "4th"]) {
    await world.cluster.patch(by("some-operator", PAGE), { data: { value } });
    await eventually(`${value} is taken back`, async () => await valueOf(world) === "1");
  }
  assert.deepEqual(named.flat(), []);
});

/** The document with this annotation. */
function annotated(document: string, annotation: string): string {
  return document.replace("namespace: default }", `namespace: default, annotations: { ${annotation} } }`);
}

/** A path by which a patch is of this manager. */
function by(manager: string, path: string): string {
  return `${path}?fieldManager=${manager}`;
}

/** How often the agent has written objects. */
async function writes({ agent }: World): Promise<number> {
  const counts = sumBy(await scrape(agent.url), OPERATIONS, ["operation"]);
  return ["apply", "patch"].reduce((sum, operation) => sum + (counts.get(operation) ?? 0), 0);
}

/** Waits until the world's only stack was looked at several times more, and nothing was to do. */
async function resynced({ agent }: World): Promise<void> {
  const unchanged = async () => (await scrape(agent.url)).get(UNCHANGED) ?? 0;
  const before = await unchanged();
  await eventually("it was looked at three times more", async () => await unchanged() >= before + 3);
}

/** Waits until so many kinds are watched. */
async function watched({ agent }: World, kinds: number): Promise<void> {
  await eventually(`${kinds} kinds are watched`, async () => ((await scrape(agent.url)).get(WATCHES) ?? 0) >= kinds);
}

async function valueOf({ cluster }: World): Promise<string | undefined> {
  return ((await cluster.get(PAGE))?.data as Record<string, string> | undefined)?.value;
}

async function keysOf({ cluster }: World): Promise<readonly string[]> {
  return Object.keys((await cluster.get(PAGE))?.data ?? {});
}

async function labelOf({ cluster }: World): Promise<string | undefined> {
  return (await cluster.get(PAGE))?.metadata.labels?.[PART_OF];
}

async function replicasOf({ cluster }: World): Promise<unknown> {
  return ((await cluster.get(WEB))?.spec as { readonly replicas?: number } | undefined)?.replicas;
}
