import { readFileSync } from "node:fs";
import type { KubeConfig } from "@kubernetes/client-node";
import { connectionFault, type ServerNames, UNUSABLE, unusablePart } from "$lib/connection_fault.ts";
import { messageOf } from "$lib/error.ts";
import type { HttpClientOptions } from "$lib/http_client.ts";
import { type Access, keepAccess } from "$lib/kubernetes/access.ts";
import { type Asker, askerHeaders, invalidAccess, type RequestHeaders } from "$lib/kubernetes/asker.ts";
import { type Kubeconfig, type KubeconfigSource, loadKubeconfig } from "$lib/kubernetes/kubeconfig.ts";
import { createLineSource } from "$lib/kubernetes/line_source.ts";
import { createScheduler, type SchedulerLimits } from "$lib/kubernetes/scheduler.ts";
import { createSender, type Sender, type SenderParts } from "$lib/kubernetes/sender.ts";
import { openTransport } from "$lib/kubernetes/transport.ts";
import type { Kubernetes } from "$lib/kubernetes/types.ts";
import { kubernetesVerbs } from "$lib/kubernetes/verbs.ts";
import type { LineSource } from "$lib/kubernetes/watches.ts";
import { proxyOf } from "$lib/proxy.ts";

export { isRefused, isServerAway, isTimeout } from "$lib/kubernetes/refusal.ts";
export type { KubernetesMetrics } from "$lib/kubernetes/sender.ts";
export * from "$lib/kubernetes/types.ts";

/** What the door is made of. */
export interface KubernetesOptions
  extends
    Omit<SenderParts, "exchange" | "authorize" | "scheduler" | "explain">,
    Pick<SchedulerLimits, "qps" | "burst">,
    KubeconfigSource {
  /** Requests in flight in this process at once, those of probes and watches apart; one stack has half of them at most. */
  readonly maxInFlight?: number;
  /** Such as `brokkr-agent/0.10.0`. */
  readonly userAgent: string;
}

const MAX_IN_FLIGHT = 64;

/**
 * Opens the door to the API server that the kubeconfig, or the pod's service account, names. Asks it nothing.
 *
 * @throws {Failure} `invalid_settings` when there is no such configuration, or it asks for what this program cannot do.
 */
export async function openKubernetes(options: KubernetesOptions): Promise<Kubernetes> {
  const { userAgent, clock, log, maxInFlight = MAX_IN_FLIGHT } = options;
  const access = await keepAccess({ load: () => loadAccess(options), clock, log });
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

async function loadAccess(options: KubernetesOptions): Promise<Access> {
  const config = await loadKubeconfig(options);
  const { rawUsers, files } = config;
  const cluster = checkedCluster(config);
  const user = checkedUser(config);
  const { tokenFile, impersonated } = rawUsers.get(user?.name ?? "") ?? {};
  const { server, caFile, proxyUrl } = cluster;
  const proxy = proxyUrl ?? proxyOf(new URL(server), options.env);
  const asker: Asker = { ...pickText(user ?? {}, ["token", "username", "password"]), tokenFile, impersonated };
  const isOidc = tokenFile === undefined && user?.authProvider !== undefined && user.authProvider !== null;
  const login = createLogin(config);
  const names = namesOf(config);
  const clientOptions = {
    ...usable(() => certificates(config), names),
    ...(proxy === undefined ? {} : { proxy: { url: proxy } }),
  };
  return {
    server: withoutLastSlashes(server),
    clientOptions,
    names,
    headers: async () => ({ ...(isOidc ? await login() : {}), ...await askerHeaders(asker) }),
    files: [...files, caFile, user?.certFile, user?.keyFile, tokenFile].filter((path) => path !== undefined),
    defaultNamespace: config.context?.namespace?.trim() || undefined,
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

/** Refuses, at once and by name, what would fail or be unsafe at the first request. */
function checkedCluster({ cluster }: Kubeconfig): NonNullable<Kubeconfig["cluster"]> {
  if (cluster === undefined) throw invalidAccess("the kubeconfig has no current context with a cluster");
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
function checkedUser({ user }: Kubeconfig): Kubeconfig["user"] {
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

function certificates(config: Kubeconfig): HttpClientOptions {
  const { caFile, caData } = checkedCluster(config);
  const { certFile, certData, keyFile, keyData } = config.user ?? {};
  const ca = textOf(caFile, caData);
  const cert = textOf(certFile, certData);
  const key = textOf(keyFile, keyData);
  return {
    ...(ca === undefined ? {} : { caCerts: [ca] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}

/** What a file holds, which comes first, or a text in base64. */
function textOf(file: string | undefined, base64: string | undefined): string | undefined {
  if (file) return readFileSync(file, "utf8");
  return base64 ? Buffer.from(base64, "base64").toString() : undefined;
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
function namesOf(config: Kubeconfig): ServerNames {
  const { name, caFile } = checkedCluster(config);
  const { user, files } = config;
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

/**
 * Logs in with OpenID Connect, as the package knows how. It takes half a second and 80 MB of memory, most of it for what
 * nobody here asks of it: it is loaded for those alone who need it.
 */
function createLogin(config: Kubeconfig): () => Promise<RequestHeaders> {
  let opening: Promise<KubeConfig> | undefined;
  return async () => await loginHeaders(await (opening ??= openPackage(config)), config);
}

async function openPackage({ clusters, users, contexts, currentContext }: Kubeconfig): Promise<KubeConfig> {
  const { KubeConfig } = await import("@kubernetes/client-node");
  const config = new KubeConfig();
  config.loadFromOptions({ clusters, users, contexts, currentContext });
  return config;
}

async function loginHeaders(config: KubeConfig, { user }: Kubeconfig): Promise<RequestHeaders> {
  const options: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = {};
  try {
    await config.applyToHTTPSOptions(options);
  } catch (cause) {
    throw invalidAccess(`user "${user?.name}" cannot be authorized: ${messageOf(cause)}`, cause);
  }
  const headers = Object.entries(options.headers ?? {}) as [string, string][];
  return Object.fromEntries(headers.filter(([name]) => name.toLowerCase() === "authorization"));
}
