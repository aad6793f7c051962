import assert from "node:assert/strict";
import { bundle, configMap, deployment } from "./bundles.ts";
import { scrape } from "./metrics_page.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const PAGE = "/api/v1/namespaces/default/configmaps/page";
const WEB = "/apis/apps/v1/namespaces/default/deployments/web";
const PART_OF = "applyset.kubernetes.io/part-of";
const WATCHES = 'brokkr_agent_kubernetes_operations_total{operation="watch",result="success"}';
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

story(
  "of health: a broker knows how well works what was delivered, and why not",
  [["postgres", "nodes"]],
  async (parts) => {
    await using world = await openWorld({ parts, agentSettings: NO_RESYNC });
    const stackId = await world.addStack("web");
    await world.untilApplied(await world.submit(stackId, deployment("web", { replicas: 1 })));
    await eventually("it is healthy", async () => (await healthOf(world)) === "healthy");

    const nowhere = deployment("web", { replicas: 1 }).replace(
      "spec: { containers",
      "spec: { nodeSelector: { a: b }, containers",
    );
    await world.untilApplied(await world.submit(stackId, nowhere));

    await eventually(
      "it says why",
      async () => (await healthOf(world)) === 'degraded Deployment "web": Unschedulable',
    );
  },
);

/** Waits until so many kinds are watched. */
async function watched({ agent }: World, kinds: number): Promise<void> {
  await eventually(`${kinds} kinds are watched`, async () => ((await scrape(agent.url)).get(WATCHES) ?? 0) >= kinds);
}

async function valueOf({ cluster }: World): Promise<string | undefined> {
  return ((await cluster.get(PAGE))?.data as Record<string, string> | undefined)?.value;
}

async function labelOf({ cluster }: World): Promise<string | undefined> {
  return (await cluster.get(PAGE))?.metadata.labels?.[PART_OF];
}

async function replicasOf({ cluster }: World): Promise<unknown> {
  return ((await cluster.get(WEB))?.spec as { readonly replicas?: number } | undefined)?.replicas;
}

/** As the one delivery's row has it: nothing shows it yet. */
async function healthOf({ servers: { postgres } }: World): Promise<string | undefined> {
  const [row] = await postgres?.asSuperuser(
    (sql) => sql<Record<string, string | null>[]>`select health, health_reason from deliveries`,
    postgres.database,
  ) ?? [];
  return [row?.health, row?.health_reason].filter((word) => word !== null && word !== undefined).join(" ");
}
