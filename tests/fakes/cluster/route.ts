/** What the path of a request names. */
export interface Route {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

const NAMESPACE_SUBRESOURCES = ["status", "finalize"];

/** Reads the path of a resource or an object; `undefined` for every other path. */
export function parseRoute(path: string): Route | undefined {
  const parts = path.split("/").filter((part) => part !== "").map(decodeURIComponent);
  const root = parts.shift();
  if (root !== "api" && root !== "apis") return undefined;
  const group = root === "api" ? "" : parts.shift();
  const version = parts.shift();
  if (group === undefined || version === undefined || parts.length === 0) return undefined;
  const isInNamespace = parts[0] === "namespaces" && parts.length > 2 &&
    !NAMESPACE_SUBRESOURCES.includes(parts[2] ?? "");
  const namespace = isInNamespace ? parts[1] : undefined;
  const [plural = "", name, subresource, ...more] = isInNamespace ? parts.slice(2) : parts;
  return more.length > 0 ? undefined : { group, version, plural, namespace, name, subresource };
}

/** The verb of a request as Kubernetes names it. */
export function verbOf(method: string, route: Route | undefined, query: URLSearchParams): string {
  const isCollection = route !== undefined && route.name === undefined;
  const isWatch = ["true", "1"].includes(query.get("watch") ?? "");
  if (method === "GET" || method === "HEAD") return !isCollection ? "get" : isWatch ? "watch" : "list";
  if (method === "DELETE") return isCollection ? "deletecollection" : "delete";
  return { POST: "create", PUT: "update", PATCH: "patch" }[method] ?? method.toLowerCase();
}
