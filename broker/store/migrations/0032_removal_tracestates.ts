import type { Sql } from "$lib/database.ts";

/**
 * What vendors said of the trace of the request that asked for a change, and that a removal goes on with; beside each
 * `traceparent`. A broker of 0.10.0 writes neither.
 */
export async function removalTracestates(sql: Sql): Promise<void> {
  await sql`alter table settle_lines add column tracestate text`;
  await sql`alter table deliveries add column tracestate text`;
}
