import assert from "node:assert/strict";
import type { ChartName } from "../../docs/generate/charts/schema.ts";
import { type Admin, adminOf } from "../cluster/admin.ts";
import { type ControlPlane, locateControlPlane, startControlPlane } from "../cluster/control_plane.ts";
import { helm } from "../helm/helm.ts";
import { waitFor } from "../run/wait.ts";
import { chartFolder, helmWith, type Values, withImage } from "./render.ts";

/** A real cluster with one namespace in which Pods must be as restricted as Kubernetes knows. */
export interface Place extends AsyncDisposable {
  readonly control: ControlPlane;
  readonly admin: Admin;
  /** `helm install` or `helm upgrade`; fails the test unless it succeeds. Answers what Helm says. */
  helm(verb: "install" | "upgrade", release: Release): Promise<string>;
  uninstall(name: string): Promise<string>;
  /** Waits until all replicas of the Deployment are available. */
  rolledOut(deployment: string): Promise<void>;
}

/** A chart to be installed. */
export interface Release {
  readonly name: string;
  readonly chart: ChartName;
  readonly values: Values;
}

/** The namespace of {@linkcode Place}. */
export const NAMESPACE = "brokkr";

/** Starts the cluster and makes the namespace. */
export async function openPlace(): Promise<Place> {
  const binaries = locateControlPlane();
  assert.ok(binaries !== undefined);
  const control = await startControlPlane(binaries);
  const admin = await adminOf(control.url, control);
  await admin.request("POST", "/api/v1/namespaces", {
    metadata: { name: NAMESPACE, labels: { "pod-security.kubernetes.io/enforce": "restricted" } },
  });
  const inPlace = ["--namespace", NAMESPACE, "--kubeconfig", control.kubeconfigPath];
  return {
    control,
    admin,
    async helm(verb, { name, chart, values }) {
      const { code, stdout, stderr } = await helmWith(withImage(chart, values), [
        verb,
        name,
        chartFolder(chart),
        ...inPlace,
      ]);
      assert.equal(code, 0, stderr);
      return stdout;
    },
    async uninstall(name) {
      const { code, stdout, stderr } = await helm(["uninstall", name, "--wait", ...inPlace]);
      assert.equal(code, 0, stderr);
      return stdout;
    },
    rolledOut: (deployment) => rolledOut(admin, deployment),
    async [Symbol.asyncDispose]() {
      admin[Symbol.dispose]();
      await control.stop();
    },
  };
}

interface Deployment {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: {
    readonly observedGeneration?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

async function rolledOut(admin: Admin, name: string): Promise<void> {
  await waitFor(async () => {
    const path = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${name}`;
    const { metadata, spec, status } = await admin.request<Deployment>("GET", path);
    const counts = [status.updatedReplicas, status.availableReplicas];
    const isDone = status.observedGeneration === metadata.generation && counts.every((one) => one === spec.replicas);
    return isDone ? true : undefined;
  }, { what: `see Deployment "${name}" rolled out` });
}

interface Token {
  readonly status: { readonly token: string };
}

/** A kubeconfig, beside the admin's, of one of the namespace's ServiceAccounts. */
export async function kubeconfigOf({ admin, control }: Place, account: string): Promise<string> {
  const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`;
  const { status: { token } } = await admin.request<Token>("POST", path, { spec: { expirationSeconds: 3_600 } });
  const config = JSON.parse(await Deno.readTextFile(control.kubeconfigPath));
  const file = `${control.kubeconfigPath}.${account}`;
  const users = [{ name: "admin", user: { token } }];
  await Deno.writeTextFile(file, JSON.stringify({ ...config, users }), { mode: 0o600 });
  return file;
}

interface Meta {
  readonly name: string;
  readonly generation?: number;
  readonly resourceVersion: string;
}

/** What comes and goes by itself, or is Helm's own. */
const NOT_OURS = ["Event", "Pod", "ReplicaSet", "Endpoints", "EndpointSlice", "Lease"];
const OF_KUBERNETES = ["ConfigMap kube-root-ca.crt", "ServiceAccount default"];

/**
 * Every object in the namespace, and every role of the whole cluster that is Brokkr's: its kind and name, and its
 * generation (its version, where it has none).
 */
export async function inventory(admin: Admin): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const { path, kind, isNamespaced } of await listable(admin)) {
    if (NOT_OURS.includes(kind)) continue;
    const selector = isNamespaced ? "" : "?labelSelector=app.kubernetes.io/part-of=brokkr";
    const { items } = await admin.request<{ items: { metadata: Meta }[] }>("GET", `${path}${selector}`);
    for (const { metadata } of items) {
      const name = `${kind} ${metadata.name}`;
      if (OF_KUBERNETES.includes(name) || metadata.name.startsWith("sh.helm.release.")) continue;
      found.set(name, String(metadata.generation ?? metadata.resourceVersion));
    }
  }
  return found;
}

interface Listable {
  readonly path: string;
  readonly kind: string;
  readonly isNamespaced: boolean;
}

interface ResourceList {
  readonly groupVersion: string;
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
  }[];
}

async function listable(admin: Admin): Promise<readonly Listable[]> {
  const { groups } = await admin.request<{ groups: { preferredVersion: { groupVersion: string } }[] }>("GET", "/apis");
  const roots = ["/api/v1", ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)];
  const lists = await Promise.all(roots.map(async (root) => {
    const { resources } = await admin.request<ResourceList>("GET", root);
    return resources.filter(({ name, verbs }) => verbs.includes("list") && !name.includes("/"))
      .map(({ name, kind, namespaced }) => ({
        path: namespaced ? `${root}/namespaces/${NAMESPACE}/${name}` : `${root}/${name}`,
        kind,
        isNamespaced: namespaced,
      }));
  }));
  return lists.flat();
}
