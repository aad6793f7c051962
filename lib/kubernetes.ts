import type { KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { connectionFault, type ServerNames, UNUSABLE, unusablePart } from "$lib/connection_fault.ts";
import { messageOf } from "$lib/error.ts";
import type { HttpClientOptions } from "$lib/http_client.ts";
import { type Access, keepAccess } from "$lib/kubernetes/access.ts";
import {
  type Asker,
  askerHeaders,
  type Impersonated,
  invalidAccess,
  type RequestHeaders,
} from "$lib/kubernetes/asker.ts";
import { createLineSource } from "$lib/kubernetes/line_source.ts";
import { createScheduler, type SchedulerLimits } from "$lib/kubernetes/scheduler.ts";
import { createSender, type Sender, type SenderParts } from "$lib/kubernetes/sender.ts";
import { openTransport } from "$lib/kubernetes/transport.ts";
import type { Kubernetes } from "$lib/kubernetes/types.ts";
import { kubernetesVerbs } from "$lib/kubernetes/verbs.ts";
import type { LineSource } from "$lib/kubernetes/watches.ts";
import { proxyOf } from "$lib/proxy.ts";

export { isRefused, isServerAway } from "$lib/kubernetes/refusal.ts";
export type { KubernetesMetrics } from "$lib/kubernetes/sender.ts";
export * from "$lib/kubernetes/types.ts";

/** What the door is made of. */
export interface KubernetesOptions
  extends
    Omit<SenderParts, "exchange" | "authorize" | "scheduler" | "explain">,
    Pick<SchedulerLimits, "qps" | "burst"> {
  /** Requests in flight in this process at once, those of probes and watches apart; one stack has half of them at most. */
  readonly maxInFlight?: number;
  /** The kubeconfig to use; without it `env.KUBECONFIG`, else the service account of the pod. */
  readonly kubeconfigPath?: string;
  /** The environment: `KUBECONFIG`, `KUBERNETES_SERVICE_HOST`, `KUBERNETES_SERVICE_PORT` and the proxies' are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its service account; left out: where Kubernetes puts it. */
  readonly serviceAccountFolder?: string;
  /** Such as `brokkr-agent/0.10.0`. */
  readonly userAgent: string;
}

/** The package, loaded when the door is opened: it takes half a second, and most of what imports this file needs none of it. */
type Client = typeof import("@kubernetes/client-node");

const MAX_IN_FLIGHT = 64;
const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Opens the door to the API server that the kubeconfig, or the pod's service account, names. Asks it nothing.
 *
 * @throws {Failure} `invalid_settings` when there is no such configuration, or it asks for what this program cannot do.
 */
export async function openKubernetes(options: KubernetesOptions): Promise<Kubernetes> {
  const { userAgent, clock, log, maxInFlight = MAX_IN_FLIGHT } = options;
  const client = await import("@kubernetes/client-node");
  const access = await keepAccess({ load: () => loadAccess(client, options), clock, log });
  const { exchange, openStream, close } = openTransport({
    server: () => access.current.server,
    clientOptions: () => access.current.clientOptions,
    ...{ userAgent, clock, log },
  });
  const scheduler = createScheduler({ ...options, inFlight: maxInFlight }, clock);
  const { authorize } = access;
  const explain = (error: unknown) => connectionFault(error, access.current.names);
  const wire: Wire = {
    send: createSender({ ...options, authorize, exchange, scheduler, explain }),
    open: createLineSource({ ...options, authorize, openStream, explain }),
  };
  return viewOf(wire, { defaultNamespace: access.current.defaultNamespace, close });
}

interface Wire {
  readonly send: Sender;
  readonly open: LineSource;
}

/** The door as one stack, or nobody in particular, has it. */
function viewOf({ send, open }: Wire, rest: Pick<Kubernetes, "defaultNamespace" | "close">): Kubernetes {
  return {
    ...kubernetesVerbs(send, open),
    forStack(stackId, { impersonate } = {}) {
      const own: Wire = {
        send: (request, signal) => send({ ...request, stackId, impersonate }, signal),
        open: (request, signal) => open({ ...request, stackId, impersonate }, signal),
      };
      return viewOf(own, rest);
    },
    ...rest,
  };
}

/** A configuration, and what the package leaves out of it. */
interface LoadedConfig {
  readonly config: KubeConfig;
  readonly rawUsers: ReadonlyMap<string, RawUser>;
  /** Where it stands. */
  readonly files: readonly string[];
}

async function loadAccess(client: Client, options: KubernetesOptions): Promise<Access> {
  const { config, rawUsers, files } = await loadConfig(client, options);
  const cluster = checkedCluster(config);
  const user = checkedUser(config);
  const { tokenFile, impersonated } = rawUsers.get(user?.name ?? "") ?? {};
  const { server, caFile, proxyUrl } = cluster;
  const proxy = proxyUrl ?? proxyOf(new URL(server), options.env);
  const asker: Asker = { ...pickText(user ?? {}, ["token", "username", "password"]), tokenFile, impersonated };
  const isOidc = tokenFile === undefined && user?.authProvider !== undefined && user.authProvider !== null;
  const names = namesOf(config, files);
  const clientOptions = {
    ...usable(() => certificates(client, config), names),
    ...(proxy === undefined ? {} : { proxy: { url: proxy } }),
  };
  return {
    server: withoutLastSlashes(server),
    clientOptions,
    names,
    headers: async () => ({ ...(isOidc ? await loginHeaders(config) : {}), ...await askerHeaders(asker) }),
    files: [...files, caFile, user?.certFile, user?.keyFile, tokenFile].filter((path) => path !== undefined),
    defaultNamespace: config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined,
  };
}

function withoutLastSlashes(address: string): string {
  let end = address.length;
  while (address.charAt(end - 1) === "/") end -= 1;
  return address.slice(0, end);
}

function pickText<K extends string>(
  user: { readonly [key in K]?: string | null },
  names: readonly K[],
): { readonly [key in K]?: string } {
  const given = names.map((name) => [name, user[name]] as const).filter(([, value]) => typeof value === "string");
  return Object.fromEntries(given) as { readonly [key in K]?: string };
}

async function loadConfig(client: Client, options: KubernetesOptions): Promise<LoadedConfig> {
  const { kubeconfigPath, env } = options;
  const paths = kubeconfigPath !== undefined ? [kubeconfigPath] : env.KUBECONFIG?.split(":").filter(Boolean) ?? [];
  if (paths.length === 0) return await inCluster(client, options);
  const [first, ...others] = await Promise.all(paths.map((path) => loadFile(client, path)));
  if (first === undefined) throw invalidAccess("KUBECONFIG names no file");
  return {
    config: merged(first.config, others.map(({ config }) => config)),
    rawUsers: new Map([first, ...others].flatMap(({ rawUsers }) => [...rawUsers])),
    files: paths,
  };
}

function merged(first: KubeConfig, others: readonly KubeConfig[]): KubeConfig {
  try {
    others.forEach((other) => first.mergeConfig(other, true));
    return first;
  } catch (cause) {
    throw invalidAccess(`the files of KUBECONFIG do not go together: ${messageOf(cause)}`, cause);
  }
}

async function loadFile(client: Client, path: string): Promise<Omit<LoadedConfig, "files">> {
  const config = new client.KubeConfig();
  try {
    config.loadFromFile(path);
    const raw: { readonly users?: readonly RawEntry[] } = parse(await Deno.readTextFile(path));
    return { config, rawUsers: new Map(raw.users?.map(({ name, user }) => [name, readUser(user ?? {}, path)])) };
  } catch (error) {
    throw invalidAccess(`"${path}" cannot be read: ${withoutQuotes(error)}`);
  }
}

/** A YAML parser's message quotes the text: below its first line, and there aliases and tags. A token may be in it. */
function withoutQuotes(error: unknown): string {
  const [line = ""] = messageOf(error).split("\n", 1);
  return line.replace(/"[^"]*"?|!<[^>]*>?/g, "***");
}

interface RawEntry {
  readonly name: string;
  readonly user?: Readonly<Record<string, unknown>>;
}

/** What the package passes over. */
type RawUser = Pick<Asker, "tokenFile" | "impersonated">;

function readUser(user: NonNullable<RawEntry["user"]>, path: string): RawUser {
  const { tokenFile, as: name, "as-uid": uid, "as-groups": groups, "as-user-extra": extra } = user;
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
  return {
    tokenFile: typeof tokenFile !== "string"
      ? undefined
      : tokenFile.startsWith("/")
      ? tokenFile
      : `${folder}${tokenFile}`,
    impersonated: { user: name, uid, groups, extra } as Impersonated,
  };
}

async function inCluster(client: Client, options: KubernetesOptions): Promise<LoadedConfig> {
  const { env, serviceAccountFolder: folder = SERVICE_ACCOUNT_FOLDER } = options;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host === undefined || port === undefined) {
    throw invalidAccess(
      "there is no kubeconfig (agent.kubeconfig_path or KUBECONFIG), and this is not a pod in a cluster",
    );
  }
  const config = new client.KubeConfig();
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  config.loadFromOptions({
    clusters: [{ name: "cluster", server, caFile: `${folder}/ca.crt` }],
    users: [{ name: "pod" }],
    contexts: [{ name: "pod", cluster: "cluster", user: "pod", namespace: await readNamespace(folder) }],
    currentContext: "pod",
  });
  return { config, rawUsers: new Map([["pod", { tokenFile: `${folder}/token` }]]), files: [] };
}

async function readNamespace(folder: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(`${folder}/namespace`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Refuses, at once and by name, what would fail or be unsafe at the first request. */
function checkedCluster(config: KubeConfig): NonNullable<ReturnType<KubeConfig["getCurrentCluster"]>> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw invalidAccess("the kubeconfig has no current context with a cluster");
  if (!URL.canParse(cluster.server)) throw invalidAccess(`cluster "${cluster.name}" has no server that is a URL`);
  if (cluster.skipTLSVerify && cluster.server.startsWith("https:")) {
    throw invalidAccess(
      `cluster "${cluster.name}" says insecure-skip-tls-verify; name its certificate-authority instead`,
    );
  }
  if (cluster.tlsServerName !== undefined) {
    throw invalidAccess(`cluster "${cluster.name}" says tls-server-name; use a server name that its certificate holds`);
  }
  return cluster;
}

/** A login by a program needs what this program is never allowed: to run others. */
function checkedUser(config: KubeConfig): ReturnType<KubeConfig["getCurrentUser"]> {
  const user = config.getCurrentUser();
  const { name, exec, authProvider } = user ?? {};
  const instead = "give it a token, a tokenFile or a client certificate instead";
  if (exec !== undefined && exec !== null) {
    throw invalidAccess(
      `user "${name}" logs in by running "${exec.command}" (exec), which this program does not; ${instead}`,
    );
  }
  if (authProvider !== undefined && authProvider !== null && authProvider.name !== "oidc") {
    throw invalidAccess(
      `user "${name}" logs in by auth-provider "${authProvider.name}", which this program does not; ${instead}`,
    );
  }
  return user;
}

function certificates({ bufferFromFileOrString }: Client, config: KubeConfig): HttpClientOptions {
  const { caFile, caData } = checkedCluster(config);
  const { certFile, certData, keyFile, keyData } = config.getCurrentUser() ?? {};
  const ca = bufferFromFileOrString(caFile, caData)?.toString();
  const cert = bufferFromFileOrString(certFile, certData)?.toString();
  const key = bufferFromFileOrString(keyFile, keyData)?.toString();
  return {
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** Such as a certificate and a key that do not belong together: known now, not with the first request. */
function usable(read: () => HttpClientOptions, names: ServerNames): HttpClientOptions {
  const options = readable(read);
  const unusable = unusablePart(options);
  if (unusable !== undefined) throw invalidAccess(`${names[unusable]} cannot be used: ${UNUSABLE[unusable]}`);
  return options;
}

function readable(read: () => HttpClientOptions): HttpClientOptions {
  try {
    return read();
  } catch (cause) {
    throw invalidAccess(`its certificates cannot be used: ${messageOf(cause)}`, cause);
  }
}

/** Where the API server, and who vouches for it, stand: in a pod in no file but those that Kubernetes puts there. */
function namesOf(config: KubeConfig, files: readonly string[]): ServerNames {
  const { name, caFile } = checkedCluster(config);
  const user = config.getCurrentUser();
  const where = files.length === 0 ? "" : ` in ${files.map((path) => `"${path}"`).join(", ")}`;
  const authority = caFile === undefined ? "certificate-authority-data" : `certificate-authority "${caFile}"`;
  const certificate = user?.certFile === undefined
    ? "client-certificate-data"
    : `client-certificate "${user.certFile}"`;
  const inPod = { address: "KUBERNETES_SERVICE_HOST", authority: `"${caFile}"` };
  const inFile = {
    address: `server of cluster "${name}"${where}`,
    authority: `${authority} of cluster "${name}"${where}`,
  };
  return {
    server: "the API server",
    certificate: `${certificate} of user "${user?.name}"${where}`,
    ...(files.length === 0 ? inPod : inFile),
  };
}

async function loginHeaders(config: KubeConfig): Promise<RequestHeaders> {
  const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw invalidAccess(`user "${config.getCurrentUser()?.name}" cannot be authorized: ${messageOf(cause)}`, cause);
  }
  const headers = Object.entries(options.headers ?? {}) as [string, string][];
  return Object.fromEntries(headers.filter(([name]) => name.toLowerCase() === "authorization"));
}
