import { parse } from "yaml";
import type { KubernetesObject } from "$lib/kubernetes.ts";
import { bundle, configMap, deployment } from "../bundles.ts";
import { eventually } from "../wait.ts";
import type { Scene, SeededFailure } from "./failure.ts";

/** What was applied, and does not work. What no kubelet is there to say of a container is written by hand. */
export const UNHEALTHY: readonly SeededFailure[] = [
  {
    name: "no-image",
    code: "degraded",
    says: /Deployment no-image\/web: ImagePullBackOff: image "example\/main:2"$/,
    next: /rollback/,
    async seed(scene) {
      const one = deployment("web", { namespace: scene.name, replicas: 1 });
      await scene.submitWorking(one);
      await scene.submit(fitsNowhere(one.replace("example/main:1", "example/main:2")));
      await keepFromReady(scene, "example/main:2", { waiting: { reason: "ImagePullBackOff" } });
    },
  },
  {
    name: "crash-loop",
    code: "degraded",
    says: /Deployment crash-loop\/web: CrashLoopBackOff: container "main"/,
    next: /bundle\.yaml/,
    mended: ({ name }) =>
      deployment("web", { namespace: name, replicas: 1 }).replace("example/main:1", "example/main:2"),
    async seed(scene) {
      await scene.submit(fitsNowhere(deployment("web", { namespace: scene.name, replicas: 1 })));
      await keepFromReady(scene, "example/main:1", { waiting: { reason: "CrashLoopBackOff" } });
    },
  },
  {
    name: "failed-job",
    code: "degraded",
    says:
      /Job failed-job\/migrate: (DeadlineExceeded: Job was active longer than specified deadline|BackoffLimitExceeded)/,
    next: /bundle\.yaml/,
    mended: ({ name }) => configMap("mended", { namespace: name }),
    async seed({ world: { cluster, servers }, name, submit }) {
      if (servers.simulated === undefined) return await submit(job(name, "activeDeadlineSeconds: 1"));
      const path = `/apis/batch/v1/namespaces/${name}/jobs`; // there none fails by itself: the agent finds one that has
      const { metadata, spec } = parse(job(name, "suspend: true"));
      await cluster.create(path, { metadata, spec });
      const conditions = [{ type: "Failed", status: "True", reason: "BackoffLimitExceeded" }];
      await cluster.patch(`${path}/migrate/status`, { status: { conditions } });
      await submit(job(name, "suspend: true"));
    },
  },
  {
    name: "pending-claim",
    code: "progressing",
    says: /PersistentVolumeClaim pending-claim\/data: Pending$/,
    next: /^kubectl describe PersistentVolumeClaim data --namespace pending-claim$/,
    async seed({ world: { cluster, servers }, name, submit }) {
      await submit(claim(name));
      const path = `/api/v1/namespaces/${name}/persistentvolumeclaims/data/status`;
      return () =>
        servers.simulated === undefined
          ? cluster.create("/api/v1/persistentvolumes", VOLUME)
          : cluster.patch(path, { status: { phase: "Bound" } });
    },
  },
  {
    name: "not-ready",
    code: "progressing",
    says: /Database not-ready\/main: NoSpaceLeft$/,
    next: /^kubectl describe Database\.failures\.example main --namespace not-ready$/,
    async seed({ world: { cluster }, name, submit }) {
      const object = `apiVersion: failures.example/v1\nkind: Database\nmetadata: { name: main, namespace: ${name} }\n`;
      await submit(bundle(JSON.stringify(DATABASE) + "\n", object));
      const path = `/apis/failures.example/v1/namespaces/${name}/databases/main`;
      await eventually("the Database is there", () => cluster.get(path));
      const say = (condition: object) =>
        cluster.patch(`${path}/status`, { status: { conditions: [{ type: "Ready", ...condition }] } });
      await say({ status: "False", reason: "NoSpaceLeft" });
      return () => say({ status: "True", reason: "Grown" });
    },
  },
];

/** Nobody plays its pods, which are never ready. */
function fitsNowhere(yaml: string): string {
  return yaml.replace("spec: { containers", "spec: { nodeSelector: { fits: none }, containers");
}

/**
 * Writes of the pods with this image what a kubelet says of a container that does not get ready, once they are there.
 */
async function keepFromReady({ world: { cluster }, name }: Scene, image: string, state: object): Promise<void> {
  const path = `/api/v1/namespaces/${name}/pods`;
  const pods = await eventually(`a pod of ${image} is there`, async () => {
    const found = (await cluster.list(path)).filter((pod) => imageOf(pod) === image);
    return found.length > 0 && found;
  });
  for (const { metadata } of pods) {
    const containerStatuses = [{ name: "main", image, imageID: "", ready: false, restartCount: 4, state }];
    await cluster.patch(`${path}/${metadata.name}/status`, { status: { containerStatuses } });
  }
}

function imageOf({ spec }: KubernetesObject): string | undefined {
  return (spec as { containers?: readonly { image?: string }[] })?.containers?.[0]?.image;
}

/** Its pods fit no node. */
function job(namespace: string, more: string): string {
  return `apiVersion: batch/v1
kind: Job
metadata: { name: migrate, namespace: ${namespace} }
spec:
  ${more}
  template:
    spec: { restartPolicy: Never, nodeSelector: { fits: none }, containers: [{ name: main, image: example/main:1 }] }
`;
}

function claim(namespace: string): string {
  return `apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data, namespace: ${namespace} }
spec: { storageClassName: by-hand, accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
`;
}

const VOLUME = {
  metadata: { name: "by-hand" },
  spec: {
    storageClassName: "by-hand",
    accessModes: ["ReadWriteOnce"],
    capacity: { storage: "1Gi" },
    hostPath: { path: "/nowhere" },
  },
};

const DATABASE = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "databases.failures.example" },
  spec: {
    group: "failures.example",
    scope: "Namespaced",
    names: { kind: "Database", plural: "databases", singular: "database" },
    versions: [{
      ...{ name: "v1", served: true, storage: true, subresources: { status: {} } },
      schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    }],
  },
};
