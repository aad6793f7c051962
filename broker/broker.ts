import type { Clock } from "$lib/clock.ts";
import type { Database, DatabaseMetrics } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import { random } from "$lib/ids.ts";
import type { Log } from "$lib/log.ts";
import type { Registry } from "$lib/metrics.ts";
import { createMetricsPage, type Listening } from "$lib/metrics_page.ts";
import { listen, type Listener } from "$lib/listener.ts";
import { createRequestHandler, type Readiness, type RequestHandler, type RequestHandlerParts } from "$lib/serve.ts";
import { BundleParser } from "./bundle_parser.ts";
import { DatabaseStartup, type OpenStore } from "./database_startup.ts";
import { type ChangedKeys, CHANGES, readKeysNotice, readNotice } from "./domain/notice.ts";
import { type AppParts, createApp, REQUEST_ID, requestIdOf } from "./http/app.ts";
import { ALWAYS_ADMIN, Authenticator } from "./http/auth.ts";
import { clientAddressBehind } from "./http/client_address.ts";
import { HeldRequests } from "./http/held_requests.ts";
import { InFlight } from "./http/in_flight.ts";
import { LongAnswers } from "./http/long_answers.ts";
import { observeRequests } from "./http/observe.ts";
import { SnapshotCache } from "./http/snapshot_cache.ts";
import { purgeAgentEvents, purgeDeliveries, purgeExpired } from "./jobs/purges.ts";
import { type RefreshGauges, refreshGauges } from "./jobs/refresh_gauges.ts";
import { type Job, runJobs } from "./jobs/runner.ts";
import { settle } from "./jobs/settle.ts";
import { type BrokerMetrics, registerBrokerMetrics } from "./metrics.ts";
import { type BrokerSettings, tlsOf } from "./settings.ts";
import { isSchemaUsable } from "./store/migrate.ts";

/** What a broker is made of. */
export interface BrokerParts {
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** A disabled one where metrics are off: then there is no page, and nothing is collected. */
  readonly registry: Registry;
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
  /** Rejects when it can't go on: it never will be ready, or a listener has ended for good. */
  readonly failed: Promise<never>;
  /** Accepts no more, finishes what is in flight, ends the jobs and closes the database. */
  stop(): Promise<void>;
}

const STOP_GRACE_MS = 10_000;

/** Builds a broker; it does nothing until it is started. */
export function createBroker(parts: BrokerParts): Broker {
  const { settings, clock, log, registry } = parts;
  const isMetered = registry.page !== undefined;
  const metrics = registerBrokerMetrics(registry);
  const delayed = isMetered ? metrics.http.bounded.bind({ bound: "key_lookups" }) : undefined;
  const authenticator = new Authenticator({
    clock,
    ttlMs: settings["broker.auth_cache_ttl_seconds"] * 1_000,
    clientAddress: clientAddressBehind(settings["broker.trusted_proxies"]),
    onDelayed: () => delayed?.add(),
  });
  const database = new DatabaseStartup({
    ...{ settings, clock, log },
    openDatabase: () => parts.openDatabase(isMetered ? metrics.database : undefined),
    onKeysChanged: (keys) => forgetKeys(keys, { authenticator, held }),
    onDelivery: (stage, seconds) => metrics.delivery.duration.bind({ stage }).record(seconds),
    onSettled: (seconds) => metrics.settling.duration.bind().record(seconds),
  });
  const bundles = new BundleParser({ log });
  const held = new HeldRequests({
    ...{ clock, random },
    wakeSpreadMs: settings["broker.wake_spread_ms"],
    held: isMetered ? metrics.http.held.bind() : undefined,
  });
  const snapshotCache = new SnapshotCache();
  const work = new BackgroundWork({ parts, metrics, authenticator, database, held, snapshotCache });
  const tls = tlsOf(settings);
  const page = createMetricsPage({ ...parts, tls });
  const handlerFor = (callers: Pick<Authenticator, "authenticate">, { onAnswered, ...counting }: Counting = {}) =>
    identified(createRequestHandler({
      application: createApp({
        store: () => database.opened.store,
        authenticator: callers,
        inFlight: new InFlight(settings["broker.max_in_flight"]),
        bounds: { maxBytes: settings["broker.max_body_bytes"], clock },
        parseBundle: (text, callerId) => bundles.parse(text, callerId),
        held,
        snapshotCache,
        longAnswers: new LongAnswers({
          ...{ clock, log },
          onSlowReader: () => counting.bounded?.bind({ bound: "slow_reader" }).add(),
        }),
        allowedOrigins: settings["cors.allowed_origins"],
        log,
        ...counting,
      }),
      readiness: () => work.readiness(),
      metrics: page.onMain,
      ...{ onAnswered, clock, log },
    }));
  const counting = {
    attempts: metrics.auth.attempts,
    bounded: metrics.http.bounded,
    onAnswered: observeRequests(metrics.http),
  };
  const handler = handlerFor(authenticator, isMetered ? counting : {});
  const { promise: failed, reject: fail } = Promise.withResolvers<never>();
  failed.catch(() => {}); // nobody need look
  let listener: Listener | undefined;
  return {
    fetch: (request) => handler(request),
    failed,
    admin: handlerFor(ALWAYS_ADMIN),
    ready: work.ready,
    async start() {
      listener = await (parts.listen ?? listen)(handler, { ...settings["broker.listen"], tls, clock, log });
      const own = await page.start(settings["broker.listen"].hostname);
      for (const ending of [listener.failed, page.failed, work.ready]) ending.catch(fail);
      work.start();
      return { hostname: listener.hostname, port: listener.port, ...own };
    },
    async stop() {
      held.stop();
      await Promise.all([listener?.stop(STOP_GRACE_MS), page.stop()]);
      await bundles.stop();
      await work.stop();
    },
  };
}

/** What is known of keys, and what waits in their name, ends when they change. */
function forgetKeys(
  keys: ChangedKeys,
  { authenticator, held }: Pick<BackgroundWorkParts, "authenticator" | "held">,
): void {
  authenticator.forget(keys);
  if (keys.owner?.role === "agent") held.end(keys.owner.id);
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

interface BackgroundWorkParts {
  readonly parts: BrokerParts;
  readonly metrics: BrokerMetrics;
  readonly authenticator: Authenticator;
  readonly database: DatabaseStartup;
  readonly held: HeldRequests;
  readonly snapshotCache: SnapshotCache;
}

/** What a broker does besides answering: it opens the database, hears notices and runs jobs. */
class BackgroundWork {
  readonly #parts: BackgroundWorkParts;
  readonly #stopping = new AbortController();
  readonly #ready = Promise.withResolvers<void>();
  #isReadyOnce = false;
  #running: Promise<void> | undefined;

  constructor(parts: BackgroundWorkParts) {
    this.#parts = parts;
    this.#ready.promise.catch(() => {});
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  start(): void {
    this.#running = this.#run(this.#stopping.signal).catch((error) => {
      this.#ready.reject(error);
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Failure("unavailable", "Cannot go on: the broker is stopping"));
    await this.#running;
    await this.#parts.database.close();
  }

  /** @throws {Failure} `unavailable` when the database can't be asked. */
  async readiness(): Promise<Readiness> {
    const missing = await this.#missing();
    return missing === undefined ? { isReady: true, text: "Ready" } : { isReady: false, text: `Not ready: ${missing}` };
  }

  async #missing(): Promise<string | undefined> {
    const { database } = this.#parts;
    if (this.#stopping.signal.aborted) return "the broker is stopping";
    if (database.missing !== undefined) return database.missing;
    const isUsable = await isSchemaUsable(database.opened.database.share("gauges").sql);
    if (!isUsable) return "the database has another schema than this program";
    return this.#isReadyOnce ? undefined : "the gauges have not been read yet";
  }

  async #run(signal: AbortSignal): Promise<void> {
    const opened = await this.#parts.database.run(signal);
    const gauges = this.#refreshGauges(opened);
    const listening = this.#listen(opened, { gauges, signal });
    const { parts: { clock, log }, metrics } = this.#parts;
    const jobs = runJobs(this.#jobs(opened, gauges), { clock, log, metrics: metrics.jobs }, signal);
    gauges?.firstSuccess.then(() => this.#becomeReady());
    if (gauges === undefined) this.#becomeReady();
    await Promise.all([listening, jobs]);
  }

  #becomeReady(): void {
    this.#isReadyOnce = true;
    this.#ready.resolve();
  }

  #refreshGauges({ store }: OpenStore): RefreshGauges | undefined {
    const { registry, settings, clock } = this.#parts.parts;
    if (registry.page === undefined) return undefined;
    return refreshGauges({
      gauges: store.gauges,
      metrics: this.#parts.metrics.store,
      clock,
      intervalMs: settings["metrics.refresh_interval"] * 1_000,
      limits: {
        lateAfterSeconds: settings["agents.late_after_seconds"],
        lostAfterSeconds: settings["agents.lost_after_seconds"],
      },
    });
  }

  #jobs({ store }: OpenStore, gauges: RefreshGauges | undefined): readonly Job[] {
    const { settings, clock } = this.#parts.parts;
    const retentionDays = settings["broker.agent_events_retention_days"];
    return [
      ...(gauges === undefined ? [] : [gauges]),
      ...(retentionDays === 0 ? [] : [purgeAgentEvents(store, { retentionDays })]),
      settle(store, clock),
      purgeDeliveries(store),
      purgeExpired(store, { objectsKept: settings["broker.deployment_objects_kept"] }),
    ];
  }

  async #listen({ database }: OpenStore, { gauges, signal }: NoticeParts): Promise<void> {
    const { authenticator, held, snapshotCache } = this.#parts;
    await database.listen(CHANGES, {
      onNotice(payload) {
        const { changed, agentIds } = readNotice(payload);
        const keys = readKeysNotice(payload);
        if (keys !== undefined) forgetKeys(keys, { authenticator, held });
        gauges?.noticed(changed);
        held.changed(agentIds);
      },
      onState(isUp) {
        authenticator.missed();
        snapshotCache.clear();
        if (isUp) held.allChanged();
      },
      onEcho: (sentMs) => authenticator.heard(sentMs),
    }, signal);
  }
}

interface NoticeParts {
  readonly gauges: RefreshGauges | undefined;
  readonly signal: AbortSignal;
}
