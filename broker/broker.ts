import type { Clock } from "$lib/clock.ts";
import type { Database, DatabaseMetrics } from "$lib/database.ts";
import { random } from "$lib/ids.ts";
import type { Log } from "$lib/log.ts";
import { bound, type BoundGauge, type Registry } from "$lib/metrics.ts";
import { createMetricsPage, type Listening } from "$lib/serve/metrics_page.ts";
import { listen, type Listener } from "$lib/serve/listener.ts";
import type { Tracing } from "$lib/tracing.ts";
import { type Application, createRequestHandler, type RequestHandler, type RequestHandlerParts } from "$lib/serve.ts";
import { BundleParser } from "./parsing/bundle_parser.ts";
import { startWork } from "./background_work.ts";
import { lazyConsole } from "./console/lazy.ts";
import type { ConsoleParts } from "./console/parts.ts";
import type { ChangedKeys } from "./domain/notice.ts";
import { type AppParts, createApp, REQUEST_ID, requestIdOf } from "./http/app.ts";
import { ALWAYS_ADMIN, Authenticator } from "./http/auth.ts";
import { bodyBounds } from "./http/body.ts";
import { BodyRoom } from "./http/body_room.ts";
import { clientAddressBehind } from "./http/client_address.ts";
import { ROUTES } from "./http/endpoints.ts";
import { HeldRequests } from "./http/held_requests.ts";
import { InFlight } from "./http/in_flight.ts";
import { KeyCache } from "./http/key_cache.ts";
import { LongAnswers } from "./http/long_answers.ts";
import { ObjectCache } from "./http/object_cache.ts";
import { observeRequests } from "./http/observe.ts";
import { SnapshotCache } from "./http/snapshot_cache.ts";
import { type RelaySenders, TelemetryRelay } from "./http/telemetry_relay.ts";
import { Lifecycle } from "./lifecycle.ts";
import { type BrokerMetrics, registerBrokerMetrics } from "./metrics.ts";
import { type BrokerSettings, connectivityLimits, tlsOf } from "./settings.ts";

/** What a broker is made of. */
export interface BrokerParts {
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** A disabled one where metrics are off: then there is no page, and nothing is collected. */
  readonly registry: Registry;
  /** A disabled one where tracing is off. */
  readonly tracing: Tracing;
  /** What sends the broker's telemetry, and that of agents that reach nothing else; none where it is left out. */
  readonly senders?: RelaySenders;
  /** Opens the database that the settings name; called again after it failed. */
  readonly openDatabase: (metrics: DatabaseMetrics | undefined) => Promise<Database>;
  /** How to listen; tests that call {@linkcode Broker.fetch} hand in one that does not. */
  readonly listen?: typeof listen;
}

/** A broker: several may run in one process. */
export interface Broker {
  /** Answers one request, as the listener does. */
  fetch(request: Request): Promise<Response>;
  /** Answers everybody as the admin: for a door that only the admin can open. */
  readonly admin: RequestHandler;
  /**
   * Listens, and goes on to open the database, however long that takes.
   *
   * @returns Where it listens: the chosen port where 0 was asked for.
   * @throws {Failure} `cannot_listen`; `invalid_settings` when its certificate can't be used any more.
   */
  start(): Promise<Listening>;
  /** Resolves when it was ready for the first time; rejects when it never will be, with `invalid_settings`. */
  readonly ready: Promise<void>;
  /** Rejects when it can't go on: it never will be ready, or a listener or its work has ended for good. */
  readonly failed: Promise<never>;
  /** Accepts no more, finishes what is in flight, ends the jobs and closes the database. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;

/** Builds a broker; it does nothing until it is started. */
export function createBroker(parts: BrokerParts): Broker {
  const { settings, clock, log, registry, tracing, senders = {} } = parts;
  const isMetered = registry.page !== undefined;
  const metrics = registerBrokerMetrics(registry);
  const delayed = isMetered ? bound(metrics.http.bounded, { bound: "key_lookups" }) : undefined;
  const keys = new KeyCache({ clock, ttlMs: settings["broker.auth_cache_ttl_seconds"] * 1_000 });
  const authenticator = new Authenticator({
    ...{ clock, keys },
    clientAddress: clientAddressBehind(settings["broker.trusted_proxies"]),
    onDelayed: () => delayed?.add(),
  });
  const onKeysChanged = (changed: ChangedKeys) => forgetKeys(changed, keys, held);
  const life = new Lifecycle({
    ...{ settings, clock, log, onKeysChanged, tracing },
    openDatabase: () => parts.openDatabase(isMetered ? metrics.database : undefined),
    startWork: (opened, signal) =>
      startWork({ ...parts, opened, metrics, keys, held, snapshotCache, onKeysChanged }, signal),
    onDelivery: (stage, seconds) => metrics.delivery.duration.record(seconds, { stage }),
    onSettled: (seconds) => metrics.settling.duration.record(seconds),
  });
  const bundles = new BundleParser({ log });
  const inFlight = new InFlight(settings["broker.max_in_flight"]);
  const held = holdRequests(parts, { inFlight, shown: isMetered ? bound(metrics.http.held) : undefined });
  const snapshotCache = new SnapshotCache();
  const objectCache = new ObjectCache();
  const bodyRoom = new BodyRoom();
  const tls = tlsOf(settings);
  const page = createMetricsPage({ ...parts, tls });
  const common = {
    store: () => life.store,
    ...{ inFlight, tracing, clock, log },
    bounds: bodyBounds({ maxBytes: settings["broker.max_body_bytes"], clock }),
    parseBundle: (text: string, callerId: string) => bundles.parse(text, callerId),
    limits: connectivityLimits(settings),
  };
  const handlerFor = (
    callers: Pick<Authenticator, "authenticate">,
    { onAnswered, ...counting }: Counting,
    console?: Application,
  ) =>
    identified(createRequestHandler({
      application: createApp({
        ...common,
        authenticator: callers,
        ...{ held, snapshotCache, objectCache, bodyRoom, console },
        relay: new TelemetryRelay({ clock, senders }),
        longAnswers: longAnswersOf(clock, counting),
        allowedOrigins: settings["cors.allowed_origins"],
        ...counting,
      }),
      readiness: () => life.readiness(),
      metrics: page.onMain,
      onBounded: (bound) => counting.bounded?.add(1, { bound }),
      ...{ onAnswered, clock, log },
    }));
  const counting = isMetered ? countingOf(metrics) : {};
  const handler = handlerFor(authenticator, counting, consoleOf(settings, { ...common, ...counting, authenticator }));
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {}); // nobody need look
  let listener: Listener | undefined;
  return {
    fetch: (request) => handler(request),
    failed,
    admin: handlerFor(ALWAYS_ADMIN, {}),
    ready: life.ready,
    async start() {
      listener = await (parts.listen ?? listen)(handler, { ...settings["broker.listen"], tls, clock, log });
      const own = await page.start(settings["broker.listen"].hostname);
      for (const ending of [listener.failed, page.failed, life.failed]) ending.catch(fail);
      life.start();
      return { hostname: listener.hostname, port: listener.port, ...own };
    },
    async stop() {
      held.stop();
      await Promise.all([listener?.stop(STOP_GRACE_MS), page.stop()]);
      await bundles.stop();
      await life.stop();
    },
  };
}

function longAnswersOf(clock: Clock, { bounded }: Counting): LongAnswers {
  return new LongAnswers({ clock, onSlowReader: () => bounded?.add(1, { bound: "slow_reader" }) });
}

function countingOf({ auth: { attempts }, http }: BrokerMetrics): Counting {
  return { attempts, bounded: http.bounded, onAnswered: observeRequests(http, ROUTES) };
}

function consoleOf(
  settings: BrokerSettings,
  parts: Omit<ConsoleParts, "groupBy" | "traceUrl">,
): Application | undefined {
  if (!settings["console.enabled"]) return undefined;
  const { "console.group_by": groupBy, "console.trace_url": traceUrl } = settings;
  return lazyConsole({ ...parts, groupBy, traceUrl });
}

function holdRequests(
  { settings, clock }: BrokerParts,
  { inFlight, shown }: { readonly inFlight: InFlight; readonly shown: BoundGauge | undefined },
): HeldRequests {
  const wakeSpreadMs = settings["broker.wake_spread_ms"];
  return new HeldRequests({ clock, random, wakeSpreadMs, inFlight: () => inFlight.count, held: shown });
}

/** What is known of keys, and what waits in their name, ends when they change. */
function forgetKeys(changed: ChangedKeys, keys: KeyCache, held: HeldRequests): void {
  keys.forget(changed);
  if (changed.owner?.role === "agent") held.end(changed.owner.id);
}

/** A request handler whose every answer names its request, those of probes and pages too. */
function identified(handler: RequestHandler): RequestHandler {
  return async (request, sending) => {
    const response = await handler(request, sending);
    if (!response.headers.has(REQUEST_ID)) response.headers.set(REQUEST_ID, requestIdOf(request));
    return response;
  };
}

/** What is counted of the main listener's requests, and of no other door's. */
type Counting = Pick<AppParts, "attempts" | "bounded"> & Pick<RequestHandlerParts, "onAnswered">;
