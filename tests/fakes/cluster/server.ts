import { coreVersions, group, groupList, resourceList, VERSION } from "./discovery.ts";
import { ApiFailure, expired, NoSuchPath, noSuchResource } from "./failure.ts";
import { type FaultAnswer, Faults, playFault, type RequestFacts } from "./faults.ts";
import type { JsonObject } from "./json.ts";
import type { Parts } from "./parts.ts";
import type { AggregatedVersion } from "./registry.ts";
import { BUILT_IN, type ResourceType } from "./resources.ts";
import { parseRoute, type Route, verbOf } from "./route.ts";
import { serveObject } from "./serve_object.ts";

/** One request that the server answered. */
export interface AuditRecord extends RequestFacts {
  /** The code of the answer; 0 when a fault ended or held the connection. */
  readonly status: number;
  readonly startedAtMs: number;
}

/** Answers requests as a Kubernetes API server does. */
export class ApiServer {
  /** Every request that came over the wire, in the order of its answer. */
  readonly requests: AuditRecord[] = [];
  /** Every request that came over the wire, in the order in which they came, answered or not. */
  readonly arrivals: RequestFacts[] = [];
  readonly faults = new Faults();
  readonly #parts: Parts;
  readonly #signal: AbortSignal;
  #token: string | undefined;
  #watches = new AbortController();

  constructor(options: { parts: Parts; token: string | undefined; signal: AbortSignal }) {
    this.#parts = options.parts;
    this.#token = options.token;
    this.#signal = options.signal;
  }

  /** Takes this token from now on, and no other. */
  acceptToken(token: string): void {
    this.#token = token;
  }

  /** Ends every open watch: as their time being over, or with the 410 of a version that is forgotten. */
  endWatches(options: { readonly isExpired: boolean }): void {
    const reason = options.isExpired ? expired("The resourceVersion for the provided watch is too old.") : undefined;
    this.#watches.abort(reason);
    this.#watches = new AbortController();
  }

  /** Answers a request of a client: audited, hit by faults, asked for its token. */
  async handle(request: Request): Promise<Response> {
    const facts = factsOf(request);
    const startedAtMs = Date.now();
    this.arrivals.push(facts);
    const fault = this.faults.take(facts);
    const response = await this.#answer(request, fault);
    const status = fault?.connection === undefined ? response.status : 0;
    this.requests.push({ ...facts, status, startedAtMs });
    return response;
  }

  /** Answers a request of the test itself: no audit, no faults, no token. */
  async handleByHand(request: Request): Promise<Response> {
    try {
      return await this.#serve(request);
    } catch (error) {
      return failureResponse(error);
    }
  }

  async #answer(request: Request, fault: FaultAnswer | undefined): Promise<Response> {
    const serve = () => this.#serveKnown(request);
    return fault === undefined ? await serve() : await playFault(fault, { serve, signal: this.#signal });
  }

  async #serveKnown(request: Request): Promise<Response> {
    if (!this.#isKnown(request)) return failureResponse(new ApiFailure(401, "Unauthorized", "Unauthorized"));
    return await this.handleByHand(request);
  }

  #isKnown(request: Request): boolean {
    return this.#token === undefined || request.headers.get("authorization") === `Bearer ${this.#token}`;
  }

  async #serve(request: Request): Promise<Response> {
    const url = new URL(request.url);
    const route = parseRoute(url.pathname);
    const aggregated = this.#aggregated(url.pathname);
    if (aggregated !== undefined) return await answerOfOther(aggregated, request);
    if (route === undefined) return this.#serveOther(url);
    const { namespace, name, subresource } = route;
    const type = this.#parts.registry.find(route.group, route.version, route.plural);
    if (type === undefined || !mayStandThere(type, route)) throw noSuchPath(route.group);
    return await serveObject({
      request,
      verb: verbOf(request.method, route, url.searchParams),
      target: { type, namespace, name, subresource },
      query: url.searchParams,
      parts: this.#parts,
      signal: AbortSignal.any([this.#signal, this.#watches.signal]),
    });
  }

  #aggregated(pathname: string): AggregatedVersion | undefined {
    const [, root, group, version] = pathname.split("/");
    return root === "apis" ? this.#parts.registry.findAggregated(group, version) : undefined;
  }

  #serveOther({ pathname, host }: URL): Response {
    if (["/healthz", "/livez", "/readyz"].includes(pathname)) return new Response("ok");
    const body = this.#discovery(pathname.replace(/\/$/, ""), host);
    if (body === undefined) throw noSuchPath(groupOf(pathname));
    return Response.json(body);
  }

  #discovery(path: string, host: string): JsonObject | undefined {
    const { registry } = this.#parts;
    if (path === "/version") return VERSION;
    if (path === "/api") return coreVersions(host);
    if (path === "/apis") return groupList(registry);
    const [, root, first = "", second] = path.split("/");
    if (root === "api") return resourceList(registry, "", first);
    if (root !== "apis") return undefined;
    return second === undefined ? group(registry, first) : resourceList(registry, first, second);
  }
}

async function answerOfOther({ server }: AggregatedVersion, request: Request): Promise<Response> {
  if (server === undefined) return new Response("service unavailable\n", { status: 503 });
  const { pathname, search } = new URL(request.url);
  using client = Deno.createHttpClient({ caCerts: [server.authority] });
  const { method, headers } = request;
  const body = request.body === null ? undefined : await request.bytes();
  const answer = await fetch(`${server.url}${pathname}${search}`, { method, headers, body, client });
  return new Response(await answer.bytes(), { status: answer.status, headers: answer.headers });
}

/** The group that a path names; `undefined` when it is none of the API. */
function groupOf(pathname: string): string | undefined {
  const [, root, group] = pathname.split("/");
  return root === "api" ? "" : root === "apis" ? group : undefined;
}

function noSuchPath(group: string | undefined): Error {
  return BUILT_IN.some((type) => type.group === group) ? noSuchResource() : new NoSuchPath();
}

/** What a request is, by its path and its headers. */
export function factsOf(request: Request): RequestFacts {
  const url = new URL(request.url);
  const route: Route | undefined = parseRoute(url.pathname);
  const manager = url.searchParams.get("fieldManager");
  return {
    verb: verbOf(request.method, route, url.searchParams),
    method: request.method,
    path: url.pathname,
    query: url.search.slice(1),
    userAgent: request.headers.get("user-agent") ?? "",
    ...(route === undefined ? {} : placeOf(route)),
    user: request.headers.get("impersonate-user") ?? "admin",
    groups: (request.headers.get("impersonate-group") ?? "").split(",").map((one) => one.trim()).filter((one) =>
      one !== ""
    ),
    ...(manager === null ? {} : { manager }),
    isDryRun: url.searchParams.has("dryRun"),
    contentType: request.headers.get("content-type") ?? "",
  };
}

function placeOf({ group, plural, namespace, name, subresource }: Route): Partial<RequestFacts> {
  return { group, resource: plural, namespace, name, subresource };
}

function failureResponse(error: unknown): Response {
  if (error instanceof NoSuchPath) return new Response("404 page not found\n", { status: 404 });
  if (error instanceof ApiFailure) return Response.json(error.status(), { status: error.code });
  const message = `Internal error occurred: ${error instanceof Error ? error.stack : String(error)}`;
  return Response.json(new ApiFailure(500, "InternalError", message).status(), { status: 500 });
}

/** An object stands in a namespace exactly where its type does; a collection of all namespaces in none. */
function mayStandThere({ isNamespaced }: ResourceType, { namespace, name }: Route): boolean {
  return namespace === undefined ? !isNamespaced || name === undefined : isNamespaced;
}
