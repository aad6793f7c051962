import type { Sql } from "$lib/database.ts";

/** What vendors said of the trace that an object was submitted in, beside its `traceparent`. */
export async function tracestates(sql: Sql): Promise<void> {
  await sql`alter table deployment_objects add column tracestate text`;
}
