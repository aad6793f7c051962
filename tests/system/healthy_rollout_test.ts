import assert from "node:assert/strict";
import { z } from "zod";
import { bundle, configMap, deployment, namespace, service } from "./bundles.ts";
import { scrape, sumBy } from "./metrics_page.ts";
import { EVERYWHERE, story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

const NAMES = Array.from({ length: 12 }, (_, index) => `app-${index}`);
const OPERATIONS = "brokkr_agent_kubernetes_operations_total";

story("of a rollout of new stacks: nothing on the page says refused, or error", EVERYWHERE, async (parts) => {
  await using world = await openWorld({ parts, agentSettings: { AGENT__LEASE: "true" } });
  const stacks = await Promise.all(NAMES.map((name) => world.addStack(name)));

  await deliver(world, stacks, "1");
  await deliver(world, stacks, "2");
  await eventually("every bundle is kept, and the index", async () => (await kept(world)).length === NAMES.length + 1);
  await world.admin.send(z.unknown(), "PUT", `/stacks/${stacks[0]}`, { name: "renamed" });
  const [first = "", ...others] = stacks;
  const last = await world.submit(first, configMap("left"));
  await world.untilApplied(last);
  await world.admin.call("DELETE", `/stacks/${first}`);
  await world.untilRemoved(last);
  await untilResyncedTwice(world);

  const page = await scrape(world.agent.url);
  const counted = [...sumBy(page, OPERATIONS, ["operation", "result"])].filter(([, count]) => count > 0);
  assert.ok((new Map(counted).get("apply success") ?? 0) >= others.length * 4);
  assert.deepEqual(counted.filter(([words]) => !words.endsWith(" success")), []);
});

async function deliver(world: World, stacks: readonly string[], value: string): Promise<void> {
  const submitted = await Promise.all(NAMES.map((name, index) => {
    const text = bundle(
      namespace(name),
      configMap("settings", { namespace: name, value }),
      deployment("web", { namespace: name }),
      service("web", { namespace: name }),
    );
    return world.submit(stacks[index] ?? "", text);
  }));
  for (const object of submitted) await world.untilApplied(object);
}

/** The names of the Secrets in which the agent keeps its snapshot and the bundles. */
async function kept(world: World): Promise<readonly string[]> {
  const secrets = await world.cluster.list("/api/v1/namespaces/default/secrets");
  return secrets.map(({ metadata: { name } }) => name).filter((name) => /^brokkr-(kept|body)-/.test(name));
}

async function untilResyncedTwice(world: World): Promise<void> {
  const unchanged = async () =>
    (await scrape(world.agent.url)).get('brokkr_agent_reconciliations_total{result="unchanged"}') ?? 0;
  const before = await unchanged();
  await eventually("every stack was looked at twice more", async () => await unchanged() >= before + 2 * NAMES.length);
}
