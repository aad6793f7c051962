import { isHeaderText, readTokenFile } from "$lib/token.ts";
import { Failure, messageOf } from "$lib/error.ts";
import type { HttpRequest } from "./exchange.ts";

/** Who asks, as a kubeconfig's user or a pod's service account says it. */
export interface Asker {
  readonly token?: string;
  /** Read again each time: what is in it takes precedence over `token`. */
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  /** As whom the API server is to take it, where it may ask for that. */
  readonly impersonated?: Impersonated;
}

/** `as`, `as-uid`, `as-groups` and `as-user-extra` of a kubeconfig. */
export interface Impersonated {
  readonly user?: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** The headers of a request. */
export type RequestHeaders = HttpRequest["headers"];

/**
 * The headers that say who asks.
 *
 * @throws {Failure} `invalid_settings` when a token cannot be read or sent.
 */
export async function askerHeaders(asker: Asker): Promise<RequestHeaders> {
  return sendable({ ...await authorization(asker), ...impersonation(asker.impersonated ?? {}) });
}

async function authorization({ token, tokenFile, username, password }: Asker): Promise<RequestHeaders> {
  if (tokenFile !== undefined) return { authorization: `Bearer ${await readToken(tokenFile)}` };
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  if (username === undefined) return {};
  return { authorization: `Basic ${btoa(`${username}:${password ?? ""}`)}` };
}

async function readToken(path: string): Promise<string> {
  try {
    return await readTokenFile(path);
  } catch (cause) {
    throw invalidAccess(`the token in "${path}" cannot be read: ${messageOf(cause)}`, cause);
  }
}

function impersonation({ user, uid, groups = [], extra = {} }: Impersonated): RequestHeaders {
  const named = Object.entries(extra).map(([key, values]) => [
    `impersonate-extra-${encodeURIComponent(key.toLowerCase())}`,
    values,
  ]);
  if (user === undefined) {
    if (uid === undefined && groups.length + named.length === 0) return {};
    throw invalidAccess("its user says as-uid, as-groups or as-user-extra, but not as whom (as)");
  }
  return {
    "impersonate-user": user,
    ...(uid === undefined ? {} : { "impersonate-uid": uid }),
    ...(groups.length === 0 ? {} : { "impersonate-group": groups }),
    ...Object.fromEntries(named),
  };
}

function sendable(headers: RequestHeaders): RequestHeaders {
  if (Object.values(headers).flat().every(isHeaderText)) return headers;
  throw invalidAccess("its token holds what no header can hold, such as the end of a line");
}

/** The failure of a configuration that cannot be used. */
export function invalidAccess(why: string, cause?: unknown): Failure {
  return new Failure("invalid_settings", `Cannot open Kubernetes: ${why}`, { cause });
}
