import type { Clock } from "$lib/clock.ts";
import type { Log } from "$lib/log.ts";
import type { Registry } from "$lib/metrics.ts";
import { CHANGES, readKeysNotice, readNotice } from "./domain/notice.ts";
import type { HeldRequests } from "./http/held_requests.ts";
import type { KeyCache } from "./http/key_cache.ts";
import type { SnapshotCache } from "./http/snapshot_cache.ts";
import { countSlo } from "./jobs/count_slo.ts";
import { noteConnectivity } from "./jobs/note_connectivity.ts";
import { purgeAgentEvents, purgeDeliveries, purgeExpired } from "./jobs/purges.ts";
import { type RefreshGauges, refreshGauges } from "./jobs/refresh_gauges.ts";
import { type Job, runJobs } from "./jobs/runner.ts";
import { settle } from "./jobs/settle.ts";
import type { BackgroundWork, OpenStore } from "./lifecycle.ts";
import type { BrokerMetrics } from "./metrics.ts";
import { type BrokerSettings, connectivityLimits } from "./settings.ts";
import type { KeysChanged } from "./store/former_keys.ts";

/** What the work is made of. */
export interface BackgroundWorkParts {
  readonly settings: BrokerSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly registry: Pick<Registry, "page">;
  readonly metrics: BrokerMetrics;
  readonly opened: OpenStore;
  readonly keys: KeyCache;
  readonly held: HeldRequests;
  readonly snapshotCache: SnapshotCache;
  readonly onKeysChanged: KeysChanged;
}

/** Listens to what other replicas say, and runs the jobs, until the signal aborts. */
export function startWork(parts: BackgroundWorkParts, signal: AbortSignal): BackgroundWork {
  const { clock, log, metrics } = parts;
  const gauges = gaugesOf(parts);
  const listening = listen(parts, { gauges, signal });
  const jobs = runJobs(jobsOf(parts, gauges), { clock, log, metrics: metrics.jobs }, signal);
  return {
    firstRefresh: gauges?.firstSuccess ?? Promise.resolve(),
    ended: Promise.all([listening, jobs]).then(() => {}),
  };
}

function gaugesOf({ opened: { store }, registry, settings, clock, metrics }: BackgroundWorkParts) {
  if (registry.page === undefined) return undefined;
  return refreshGauges({
    gauges: store.gauges,
    metrics: metrics.store,
    clock,
    intervalMs: settings["metrics.refresh_interval"] * 1_000,
    limits: connectivityLimits(settings),
  });
}

function jobsOf(
  { opened: { store }, settings, metrics: { counted } }: BackgroundWorkParts,
  gauges: RefreshGauges | undefined,
): readonly Job[] {
  const intervalMs = settings["metrics.refresh_interval"] * 1_000;
  const retentionDays = settings["broker.agent_events_retention_days"];
  return [
    ...(gauges === undefined ? [] : [
      gauges,
      countSlo(store, { intervalMs, sloSeconds: settings["deliveries.slo_seconds"], counted: counted.slo }),
      noteConnectivity(store, { intervalMs, limits: connectivityLimits(settings), counted: counted.transitions }),
    ]),
    ...(retentionDays === 0 ? [] : [purgeAgentEvents(store, { retentionDays })]),
    settle(store),
    purgeDeliveries(store),
    purgeExpired(store, { objectsKept: settings["broker.deployment_objects_kept"] }),
  ];
}

interface ListenParts {
  readonly gauges: RefreshGauges | undefined;
  readonly signal: AbortSignal;
}

async function listen(
  { opened: { database }, keys, held, snapshotCache, onKeysChanged }: BackgroundWorkParts,
  { gauges, signal }: ListenParts,
): Promise<void> {
  await database.listen(CHANGES, {
    onNotice(payload) {
      const { changed, agentIds } = readNotice(payload);
      const changedKeys = readKeysNotice(payload);
      if (changedKeys !== undefined) onKeysChanged(changedKeys);
      gauges?.noticed(changed);
      held.changed(agentIds);
    },
    onState(isUp) {
      keys.missed();
      snapshotCache.clear();
      if (isUp) held.allChanged();
    },
    onEcho: (sentMs) => keys.heard(sentMs),
  }, signal);
}
