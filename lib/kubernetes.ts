import type { KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { isHeaderText } from "$lib/bearer.ts";
import type { Clock } from "$lib/clock.ts";
import { Failure, messageOf } from "$lib/error.ts";
import { createLineSource } from "$lib/kubernetes/line_source.ts";
import { createScheduler, type SchedulerLimits } from "$lib/kubernetes/scheduler.ts";
import { createSender, type Sender, type SenderParts } from "$lib/kubernetes/sender.ts";
import { openTransport } from "$lib/kubernetes/transport.ts";
import type { Kubernetes } from "$lib/kubernetes/types.ts";
import { kubernetesVerbs } from "$lib/kubernetes/verbs.ts";
import type { LineSource } from "$lib/kubernetes/watches.ts";

export { isRefused } from "$lib/kubernetes/refusal.ts";
export type { KubernetesMetrics } from "$lib/kubernetes/sender.ts";
export * from "$lib/kubernetes/types.ts";

/** What the door is made of. */
export interface KubernetesOptions
  extends Omit<SenderParts, "exchange" | "authorize" | "scheduler">, Pick<SchedulerLimits, "qps" | "burst"> {
  /** Requests in flight in this process at once, those of probes and watches apart; one stack has half of them at most. */
  readonly maxInFlight?: number;
  /** The kubeconfig to use; without it `env.KUBECONFIG`, else the service account of the pod. */
  readonly kubeconfigPath?: string;
  /** The environment: `KUBECONFIG`, `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT` are read. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its service account; left out: where Kubernetes puts it. */
  readonly serviceAccountFolder?: string;
  /** Such as `brokkr-agent/0.10.0`. */
  readonly userAgent: string;
}

/** The package, loaded when the door is opened: it takes half a second, and most of what imports this file needs none of it. */
type Client = typeof import("@kubernetes/client-node");

const MAX_IN_FLIGHT = 64;
const AUTHORIZATION_TTL_MS = 10_000;
const SERVICE_ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/**
 * Opens the door to the API server that the kubeconfig, or the pod's service account, names. Asks it nothing.
 *
 * @throws {Failure} `invalid_settings` when there is no such configuration, or it asks for what this program cannot do.
 */
export async function openKubernetes(options: KubernetesOptions): Promise<Kubernetes> {
  const client = await import("@kubernetes/client-node");
  const config = await loadConfig(client, options);
  await checkMayRun(config);
  const authorize = authorizer(config, options.clock);
  await authorize();
  const { exchange, openStream, close } = openTransport({
    server: checkedCluster(config).server.replace(/\/+$/, ""),
    userAgent: options.userAgent,
    makeClient: () => openPool(client, config),
  });
  const scheduler = createScheduler({ ...options, inFlight: options.maxInFlight ?? MAX_IN_FLIGHT }, options.clock);
  const wire: Wire = {
    send: createSender({ ...options, authorize, exchange, scheduler }),
    open: createLineSource({ ...options, authorize, openStream }),
  };
  const defaultNamespace = config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined;
  return viewOf(wire, { defaultNamespace, close });
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

async function loadConfig(client: Client, options: KubernetesOptions): Promise<KubeConfig> {
  const { kubeconfigPath, env } = options;
  const paths = kubeconfigPath !== undefined ? [kubeconfigPath] : env.KUBECONFIG?.split(":").filter(Boolean) ?? [];
  if (paths.length === 0) return await inCluster(client, options);
  const [first, ...others] = await Promise.all(paths.map((path) => loadFile(client, path)));
  if (first === undefined) throw invalid("KUBECONFIG names no file");
  return checked(merged(first, others));
}

function merged(first: KubeConfig, others: readonly KubeConfig[]): KubeConfig {
  try {
    others.forEach((other) => first.mergeConfig(other, true));
    return first;
  } catch (cause) {
    throw invalid(`the files of KUBECONFIG do not go together: ${messageOf(cause)}`, cause);
  }
}

async function loadFile(client: Client, path: string): Promise<KubeConfig> {
  const config = new client.KubeConfig();
  try {
    config.loadFromFile(path);
    readTokenFiles(config, parse(await Deno.readTextFile(path)), path);
  } catch (error) {
    throw invalid(`"${path}" cannot be read: ${withoutQuotes(error)}`);
  }
  return config;
}

/** A YAML parser's message quotes the text: below its first line, and there aliases and tags. A token may be in it. */
function withoutQuotes(error: unknown): string {
  const [line = ""] = messageOf(error).split("\n", 1);
  return line.replace(/"[^"]*"|!<[^>]*>/g, "***");
}

/** The package passes over `tokenFile` of a kubeconfig; its own way to say the same is an auth provider. */
function readTokenFiles(config: KubeConfig, raw: { readonly users?: readonly RawUser[] }, path: string): void {
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
  config.users = config.users.map((user) => {
    const tokenFile = raw.users?.find(({ name }) => name === user.name)?.user?.tokenFile;
    if (tokenFile === undefined) return user;
    const absolute = tokenFile.startsWith("/") ? tokenFile : `${folder}${tokenFile}`;
    return { ...user, token: undefined, authProvider: { name: "tokenFile", config: { tokenFile: absolute } } };
  });
}

interface RawUser {
  readonly name: string;
  readonly user?: { readonly tokenFile?: string };
}

async function inCluster(client: Client, options: KubernetesOptions): Promise<KubeConfig> {
  const { env, serviceAccountFolder: folder = SERVICE_ACCOUNT_FOLDER } = options;
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (host === undefined || port === undefined) {
    throw invalid("there is no kubeconfig (agent.kubeconfig_path or KUBECONFIG), and this is not a pod in a cluster");
  }
  const config = new client.KubeConfig();
  const server = `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
  config.loadFromOptions({
    clusters: [{ name: "cluster", server, caFile: `${folder}/ca.crt` }],
    users: [{ name: "pod", authProvider: { name: "tokenFile", config: { tokenFile: `${folder}/token` } } }],
    contexts: [{ name: "pod", cluster: "cluster", user: "pod", namespace: await readNamespace(folder) }],
    currentContext: "pod",
  });
  return config;
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
function checked(config: KubeConfig): KubeConfig {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw invalid("the kubeconfig has no current context with a cluster");
  if (cluster.skipTLSVerify && cluster.server.startsWith("https:")) {
    throw invalid(`cluster "${cluster.name}" says insecure-skip-tls-verify; name its certificate-authority instead`);
  }
  if (cluster.tlsServerName !== undefined) {
    throw invalid(`cluster "${cluster.name}" says tls-server-name; use a server name that its certificate holds`);
  }
  return config;
}

type Headers = Readonly<Record<string, string>>;

/** A login by a program needs a permission that the agent does not ask for; without it the system's own message misleads. */
async function checkMayRun(config: KubeConfig): Promise<void> {
  const { name, exec } = config.getCurrentUser() ?? {};
  const command: string | undefined = exec?.command;
  if (command === undefined) return;
  const { state } = await Deno.permissions.query({ name: "run", command });
  if (state === "granted") return;
  throw invalid(`user "${name}" logs in by running "${command}", which this program may not; give it a token instead`);
}

function openPool({ bufferFromFileOrString }: Client, config: KubeConfig): Deno.HttpClient {
  const { caFile, caData, proxyUrl } = checkedCluster(config);
  const { certFile, certData, keyFile, keyData } = config.getCurrentUser() ?? {};
  const ca = bufferFromFileOrString(caFile, caData)?.toString();
  const cert = bufferFromFileOrString(certFile, certData)?.toString();
  const key = bufferFromFileOrString(keyFile, keyData)?.toString();
  return Deno.createHttpClient({
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(proxyUrl === undefined ? {} : { proxy: { url: proxyUrl } }),
  });
}

/** The headers that say who asks, looked up anew every few seconds, because tokens change in their file. */
function authorizer(config: KubeConfig, clock: Clock): () => Promise<Headers> {
  let known: { readonly headers: Headers; readonly untilMs: number } | undefined;
  return async () => {
    if (known === undefined || clock.monotonic() >= known.untilMs) {
      known = { headers: sendable(await authHeaders(config)), untilMs: clock.monotonic() + AUTHORIZATION_TTL_MS };
    }
    return known.headers;
  };
}

function sendable(headers: Headers): Headers {
  if (Object.values(headers).every(isHeaderText)) return headers;
  throw invalid("its token holds what no header can hold, such as the end of a line");
}

async function authHeaders(config: KubeConfig): Promise<Headers> {
  const user = config.getCurrentUser();
  if (user === null) return {};
  const tokenFile: string | undefined = user.authProvider?.config?.tokenFile;
  if (tokenFile !== undefined) return { authorization: `Bearer ${(await readTokenFile(tokenFile)).trim()}` };
  if (checkedCluster(config).server.startsWith("http:")) {
    return user.token === undefined ? {} : { authorization: `Bearer ${user.token}` };
  }
  const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw invalid(`user "${user.name}" cannot be authorized: ${messageOf(cause)}`, cause);
  }
  const headers = options.headers as Headers;
  return typeof options.auth === "string" ? { authorization: `Basic ${btoa(options.auth)}`, ...headers } : headers;
}

async function readTokenFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    throw invalid(`the token in "${path}" cannot be read: ${messageOf(cause)}`, cause);
  }
}

function checkedCluster(config: KubeConfig): NonNullable<ReturnType<KubeConfig["getCurrentCluster"]>> {
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw invalid("the kubeconfig has no current context with a cluster");
  return cluster;
}

function invalid(why: string, cause?: unknown): Failure {
  return new Failure("invalid_settings", `Cannot open Kubernetes: ${why}`, { cause });
}
