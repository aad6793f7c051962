import type { KubernetesObject } from "$lib/kubernetes.ts";

/** An object by its kind alone: some API servers have the same one under several groups. */
export interface NamedObject {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
}

/** The ServiceAccount that a Pod runs as. */
export interface OwnAccount {
  readonly namespace: string;
  readonly name: string;
}

/** One text for each {@linkcode NamedObject}. */
export function nameKey({ kind, namespace = "", name }: NamedObject): string {
  return JSON.stringify([kind, namespace, name]);
}

/** As whom a Pod runs. */
export function ownAccount({ metadata: { namespace = "" }, spec }: KubernetesObject): OwnAccount {
  return { namespace, name: (spec as PodSpec | undefined)?.serviceAccountName ?? "default" };
}

/**
 * What a Pod is made of: itself, what made it, its ServiceAccount, and the Secrets, ConfigMaps and claims that it
 * reads. The Deployment is known by the name of its ReplicaSet, which is the Deployment's and the hash on the Pod's
 * label.
 */
export function podParts(pod: KubernetesObject): readonly NamedObject[] {
  const { name, namespace, labels = {}, ownerReferences = [] } = pod.metadata;
  const owners = ownerReferences.map(({ kind, name }) => ({ kind, name }));
  const suffix = `-${labels["pod-template-hash"] ?? ""}`;
  const deployments = owners.filter((owner) => owner.kind === "ReplicaSet" && owner.name.endsWith(suffix))
    .map((owner) => ({ kind: "Deployment", name: owner.name.slice(0, -suffix.length) }));
  const parts = [
    { kind: "Pod", name },
    ...owners,
    ...deployments,
    { kind: "ServiceAccount", name: ownAccount(pod).name },
    ...readParts((pod.spec ?? {}) as PodSpec),
  ];
  return parts.map((part) => ({ ...part, namespace }));
}

interface Named {
  readonly name?: string;
}

/** The parts of a source of values, or of a volume, that name what is read. */
interface Source {
  readonly secret?: Named & { readonly secretName?: string };
  readonly configMap?: Named;
  readonly persistentVolumeClaim?: { readonly claimName?: string };
  readonly projected?: { readonly sources?: readonly Source[] };
  readonly secretRef?: Named;
  readonly configMapRef?: Named;
  readonly valueFrom?: { readonly secretKeyRef?: Named; readonly configMapKeyRef?: Named };
}

interface Container {
  readonly env?: readonly Source[];
  readonly envFrom?: readonly Source[];
}

interface PodSpec {
  readonly serviceAccountName?: string;
  readonly imagePullSecrets?: readonly Named[];
  readonly volumes?: readonly Source[];
  readonly containers?: readonly Container[];
  readonly initContainers?: readonly Container[];
}

function readParts(spec: PodSpec): readonly NamedObject[] {
  const { volumes = [], containers = [], initContainers = [], imagePullSecrets = [] } = spec;
  const sources = [...containers, ...initContainers].flatMap(({ env = [], envFrom = [] }) => [...env, ...envFrom]);
  const projected = volumes.flatMap((volume) => volume.projected?.sources ?? []);
  return [
    ...imagePullSecrets.flatMap(({ name }) => named("Secret", name)),
    ...[...volumes, ...projected, ...sources].flatMap(sourceParts),
  ];
}

function sourceParts(source: Source): readonly NamedObject[] {
  const { secret, configMap, persistentVolumeClaim, secretRef, configMapRef, valueFrom } = source;
  return [
    ...named("Secret", secret?.secretName ?? secret?.name),
    ...named("Secret", secretRef?.name),
    ...named("Secret", valueFrom?.secretKeyRef?.name),
    ...named("ConfigMap", configMap?.name),
    ...named("ConfigMap", configMapRef?.name),
    ...named("ConfigMap", valueFrom?.configMapKeyRef?.name),
    ...named("PersistentVolumeClaim", persistentVolumeClaim?.claimName),
  ];
}

function named(kind: string, name: string | undefined): readonly NamedObject[] {
  return name === undefined ? [] : [{ kind, name }];
}
