import assert from "node:assert/strict";
import type { ChartName } from "../../docs/generate/charts/schema.ts";
import type { Admin } from "../cluster/admin.ts";
import { helm } from "../helm/helm.ts";
import { testWith } from "../run/parts.ts";
import { unpackOldPrograms } from "../upgrade/old_programs.ts";
import { NAMESPACE, openPlace, type Place } from "./cluster.ts";
import { installDefinitions } from "./crds/install.ts";
import { chartFolder, helmWith, type Labels } from "./render.ts";
import { SAMPLES as TODAYS_SAMPLES } from "./samples.ts";

type Samples = typeof TODAYS_SAMPLES;

/** What must outlive an upgrade, as far as it is looked at. */
interface Kept {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly data?: Labels;
  readonly spec?: {
    readonly replicas?: number;
    readonly selector?: unknown;
    readonly clusterIP?: string;
    readonly resources?: unknown;
    readonly accessModes?: unknown;
  };
}

/** As how-to/install-with-helm.md has it, with the image that 0.10.0 had by itself. */
const UPGRADE = ["--reset-then-reuse-values"];
const SCALED = 4;

testWith(
  ["nodes", "helm", "definitions"],
  "charts: helm upgrade from 0.10.0 keeps what there is, with each of its sets of values",
  async (test) => {
    await using place = await openPlace();
    await using old = await unpackOldPrograms();
    await installDefinitions(place.admin);
    const { SAMPLES: samples } = await import(`file://${old.folder}/tests/charts/samples.ts`) as { SAMPLES: Samples };
    for (const namespace of ["shop", "shop-test"]) {
      await place.admin.request("POST", "/api/v1/namespaces", { metadata: { name: namespace } });
    }
    assert.equal(Object.keys(samples).length, 8);

    await test.step("0.10.0 is installed with each, and one of them is scaled", async () => {
      await Promise.all(
        Object.entries(samples).map(async ([name, { chart, values }]) => {
          await runHelm(place, ["install", name, `${old.folder}/charts/${chart}`], values);
        }),
      );
      await scale(place.admin, "broker-production-brokkr-broker", SCALED);
    });

    await test.step("replicas, claims, Secrets and Services are the same after helm upgrade", async () => {
      const before = await keptIn(place.admin);

      await Promise.all(
        Object.entries(samples).map(async ([name, { chart }]) => {
          const image = ["--set", `image.repository=${chart}`];
          await runHelm(place, ["upgrade", name, chartFolder(chart as ChartName), ...UPGRADE, ...image]);
        }),
      );

      assert.deepEqual(await keptIn(place.admin), before);
      const { replicas } = before.get("deployments broker-production-brokkr-broker")?.spec ?? {};
      assert.equal(replicas, SCALED);
      for (const [collection, count] of [["deployments", 8], ["persistentvolumeclaims", 1], ["secrets", 2]] as const) {
        assert.ok([...before.keys()].filter((name) => name.startsWith(`${collection} `)).length >= count, collection);
      }
    });

    await test.step("a rollout of brokers is never one short, and each goes on answering while it is forgotten", async () => {
      const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/broker-own-secrets-brokkr-broker`;
      const { spec } = await place.admin.request<{ spec: Rollout }>("GET", path);

      const { containers: [container], terminationGracePeriodSeconds } = spec.template.spec;
      assert.deepEqual(spec.strategy, { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } });
      assert.deepEqual(container.lifecycle, { preStop: { sleep: { seconds: 5 } } });
      assert.equal(container.readinessProbe.httpGet.path, "/readyz");
      assert.equal(terminationGracePeriodSeconds, 35);
    });

    for (const serverSide of [true, false]) {
      const applied = serverSide ? "by the server" : "by Helm";
      await test.step(`applied ${applied}: switching the autoscaler on keeps the brokers, and what it makes of them stays`, async () => {
        const name = `scaled-${serverSide}`;
        const chart = chartFolder("brokkr-broker");
        const how = [`--server-side=${serverSide}`];
        const values = {
          image: { repository: "brokkr-broker" },
          postgresql: { existingSecret: "database" },
          replicaCount: 3,
        };
        const scaling = { ...values, autoscaling: { enabled: true } };
        const replicas = async () => await replicasOf(place.admin, `${name}-brokkr-broker`);

        await runHelm(place, ["install", name, chart, ...how], values);
        assert.equal(await replicas(), 3);
        await runHelm(place, ["upgrade", name, chart, ...how], scaling);
        assert.equal(await replicas(), 3);
        await scale(place.admin, `${name}-brokkr-broker`, SCALED);
        await runHelm(place, ["upgrade", name, chart, ...how], { ...scaling, broker: { logLevel: "debug" } });
        assert.equal(await replicas(), SCALED);
        await runHelm(place, ["upgrade", name, chart, ...how], scaling);
        assert.equal(await replicas(), SCALED);
        await runHelm(place, ["upgrade", name, chart, ...how, ...(serverSide ? ["--force-conflicts"] : [])], values);
        assert.equal(await replicas(), 3, "without an autoscaler, as many as replicaCount says");
      });
    }
  },
);

interface Rollout {
  readonly strategy: unknown;
  readonly template: {
    readonly spec: {
      readonly terminationGracePeriodSeconds: number;
      readonly containers: readonly [
        { readonly lifecycle: unknown; readonly readinessProbe: { readonly httpGet: { readonly path: string } } },
      ];
    };
  };
}

async function runHelm(
  { control }: Place,
  args: readonly string[],
  values?: Parameters<typeof helmWith>[0],
): Promise<void> {
  const all = [...args, "--namespace", NAMESPACE, "--kubeconfig", control.kubeconfigPath];
  const { code, stderr } = await (values === undefined ? helm(all) : helmWith(values, all));
  assert.equal(code, 0, `helm ${args.join(" ")}: ${stderr}`);
}

interface Scale {
  readonly metadata: { readonly name: string; readonly namespace: string };
}

/** As an autoscaler does it. */
async function scale(admin: Admin, deployment: string, replicas: number): Promise<void> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${deployment}/scale`;
  const { metadata: { name, namespace }, ...now } = await admin.request<Scale>("GET", path);
  // Without the version that was read: who counts the Deployment's Pods changes it meanwhile.
  await admin.request("PUT", path, { ...now, metadata: { name, namespace }, spec: { replicas } });
}

async function replicasOf(admin: Admin, deployment: string): Promise<number> {
  const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${deployment}`;
  return (await admin.request<{ spec: { replicas: number } }>("GET", path)).spec.replicas;
}

/** What must outlive an upgrade, by its collection and name. */
async function keptIn(admin: Admin): Promise<ReadonlyMap<string, Kept>> {
  const kept = new Map<string, Kept>();
  for (
    const path of ["apis/apps/v1/deployments", "api/v1/persistentvolumeclaims", "api/v1/secrets", "api/v1/services"]
  ) {
    const collection = path.slice(path.lastIndexOf("/") + 1);
    const base = path.slice(0, path.lastIndexOf("/"));
    const { items } = await admin.request<{ items: Kept[] }>("GET", `/${base}/namespaces/${NAMESPACE}/${collection}`);
    for (
      const { metadata: { name, uid }, data, spec } of items.filter(({ metadata }) =>
        !metadata.name.startsWith("sh.helm.")
      )
    ) {
      const { replicas, selector, clusterIP, resources, accessModes } = spec ?? {};
      kept.set(`${collection} ${name}`, {
        metadata: { name, uid },
        ...(data && { data }),
        spec: { replicas, selector, clusterIP, resources, accessModes },
      });
    }
  }
  return kept;
}
