import type { KubernetesObject } from "$lib/kubernetes.ts";
import { bundle, configMap, deployment } from "../system/bundles.ts";
import type { World } from "../system/world.ts";

const SECRET = `apiVersion: v1
kind: Secret
metadata: { name: login, namespace: default }
stringData: { user: "somebody" }
`;
/** 0.10.0 read 0400 as four hundred, which is 0620. */
const MODE = `apiVersion: apps/v1
kind: Deployment
metadata: { name: mode, namespace: default }
spec:
  replicas: 0
  selector: { matchLabels: { app: mode } }
  template:
    metadata: { labels: { app: mode } }
    spec:
      containers: [{ name: main, image: example/main:1 }]
      volumes: [{ name: s, secret: { secretName: login, optional: true, defaultMode: 0400 } }]
`;
const CORE = "/api/v1/namespaces/default";
const APPS = "/apis/apps/v1/namespaces/default/deployments";
const MEANS_THE_SAME = [`${CORE}/configmaps/plain`, `${CORE}/configmaps/other`, `${APPS}/web`];
const MODE_PATH = `${APPS}/mode`;
/**
 * As `kubectl create --dry-run -o yaml` prints it: what is left out of it now makes another checksum of the same
 * manifest.
 */
const PRINTED = configMap("other").replace("name: other", "creationTimestamp: null, name: other");
/** Manifests that mean to us what they meant to 0.10.0. */
export const PLAIN = bundle(configMap("plain"), PRINTED, deployment("web", { replicas: 0 }));

/** Manifests of which one means something else. */
export const CHANGED = bundle(SECRET, MODE);

/** Of each object of {@linkcode PLAIN} what changes when it is written; undefined for one that is not there. */
export async function versionsOfPlain({ cluster }: World): Promise<readonly (string | undefined)[]> {
  const objects = await Promise.all(MEANS_THE_SAME.map((path) => cluster.get(path)));
  return objects.map((object) =>
    object?.metadata.generation === undefined
      ? object?.metadata.resourceVersion
      : `${object.metadata.uid} ${object.metadata.generation} ${
        object.metadata.annotations?.["brokkr.io/manifest-checksum"]
      }`
  );
}

/** The mode that {@linkcode CHANGED} has in the cluster. */
export async function modeOfChanged({ cluster }: World): Promise<number | undefined> {
  return modeIn(await cluster.get(MODE_PATH));
}

function modeIn(object: KubernetesObject | undefined): number | undefined {
  const { template } = (object?.spec ?? {}) as {
    template?: { spec?: { volumes?: { secret?: { defaultMode?: number } }[] } };
  };
  return template?.spec?.volumes?.[0]?.secret?.defaultMode;
}

/** What the stacks' parents say of their records; undefined while 0.10.0 wrote one last. */
export async function records({ cluster }: World): Promise<readonly (string | undefined)[]> {
  const maps = await cluster.list(`${CORE}/configmaps?labelSelector=applyset.kubernetes.io/id`);
  return maps.map(({ metadata }) => metadata.annotations?.["brokkr.io/record"]);
}
