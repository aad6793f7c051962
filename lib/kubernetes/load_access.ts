import { readFileSync } from "node:fs";
import { certificatesOf, type ServerNames, UNUSABLE, unusablePart } from "$lib/http_client/connection_fault.ts";
import { messageOf } from "$lib/error.ts";
import type { HttpClientOptions } from "$lib/http_client.ts";
import { proxyOf } from "$lib/http_client/proxy.ts";
import type { Access } from "./access.ts";
import { type Asker, askerHeaders, invalidAccess } from "./asker.ts";
import { type Kubeconfig, type KubeconfigSource, loadKubeconfig } from "./kubeconfig.ts";
import { createLogin } from "./login.ts";

/**
 * Where the API server is and who asks it, as the kubeconfig or the pod's service account says now.
 *
 * @throws {Failure} `invalid_settings` when there is none, or it asks for what this program cannot do.
 */
export async function loadAccess(options: KubeconfigSource): Promise<Access> {
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
  return certificatesOf({
    ca: textOf(caFile, caData),
    cert: textOf(certFile, certData),
    key: textOf(keyFile, keyData),
  });
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
