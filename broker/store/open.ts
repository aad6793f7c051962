import type { Database } from "$lib/database.ts";
import { agentEventStore } from "./agent_events.ts";
import { targetStore } from "./agent_targets.ts";
import { agentStore } from "./agents.ts";
import { agentTagStore } from "./agent_tags.ts";
import { deliveryStore } from "./deliveries.ts";
import { deploymentObjectStore } from "./deployment_objects.ts";
import { gaugeStore } from "./gauges.ts";
import { generatorStore } from "./generators.ts";
import { type Handle, within } from "./handle.ts";
import { adminRoleStore, keyStore } from "./keys.ts";
import type { Store } from "./mod.ts";
import { registrationStore } from "./registrations.ts";
import { snapshotStore } from "./snapshots.ts";
import { stackTagStore } from "./stack_tags.ts";
import { stackStore } from "./stacks.ts";

/** The store over a migrated database. */
export function openStore(database: Database): Store {
  return storeOver({ sql: database.sql, transaction: (work) => database.transaction(work) });
}

function storeOver(handle: Handle): Store {
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
    snapshots: snapshotStore(handle),
    deliveries: deliveryStore(handle),
    events: agentEventStore(handle),
    gauges: gaugeStore(handle),
    transaction: (work) => handle.transaction((tx) => work(storeOver(within(tx)))),
    exclusively: (job, work) =>
      handle.transaction(async (tx) => {
        const [row] = await tx<{ is_ours: boolean }>`
          select pg_try_advisory_xact_lock(hashtext(current_schema()), hashtext(${`job ${job}`})) as is_ours`;
        return row?.is_ours === true ? await work(storeOver(within(tx))) : undefined;
      }),
  };
}
