import type { AgentMetrics } from "../metrics.ts";
import type { StackRecord } from "../plan/record.ts";

/**
 * Shows how many objects this agent's records name that are in the cluster. While one record can't be read, or is still to
 * be made of what 0.10.0 applied, nobody knows their number, and it is off the page.
 */
export function showManagedObjects(gauge: AgentMetrics["managedObjects"], records: readonly StackRecord[]): void {
  if (records.some(({ unreadable, legacy }) => unreadable !== undefined || legacy !== undefined)) return gauge.remove();
  let sum = 0;
  for (const { objects } of records) for (const { uid } of objects) if (uid !== undefined) sum += 1;
  gauge.bind().set(sum);
}
