import { foldingCases } from "./folding_cases.ts";
import { omittedCases } from "./omitted_cases.ts";
import { replacingCases } from "./replacing_cases.ts";
import { versionCases } from "./version_cases.ts";
import { type CompareCase, openWorld } from "./world.ts";

const compareCases: readonly CompareCase[] = [...foldingCases, ...omittedCases, ...versionCases, ...replacingCases];

/** Runs every case in a namespace of its own. */
export async function runCases(
  test: Deno.TestContext,
  { kubeconfigPath, kind }: { readonly kubeconfigPath: string; readonly kind: "simulated" | "real" },
): Promise<void> {
  for (const { name, skipOn, run } of compareCases) {
    await test.step({
      name,
      ignore: skipOn?.[kind] !== undefined,
      fn: async () => {
        using world = await openWorld(kubeconfigPath);
        await run(world);
      },
    });
  }
}
