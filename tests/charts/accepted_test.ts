import assert from "node:assert/strict";
import { parseAllDocuments } from "yaml";
import { type ChartName, CHARTS } from "../../docs/generate/charts/schema.ts";
import { testWith } from "../run/parts.ts";
import { openPlace } from "./cluster.ts";
import { installDefinitions } from "./crds/install.ts";
import { flipOf } from "./flips.ts";
import { schemaParts } from "./leaves.ts";
import { renderTexts } from "./many.ts";
import { RELEASE, type Rendered } from "./render.ts";

const OF_THE_CLUSTER = ["ClusterRole", "ClusterRoleBinding"];

testWith(
  ["nodes", "helm", "definitions"],
  "charts: a real API server takes what each value makes of them",
  async (test) => {
    await using place = await openPlace();
    const { admin } = place;
    const plurals = await installDefinitions(admin);
    const namespaces = new Set<string>();
    const create = async (object: Rendered) => {
      const { namespace = RELEASE.namespace } = object.metadata;
      if (!namespaces.has(namespace)) {
        await admin.request("POST", "/api/v1/namespaces", {
          metadata: { name: namespace },
        });
      }
      namespaces.add(namespace);
      await admin.request(
        "POST",
        `${collectionOf(object, namespace, plurals)}?dryRun=All&fieldValidation=Strict`,
        object,
      );
    };

    for (const chart of Object.keys(CHARTS) as ChartName[]) {
      await test.step(chart, async () => {
        const { leaves } = await schemaParts(chart);
        const texts = await renderTexts(chart, leaves.map((leaf) => JSON.parse(flipOf(chart, leaf)[1])));
        const said = new Map<string, string | undefined>();
        const refused: string[] = [];

        for (const [at, { path }] of leaves.entries()) {
          for (const object of objectsIn(texts[at] ?? "")) {
            const key = JSON.stringify(object);
            if (!said.has(key)) said.set(key, await refusal(() => create(object)));
            const why = said.get(key);
            if (why !== undefined) refused.push(`${path}: ${object.kind}: ${why}`);
          }
        }

        assert.ok(said.size > leaves.length, "each value makes an object of its own at least");
        assert.equal(refused.join("\n"), "");
      });
    }
  },
);

/** All but the Pod that `helm test` would run, which needs its ServiceAccount to be there. */
function objectsIn(text: string): readonly Rendered[] {
  const objects: readonly (Rendered | null)[] = parseAllDocuments(text).map((one) => one.toJS());
  return objects.filter((one) => one !== null).filter(({ kind }) => kind !== "Pod");
}

function collectionOf({ apiVersion, kind }: Rendered, namespace: string, plurals: ReadonlyMap<string, string>): string {
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = plurals.get(kind) ?? kind.toLowerCase().replace(/y$/, "ie").replace(/s$/, "se") + "s";
  return OF_THE_CLUSTER.includes(kind) ? `${group}/${plural}` : `${group}/namespaces/${namespace}/${plural}`;
}

async function refusal(create: () => Promise<void>): Promise<string | undefined> {
  try {
    await create();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
