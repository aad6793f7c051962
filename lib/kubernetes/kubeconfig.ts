import { dirname, isAbsolute, join } from "node:path";
// Of the package only this: all of it brings a process from 40 MB to 125.
import {
  type Cluster,
  type Context,
  newClusters,
  newContexts,
  newUsers,
  type User,
} from "@kubernetes/client-node/dist/config_types.js";
import { hostAndPort } from "$lib/addresses.ts";
import { messageOf } from "$lib/error.ts";
import { readYamlDocument } from "$lib/yaml/document.ts";
import { newBudget } from "$lib/yaml/events.ts";
import { type Asker, type Impersonated, invalidAccess } from "./asker.ts";

/** Which configuration there is to load. */
export interface KubeconfigSource {
  /** The kubeconfig to use; without it `env.KUBECONFIG`, else the service account of the pod. */
  readonly kubeconfigPath?: string;
  /** The environment: `KUBECONFIG`, `KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT` and the proxies' are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its service account; left out: where Kubernetes puts it. */
  readonly serviceAccountFolder?: string;
}

/** What kubeconfigs, or a pod's service account, say. */
export interface Kubeconfig extends Entries {
  /** The current one, and what it names; undefined where there is none. */
  readonly context: Context | undefined;
  readonly cluster: Cluster | undefined;
  readonly user: User | undefined;
  /** What the package passes over, by the user's name. */
  readonly rawUsers: ReadonlyMap<string, RawUser>;
  /** Where it stands. */
  readonly files: readonly string[];
}

interface Entries {
  readonly clusters: Cluster[];
  readonly users: User[];
  readonly contexts: Context[];
  readonly currentContext: string;
}

type RawUser = Pick<Asker, "tokenFile" | "impersonated">;

const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Loads the configuration. Of several files the first that names a current context says which it is.
 *
 * @throws {Failure} `invalid_settings` when there is none, or it can't be read; quotes nothing of it but names.
 */
export async function loadKubeconfig(source: KubeconfigSource): Promise<Kubeconfig> {
  const { kubeconfigPath, env } = source;
  const paths = kubeconfigPath !== undefined ? [kubeconfigPath] : env.KUBECONFIG?.split(":").filter(Boolean) ?? [];
  if (paths.length === 0) return await inCluster(source);
  const loaded = await Promise.all(paths.map(loadFile));
  const rawUsers = new Map(loaded.flatMap(({ rawUsers }) => [...rawUsers]));
  return kubeconfig(merged(loaded.map(({ entries }) => entries)), { rawUsers, files: paths });
}

function kubeconfig(entries: Entries, rest: Pick<Kubeconfig, "rawUsers" | "files">): Kubeconfig {
  const context = entries.contexts.find(({ name }) => name === entries.currentContext);
  const cluster = entries.clusters.find(({ name }) => name === context?.cluster);
  const user = entries.users.find(({ name }) => name === context?.user);
  return { ...entries, context, cluster, user, ...rest };
}

function merged(all: readonly Entries[]): Entries {
  const clusters = all.flatMap((one) => one.clusters);
  const users = all.flatMap((one) => one.users);
  const contexts = all.flatMap((one) => one.contexts);
  if (all.length > 1) {
    for (const [sort, named] of Object.entries({ cluster: clusters, user: users, context: contexts })) {
      refuseRepeated(sort, named);
    }
  }
  const { currentContext = "" } = all.find((one) => one.currentContext !== "") ?? {};
  return { clusters, users, contexts, currentContext };
}

function refuseRepeated(sort: string, named: readonly { readonly name: string }[]): void {
  const names = new Set<string>();
  for (const { name } of named) {
    if (names.has(name)) throw invalidAccess(`the files of KUBECONFIG do not go together: Duplicate ${sort}: ${name}`);
    names.add(name);
  }
}

interface LoadedFile {
  readonly entries: Entries;
  readonly rawUsers: Kubeconfig["rawUsers"];
}

async function loadFile(path: string): Promise<LoadedFile> {
  try {
    const raw = readYaml(await Deno.readTextFile(path));
    const within = (named: string) => isAbsolute(named) ? named : join(dirname(path), named);
    const rawUsers = new Map(raw.users?.map(({ name, user }) => [name, readUser(user ?? {}, within)]));
    return { entries: entriesOf(raw, within), rawUsers };
  } catch (error) {
    throw invalidAccess(`"${path}" cannot be read: ${messageOf(error)}`);
  }
}

interface RawConfig {
  readonly "current-context"?: string | null;
  readonly clusters?: unknown;
  readonly contexts?: unknown;
  readonly users?: readonly RawEntry[] | null;
}

interface RawEntry {
  readonly name: string;
  readonly user?: Readonly<Record<string, unknown>>;
}

/**
 * As kubectl reads it, an empty one too; what is wrong with it is said without a word of it, for a token may be in it.
 */
function readYaml(text: string): RawConfig {
  const { value, faults: [fault] } = readYamlDocument(text, newBudget());
  if (fault !== undefined) throw new Error(fault.message);
  return (value ?? {}) as RawConfig;
}

/** The path of a file that a kubeconfig names, which is meant from the folder that it is in. */
type Within = (named: string) => string;

function entriesOf(raw: RawConfig, within: Within): Entries {
  const file = (named: string | undefined) => named && within(named);
  return {
    clusters: newClusters(raw.clusters).map((cluster) => ({ ...cluster, caFile: file(cluster.caFile) })),
    users: newUsers(raw.users).map((user) => ({ ...user, certFile: file(user.certFile), keyFile: file(user.keyFile) })),
    contexts: newContexts(raw.contexts),
    currentContext: raw["current-context"] ?? "",
  };
}

function readUser(user: NonNullable<RawEntry["user"]>, within: Within): RawUser {
  const { tokenFile, as: name, "as-uid": uid, "as-groups": groups, "as-user-extra": extra } = user;
  return {
    tokenFile: typeof tokenFile === "string" ? within(tokenFile) : undefined,
    impersonated: { user: name, uid, groups, extra } as Impersonated,
  };
}

async function inCluster(
  { env, serviceAccountFolder: folder = SERVICE_ACCOUNT_FOLDER }: KubeconfigSource,
): Promise<Kubeconfig> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host === undefined || port === undefined) {
    throw invalidAccess(
      "there is no kubeconfig (agent.kubeconfig_path or KUBECONFIG), and this is not a pod in a cluster",
    );
  }
  const server = `https://${hostAndPort({ hostname: host, port })}`;
  const entries = {
    clusters: [{ name: "cluster", server, caFile: `${folder}/ca.crt`, skipTLSVerify: false }],
    users: [{ name: "pod" }],
    contexts: [{ name: "pod", cluster: "cluster", user: "pod", namespace: await readNamespace(folder) }],
    currentContext: "pod",
  };
  return kubeconfig(entries, { rawUsers: new Map([["pod", { tokenFile: `${folder}/token` }]]), files: [] });
}

async function readNamespace(folder: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(`${folder}/namespace`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
