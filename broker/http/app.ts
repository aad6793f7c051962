import { type Context, Hono } from "hono";
import type { Clock } from "$lib/clock.ts";
import { quoted } from "$lib/error.ts";
import { newId } from "$lib/ids.ts";
import type { Log } from "$lib/log.ts";
import { LongAnswer } from "$lib/serve/long_answer.ts";
import type { InstrumentsOf } from "$lib/metrics.ts";
import type { Application, Exchange } from "$lib/serve.ts";
import type { Tracing } from "$lib/tracing.ts";
import type { ConnectivityLimits } from "../domain/agent.ts";
import { BoundExceeded } from "../domain/bounds.ts";
import type { ParseBundle } from "../domain/bundle_verdict.ts";
import type { Caller } from "../domain/caller.ts";
import type { HTTP_METRICS } from "../metrics.ts";
import type { Store } from "../store/mod.ts";
import { type AdmissionParts, admitted } from "./admission.ts";
import type { BodyBounds } from "./body.ts";
import type { BodyRoom } from "./body_room.ts";
import { corsFor } from "./cors.ts";
import { type ApiDocument, documentAnswers, DOCUMENTS } from "./documents.ts";
import type { Endpoint } from "./endpoint.ts";
import { ENDPOINTS, templateOf } from "./endpoints.ts";
import type { HeldRequests } from "./held_requests.ts";
import type { InFlight } from "./in_flight.ts";
import type { LongAnswers } from "./long_answers.ts";
import type { ObjectCache } from "./object_cache.ts";
import type { SendLong } from "./object_list.ts";
import { problem, problemOf } from "./problem.ts";
import { beginRequest } from "./request_span.ts";
import type { SnapshotCache } from "./snapshot_cache.ts";
import type { TelemetryRelay } from "./telemetry_relay.ts";

/** What the API is made of. */
export interface AppParts extends Omit<AdmissionParts, "store" | "connectionFrom" | "onKnown"> {
  /** The store, once the database is there. @throws {Failure} `unavailable` before. */
  readonly store: () => Store;
  readonly bounds: BodyBounds;
  readonly inFlight: InFlight;
  readonly parseBundle: ParseBundle;
  readonly held: HeldRequests;
  readonly snapshotCache: SnapshotCache;
  readonly objectCache: ObjectCache;
  readonly longAnswers: LongAnswers;
  readonly bodyRoom: BodyRoom;
  readonly tracing: Tracing;
  readonly clock: Clock;
  readonly limits: ConnectivityLimits;
  readonly relay: TelemetryRelay;
  readonly allowedOrigins: readonly string[];
  /** Counts what a bound refused or delayed, by which; left out where nothing is counted. */
  readonly bounded?: InstrumentsOf<typeof HTTP_METRICS>["bounded"] | undefined;
  /** The page for people, which knows all paths of its own; left out where there is none. */
  readonly console?: Application | undefined;
  readonly log: Log;
}

interface Bindings {
  /** As it came; the router is shown a GET in place of a HEAD. */
  readonly request: Request;
  readonly exchange: Exchange;
  readonly requestId: string;
  readonly connectionFrom?: (() => string) | undefined;
}
type Env = { readonly Bindings: Bindings };
type Routes = Hono<Env>;

/** The header that names a request. */
export const REQUEST_ID = "x-request-id";
const GIVEN_REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The API: every endpoint, one error shape for all that goes wrong, a request id on every answer. */
export function createApp(parts: AppParts): Application {
  const routes: Routes = new Hono<Env>();
  const paths = Map.groupBy(ENDPOINTS, templateOf);
  if (parts.allowedOrigins.length > 0) addCors(routes, paths, parts.allowedOrigins);
  for (const [path, endpoints] of paths) addPath(routes, { path, endpoints }, parts);
  for (const document of DOCUMENTS) addDocument(routes, document, parts.clock);
  if (parts.console !== undefined) addConsole(routes, parts.console);
  routes.notFound(({ req }) => problem("not_found", `Cannot find ${quoted(req.path)}: no such path`));
  routes.onError((error, { env: { requestId, exchange } }) => {
    if (error instanceof BoundExceeded) parts.bounded?.add(1, { bound: error.bound });
    const context = { log: parts.log, requestId, traceId: exchange.span?.context.traceId };
    return parts.tracing.within(exchange.span, () => problemOf(error, context));
  });
  return async (request, exchange, { connectionFrom } = {}) => {
    const requestId = requestIdOf(request);
    const response = await routes.fetch(asGet(request), { request, exchange, requestId, connectionFrom });
    response.headers.set(REQUEST_ID, requestId);
    return response;
  };
}

/** A HEAD keeps its body until the listener, which says its length and no more; the router would drop both. */
function asGet(request: Request): Request {
  return request.method === "HEAD" ? new Request(request, { method: "GET" }) : request;
}

/** The client's own id for a request where it is a harmless one, else a new one. */
export function requestIdOf({ headers }: Request): string {
  const given = headers.get(REQUEST_ID) ?? "";
  return GIVEN_REQUEST_ID.test(given) ? given : newId();
}

interface Path {
  /** The template as the router has it: `/api/v1/stacks/:id`. */
  readonly path: string;
  readonly endpoints: readonly Endpoint[];
}

function methodsOf(endpoints: readonly Endpoint[]): readonly string[] {
  return endpoints.flatMap(({ method }) => method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()]);
}

/** What it answers itself is named, too. */
function addCors(routes: Routes, paths: ReadonlyMap<string, readonly Endpoint[]>, origins: readonly string[]): void {
  for (const path of paths.keys()) {
    routes.use(path, async ({ env }, next) => {
      env.exchange.endpoint = path;
      await next();
    });
  }
  routes.use(corsFor(origins, ({ env }) => methodsOf(paths.get(env.exchange.endpoint) ?? [])));
}

/**
 * One handler for all methods of a path: of several that match the router makes a chain, which takes longer than both.
 */
function addPath(routes: Routes, { path, endpoints }: Path, parts: AppParts): void {
  const byMethod = new Map(endpoints.map((endpoint) => [endpoint.method.toUpperCase(), endpoint]));
  routes.all(path, (context) => {
    const { exchange, request } = context.env;
    exchange.endpoint = path;
    const endpoint = byMethod.get(context.req.method);
    return endpoint === undefined ? notAllowed(request.method, methodsOf(endpoints)) : answer(endpoint, context, parts);
  });
}

async function answer(endpoint: Endpoint, { req, env }: Context<Env>, parts: AppParts): Promise<Response> {
  const {
    inFlight,
    parseBundle,
    held,
    snapshotCache,
    objectCache,
    longAnswers,
    relay,
    limits,
    bodyRoom,
    tracing,
    authenticator,
    attempts,
  } = parts;
  const { request, exchange, connectionFrom } = env;
  exchange.isHeld = endpoint.isHeld;
  const store = parts.store();
  const onKnown = (caller: Caller) => exchange.span = beginRequest({ request, endpoint, exchange, caller }, parts);
  const caller = await admitted(request, endpoint, { authenticator, attempts, store, connectionFrom, onKnown });
  const owner = `${caller.role} ${caller.id}`;
  using places = new DisposableStack();
  if (!endpoint.isHeld) places.use(inFlight.enter(caller));
  const takeRoom = async (bytes: number) => void places.use(await bodyRoom.enter(owner, bytes, request.signal));
  const sendLong: SendLong = (pieces, headers, status) =>
    longAnswers.open({
      ...{ pieces, headers, status, owner, signal: request.signal },
      place: places.move(),
    });
  const bounds = { ...parts.bounds, takeRoom };
  const { span } = exchange;
  const call = {
    request,
    params: req.param(),
    caller,
    bounds,
    parseBundle,
    held,
    snapshotCache,
    objectCache,
    sendLong,
    limits,
    relay,
    span,
  };
  const respond = () => endpoint.respond(call, store);
  const response = await (span === undefined ? respond() : tracing.within(span, respond));
  const isSent = response instanceof LongAnswer && request.method !== "HEAD";
  return isSent ? longAnswers.send(response, places.move()) : response;
}

function notAllowed(method: string, methods: readonly string[]): Response {
  const allow = methods.join(", ");
  const response = problem("method_not_allowed", `Cannot use ${quoted(method)} here: only ${allow}`);
  response.headers.set("allow", allow);
  return response;
}

function addConsole(routes: Routes, answer: Application): void {
  for (const path of ["/console", "/console/*"]) {
    routes.all(
      path,
      ({ env: { request, exchange, connectionFrom } }) =>
        answer(asGet(request), exchange, connectionFrom && { connectionFrom }),
    );
  }
}

function addDocument(routes: Routes, document: ApiDocument, clock: Clock): void {
  const { path } = document;
  const answer = documentAnswers(document, clock);
  routes.get(path, ({ env }) => {
    env.exchange.endpoint = path;
    return answer(env.request);
  });
  routes.all(path, ({ env }) => {
    env.exchange.endpoint = path;
    return notAllowed(env.request.method, ["GET", "HEAD"]);
  });
}
