import { deployment } from "./bundles.ts";
import { story } from "./story.ts";
import { eventually } from "./wait.ts";
import { openWorld, type World } from "./world.ts";

story(
  "of health: a broker knows how well works what was delivered, and why not",
  [["postgres", "nodes"]],
  async (parts) => {
    await using world = await openWorld({ parts });
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
      async () =>
        /^degraded Deployment "web": Unschedulable: 0\/1 nodes are available: /.test(await healthOf(world) ?? ""),
    );
  },
);

/** As the one delivery's row has it: nothing shows it yet. */
async function healthOf({ servers: { postgres } }: World): Promise<string | undefined> {
  const [row] = await postgres?.asSuperuser(
    (sql) => sql<Record<string, string | null>[]>`select health, health_reason from deliveries`,
    postgres.database,
  ) ?? [];
  return [row?.health, row?.health_reason].filter((word) => word !== null && word !== undefined).join(" ");
}
