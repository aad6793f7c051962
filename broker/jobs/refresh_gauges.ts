import { type Clock, deadline, unlessAborted } from "$lib/clock.ts";
import { Failure } from "$lib/error.ts";
import { forget, type InstrumentsOf } from "$lib/metrics.ts";
import { HEALTH_STATUSES } from "$lib/wire/event.ts";
import { CONNECTIVITIES, type ConnectivityLimits } from "../domain/agent.ts";
import { DELIVERY_STATES } from "../domain/delivery.ts";
import { REACHABILITIES, type StoreGauges } from "../domain/gauges.ts";
import type { Changed } from "../domain/notice.ts";
import type { STORE_METRICS } from "../metrics.ts";
import type { GaugeStore } from "../store/mod.ts";
import type { Job } from "./runner.ts";
import { Wakeup } from "$lib/wakeup.ts";

/** What refreshing needs. */
export interface RefreshGaugesParts {
  readonly gauges: GaugeStore;
  readonly metrics: InstrumentsOf<typeof STORE_METRICS>;
  readonly clock: Clock;
  readonly intervalMs: number;
  /** How old a heartbeat makes an agent late, and lost. */
  readonly limits: ConnectivityLimits;
}

/** The job that keeps the store's gauges true. */
export interface RefreshGauges extends Job {
  /**
   * Asks for a run because something changed. However many ask, it runs at most once a second, and less often where
   * that takes long; while nothing changes, only on its timer.
   */
  noticed(changed: readonly Changed[]): void;
  /** Resolves when the first run has succeeded. */
  readonly firstSuccess: Promise<void>;
}

const DEADLINE_MS = 5_000;
const PAUSE_MIN_MS = 1_000;
/**
 * Changes may cost a twentieth of the database's time: what takes 50 ms goes each second. A fixed limit would have a
 * slow machine, whose every read takes longer than that, show changes with the timer only.
 */
const PAUSE_PER_COST = 20;
const COUNTED: readonly Changed[] = ["agents", "stacks", "deployment_objects"];

/** Reads the gauges of the store; those that can't be read leave the page, so that no old value is shown as new. */
export function refreshGauges(parts: RefreshGaugesParts): RefreshGauges {
  const { gauges, metrics, clock, intervalMs, limits } = parts;
  const wakeup = new Wakeup({ clock, pauseMinMs: PAUSE_MIN_MS });
  const first = Promise.withResolvers<void>();
  let isReading = false;

  /** A read that its run gave up on still holds a connection: no other one starts beside it. */
  async function read(): Promise<StoreGauges> {
    if (isReading) throw new Failure("unavailable", "Cannot read the gauges: the read before has not ended");
    isReading = true;
    const startedMs = clock.monotonic();
    try {
      const values = await gauges.read(limits);
      const tookMs = clock.monotonic() - startedMs;
      wakeup.slowTo(Math.min(intervalMs, Math.max(PAUSE_MIN_MS, tookMs * PAUSE_PER_COST)));
      return values;
    } finally {
      isReading = false;
    }
  }

  return {
    name: "refresh_gauges",
    intervalMs,
    firstSuccess: first.promise,
    wake: (signal) => wakeup.wait(signal),
    noticed(changed) {
      if (changed.some((one) => COUNTED.includes(one))) wakeup.ask();
    },
    async runOnce(signal) {
      wakeup.starts();
      using limit = deadline(clock, DEADLINE_MS, signal);
      try {
        const values = await unlessAborted(read(), limit.signal);
        show(values, metrics);
        first.resolve();
        return "success";
      } catch (error) {
        for (const gauge of Object.values(metrics)) forget(gauge);
        throw error;
      }
    },
  };
}

/** Sets every series at once: no page is made between two of them. */
function show(values: StoreGauges, metrics: InstrumentsOf<typeof STORE_METRICS>): void {
  metrics.activeAgents.record(values.activeAgents);
  metrics.stacks.record(values.stacks);
  metrics.deploymentObjects.record(values.deploymentObjects);
  metrics.heartbeatAge.record(values.heartbeatAgeSeconds);
  metrics.oldestPending.record(values.oldestPendingAgeSeconds);
  metrics.settlingLines.record(values.settlingLines);
  metrics.oldestLine.record(values.oldestLineAgeSeconds);
  for (const connectivity of CONNECTIVITIES) metrics.agents.record(values.agents[connectivity], { connectivity });
  for (const reachable of REACHABILITIES) metrics.agentsKubernetes.record(values.kubernetes[reachable], { reachable });
  forget(metrics.agentsByVersion); // a version that no agent has any more
  for (const [version, agents] of Object.entries(values.versions)) metrics.agentsByVersion.record(agents, { version });
  for (const state of DELIVERY_STATES) metrics.deliveries.record(values.deliveries[state], { state });
  for (const health of HEALTH_STATUSES) metrics.deliveriesHealth.record(values.deliveriesByHealth[health], { health });
  metrics.staleDeliveries.record(values.staleDeliveries);
  metrics.oldestUnhealthy.record(values.oldestUnhealthyAgeSeconds);
}
