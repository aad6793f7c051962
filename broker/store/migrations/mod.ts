import type { Sql } from "$lib/database.ts";
import { identities } from "./0001_identities.ts";
import { stacks } from "./0002_stacks.ts";
import { deliveries } from "./0003_deliveries.ts";
import { stackPolicies } from "./0004_stack_policies.ts";
import { deliveryReports } from "./0005_delivery_reports.ts";
import { snapshotPolicies } from "./0006_snapshot_policies.ts";
import { agentHeartbeats } from "./0007_agent_heartbeats.ts";
import { settleLines } from "./0008_settle_lines.ts";
import { settledObjects } from "./0009_settled_objects.ts";
import { settledSnapshots } from "./0010_settled_snapshots.ts";
import { tagsOfTheDeleted } from "./0011_tags_of_the_deleted.ts";
import { lastReports } from "./0012_last_reports.ts";
import { eventsByObject } from "./0013_events_by_object.ts";
import { dotLabels } from "./0014_dot_labels.ts";
import { idempotencyKeys } from "./0015_idempotency_keys.ts";
import { previousKeys } from "./0016_previous_keys.ts";
import { retention } from "./0017_retention.ts";
import { countedDeliveries } from "./0018_counted_deliveries.ts";
import { agentDeliveryCounts } from "./0019_agent_delivery_counts.ts";
import { deliveryTraces } from "./0020_delivery_traces.ts";
import { eventTraces } from "./0021_event_traces.ts";
import { tracedSnapshots } from "./0022_traced_snapshots.ts";
import { deliveryHealth } from "./0023_delivery_health.ts";
import { submitters } from "./0024_submitters.ts";
import { deliveryTimes } from "./0025_delivery_times.ts";
import { knownConnectivity } from "./0026_known_connectivity.ts";
import { consoleSessions } from "./0027_console_sessions.ts";
import { tracestates } from "./0028_tracestates.ts";
import { snapshotTracestates } from "./0029_snapshot_tracestates.ts";
import { unhealthyByAge } from "./0030_unhealthy_by_age.ts";
import { tracedRemovals } from "./0031_traced_removals.ts";
import { removalTracestates } from "./0032_removal_tracestates.ts";
import { countedTogether } from "./0033_counted_together.ts";

/**
 * A step from one shape of the database to the next. Once released it is never changed.
 *
 * The programs of the version before go on while it runs and after it: their statements still succeed, and it waits for
 * an exclusive lock on one thing only, so that neither they nor it can wait in a circle.
 */
export interface Migration {
  readonly number: number;
  readonly name: string;
  /** The oldest version whose programs can use a database with this step; absent for those that came before 0.11.0. */
  readonly oldestProgram?: string;
  /** Runs inside a transaction of its own, and says which rows of people's it removed, where it did. */
  run(sql: Sql): Promise<void | { readonly removed: readonly object[] }>;
}

/** Every migration, in order. Imported by name, so that a compiled program carries them. */
export const MIGRATIONS: readonly Migration[] = [
  { number: 1, name: "identities", run: identities },
  { number: 2, name: "stacks", run: stacks },
  { number: 3, name: "deliveries", run: deliveries },
  { number: 4, name: "stack_policies", oldestProgram: "0.10.0", run: stackPolicies },
  { number: 5, name: "delivery_reports", oldestProgram: "0.10.0", run: deliveryReports },
  { number: 6, name: "snapshot_policies", oldestProgram: "0.10.0", run: snapshotPolicies },
  { number: 7, name: "agent_heartbeats", oldestProgram: "0.10.0", run: agentHeartbeats },
  { number: 8, name: "settle_lines", oldestProgram: "0.10.0", run: settleLines },
  { number: 9, name: "settled_objects", oldestProgram: "0.10.0", run: settledObjects },
  { number: 10, name: "settled_snapshots", oldestProgram: "0.10.0", run: settledSnapshots },
  { number: 11, name: "tags_of_the_deleted", oldestProgram: "0.10.0", run: tagsOfTheDeleted },
  { number: 12, name: "last_reports", oldestProgram: "0.10.0", run: lastReports },
  { number: 13, name: "events_by_object", oldestProgram: "0.10.0", run: eventsByObject },
  { number: 14, name: "dot_labels", oldestProgram: "0.10.0", run: dotLabels },
  { number: 15, name: "idempotency_keys", oldestProgram: "0.10.0", run: idempotencyKeys },
  { number: 16, name: "previous_keys", oldestProgram: "0.10.0", run: previousKeys },
  { number: 17, name: "retention", oldestProgram: "0.10.0", run: retention },
  { number: 18, name: "counted_deliveries", oldestProgram: "0.10.0", run: countedDeliveries },
  { number: 19, name: "agent_delivery_counts", oldestProgram: "0.10.0", run: agentDeliveryCounts },
  { number: 20, name: "delivery_traces", oldestProgram: "0.10.0", run: deliveryTraces },
  { number: 21, name: "event_traces", oldestProgram: "0.10.0", run: eventTraces },
  { number: 22, name: "traced_snapshots", oldestProgram: "0.10.0", run: tracedSnapshots },
  { number: 23, name: "delivery_health", oldestProgram: "0.10.0", run: deliveryHealth },
  { number: 24, name: "submitters", oldestProgram: "0.10.0", run: submitters },
  { number: 25, name: "delivery_times", oldestProgram: "0.10.0", run: deliveryTimes },
  { number: 26, name: "known_connectivity", oldestProgram: "0.10.0", run: knownConnectivity },
  { number: 27, name: "console_sessions", oldestProgram: "0.10.0", run: consoleSessions },
  { number: 28, name: "tracestates", oldestProgram: "0.10.0", run: tracestates },
  { number: 29, name: "snapshot_tracestates", oldestProgram: "0.10.0", run: snapshotTracestates },
  { number: 30, name: "unhealthy_by_age", oldestProgram: "0.10.0", run: unhealthyByAge },
  { number: 31, name: "traced_removals", oldestProgram: "0.10.0", run: tracedRemovals },
  { number: 32, name: "removal_tracestates", oldestProgram: "0.10.0", run: removalTracestates },
  { number: 33, name: "counted_together", oldestProgram: "0.10.0", run: countedTogether },
];
