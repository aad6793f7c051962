import type { Database } from "$lib/database.ts";
import type { ObserveDelivery } from "../domain/delivery_times.ts";
import { agentEventStore } from "./agent_events.ts";
import { targetStore } from "./agent_targets.ts";
import { agentStore } from "./agents.ts";
import { agentTagStore } from "./agent_tags.ts";
import { deliveryStore } from "./deliveries.ts";
import { deploymentObjectStore } from "./deployment_objects.ts";
import { gaugeStore } from "./gauges.ts";
import { generatorStore } from "./generators.ts";
import { type Handle, inside, outside } from "./handle.ts";
import { adminRoleStore, keyStore } from "./keys.ts";
import type { Store } from "./mod.ts";
import { registrationStore } from "./registrations.ts";
import { snapshotStore } from "./snapshots.ts";
import { stackTagStore } from "./stack_tags.ts";
import { stackStore } from "./stacks.ts";

/** The store over a migrated database; `observe` hears how long deliveries take, each time once it is lasting. */
export function openStore(database: Database, observe: ObserveDelivery = () => {}): Store {
  return storeOver(outside(database), observe);
}

function storeOver(handle: Handle, observe: ObserveDelivery): Store {
  const within = (inner: Handle) => storeOver(inner, observe);
  return {
    agents: agentStore(handle),
    agentTags: agentTagStore(handle),
    targets: targetStore(handle),
    registrations: registrationStore(handle),
    generators: generatorStore(handle),
    adminRole: adminRoleStore(handle),
    keys: keyStore(handle),
    stacks: stackStore(handle),
    stackTags: stackTagStore(handle),
    objects: deploymentObjectStore(handle),
    snapshots: snapshotStore(handle, observe),
    deliveries: deliveryStore(handle, observe),
    events: agentEventStore(handle),
    gauges: gaugeStore(handle),
    transaction: (work) => inside(handle, (inner) => work(within(inner))),
    exclusively: (job, work) =>
      inside(handle, async (inner) => {
        const [row] = await inner.sql<{ is_ours: boolean }>`
          select pg_try_advisory_xact_lock(hashtext(current_schema()), hashtext(${`job ${job}`})) as is_ours`;
        if (row?.is_ours !== true) return false;
        await work(within(inner));
        return true;
      }),
  };
}
