import type { Sql } from "$lib/database.ts";

/**
 * The trace of each delivery: `traceparent` names the submission's span, flagged for this very agent, and `trace_id`
 * the trace of what the agent last did. A broker of 0.10.0 writes neither, so that `traceparent` may be of an object
 * before.
 */
export async function deliveryTraces(sql: Sql): Promise<void> {
  await sql`alter table deliveries add column traceparent text, add column trace_id text`;
}
