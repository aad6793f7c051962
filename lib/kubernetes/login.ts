import type { KubeConfig } from "@kubernetes/client-node";
import { messageOf } from "$lib/error.ts";
import { invalidAccess, type RequestHeaders } from "./asker.ts";
import type { Kubeconfig } from "./kubeconfig.ts";

/**
 * Logs in with OpenID Connect, as the package knows how. It takes half a second and 80 MB of memory, most of it for
 * what nobody here asks of it: it is loaded for those alone who need it.
 *
 * @returns Gives the headers that say who asks; throws {@linkcode Failure} `invalid_settings` where nobody is let in.
 */
export function createLogin(config: Kubeconfig): () => Promise<RequestHeaders> {
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
