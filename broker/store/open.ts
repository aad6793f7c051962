import type { Database, Share } from "$lib/database.ts";
import { disabledTracing } from "$lib/tracing.ts";
import type { ObserveDelivery } from "../domain/delivery_times.ts";
import { agentEventStore } from "./agent_events.ts";
import { targetStore } from "./agent_targets.ts";
import { agentStore, heartbeatStore } from "./agents.ts";
import { causeFactStore } from "./cause_facts.ts";
import { consoleSessionStore } from "./console_sessions.ts";
import { deliveryStore } from "./deliveries.ts";
import { deploymentObjectStore } from "./deployment_objects.ts";
import { holdJob } from "./changes.ts";
import { connectivityStore } from "./connectivity.ts";
import type { KeysChanged } from "./former_keys.ts";
import { fleetStore } from "./fleet.ts";
import { fleetGridStore } from "./fleet_grid.ts";
import { gaugeStore } from "./gauges.ts";
import { generatorStore } from "./generators.ts";
import { healthStore } from "./health.ts";
import { type Handle, type HandleParts, type Handles, inside, outside, type StoreTracing } from "./handle.ts";
import { adminRoleStore, keyStore } from "./keys.ts";
import type { Store } from "./mod.ts";
import { Notifier } from "./notifier.ts";
import { ownedObjectStore } from "./owned_objects.ts";
import { registrationStore } from "./registrations.ts";
import { reportStore } from "./reports.ts";
import { retentionStore } from "./retention.ts";
import { seenDeliveryStore } from "./seen_deliveries.ts";
import { snapshotStore } from "./snapshots.ts";
import { Settler } from "./settler.ts";
import { sloStore } from "./slo.ts";
import { stackHistoryStore } from "./stack_history.ts";
import { stackStore } from "./stacks.ts";
import { tagStore } from "./tags.ts";

/** How a store is to work. */
export interface StoreOptions {
  /** Hears how long deliveries take, each time once it is lasting. */
  readonly onDelivery?: ObserveDelivery;
  /** Hears of keys that are no longer what they were, each time once that is lasting. */
  readonly onKeysChanged?: KeysChanged;
  /** Hears for how long each submission waited until it was settled. */
  readonly onSettled?: (seconds: number) => void;
  /** Whose work is whose: what several requests share is part of none. */
  readonly tracing?: StoreTracing;
  /** Agents that are settled in one transaction; 200 when left out. */
  readonly agentsAtOnce?: number | undefined;
  /** Agents of one submission that go on with its trace; 100 when left out. */
  readonly agentsPerTrace?: number | undefined;
}

/** The store over a migrated database. */
export function openStore(database: Database, options: StoreOptions = {}): Store {
  const { onDelivery = () => {}, onKeysChanged = () => {}, onSettled = () => {} } = options;
  const { tracing = disabledTracing(), agentsAtOnce = 200, agentsPerTrace = 100 } = options;
  const notices = new Notifier(database, tracing);
  const settler = new Settler(database.share("bulk"), {
    ...{ agentsAtOnce, agentsPerTrace, onSettled, notices, tracing },
  });
  const parts = { settler, notices, onDelivery, onKeysChanged, tracing };
  const handleOf = (share: Share) => outside(database.share(share), parts);
  return storeOver({ hot: handleOf("hot"), bulk: handleOf("bulk"), gauges: handleOf("gauges") }, parts);
}

interface StoreParts extends HandleParts {
  readonly onDelivery: ObserveDelivery;
  readonly onKeysChanged: KeysChanged;
}

/** What agents ask all day is `hot`, and who it is that asks. */
function storeOver({ hot, bulk, gauges }: Handles, parts: StoreParts): Store {
  const { settler, notices, onDelivery: observe, onKeysChanged: keysChanged } = parts;
  const within = (inner: Handle) => storeOver({ hot: inner, bulk: inner, gauges: inner }, parts);
  return {
    agents: { ...agentStore(bulk, keysChanged), ...heartbeatStore(hot) },
    agentTags: tagStore(bulk, "agent"),
    targets: targetStore(bulk),
    registrations: registrationStore(bulk),
    generators: generatorStore(bulk, keysChanged),
    adminRole: adminRoleStore(bulk, keysChanged),
    keys: keyStore(hot, keysChanged),
    consoleSessions: consoleSessionStore(bulk),
    stacks: stackStore(bulk),
    stackTags: tagStore(bulk, "stack"),
    objects: { ...deploymentObjectStore(bulk), ...ownedObjectStore(hot) },
    snapshots: snapshotStore(hot, observe),
    deliveries: { ...deliveryStore(bulk), ...seenDeliveryStore(bulk), ...reportStore(hot, observe) },
    fleet: fleetStore(bulk),
    fleetGrid: fleetGridStore(bulk),
    health: healthStore(bulk),
    stackHistory: stackHistoryStore(bulk),
    causeFacts: causeFactStore(bulk),
    events: agentEventStore(bulk),
    gauges: gaugeStore(gauges),
    slo: sloStore(bulk),
    connectivity: connectivityStore(bulk),
    retention: retentionStore(bulk),
    settling: settler,
    notices,
    transaction: (work) => inside(bulk, parts, (inner) => work(within(inner))),
    exclusively: (job, work) =>
      inside(bulk, parts, async (inner) => {
        if (!await holdJob(inner.sql, job)) return false;
        await work(within(inner));
        return true;
      }),
  };
}
