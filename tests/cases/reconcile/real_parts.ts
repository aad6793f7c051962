import { type ReconcileCase, reconcileCases } from "./mod.ts";
import type { ReconcileWorld } from "./world.ts";

/** A real cluster with nothing else in it. */
export interface CasesCluster extends AsyncDisposable {
  openWorld(): Promise<ReconcileWorld & Disposable>;
}

/** Cases wait more than they compute: as each part has a cluster of its own, all of them take little more than one. */
const PARTS = 2;
const TOGETHER = { sanitizeOps: false, sanitizeResources: false, sanitizeExit: false };

/** Runs every case that a real cluster can do, in parts that run at once. */
export async function runOnReal(test: Deno.TestContext, openCluster: () => Promise<CasesCluster>): Promise<void> {
  await Promise.all(Array.from({ length: PARTS }, (_, part) =>
    test.step({
      ...TOGETHER,
      name: `part ${part + 1} of ${PARTS}`,
      async fn(step) {
        await using cluster = await openCluster();
        for (const one of reconcileCases.filter((_, at) => at % PARTS === part)) await runCase(step, one, cluster);
      },
    })));
}

async function runCase(
  test: Deno.TestContext,
  { name, skipOn, run }: ReconcileCase,
  cluster: CasesCluster,
): Promise<void> {
  await test.step({
    ...TOGETHER,
    name,
    ignore: skipOn?.real !== undefined,
    async fn() {
      using world = await cluster.openWorld();
      await run(world);
    },
  });
}
