import type { Sql } from "$lib/database.ts";

/**
 * Signs of life in a table of their own: what else is written of an agent locks its row, and heartbeats waited for it.
 * Rows have room to grow in their page, and no column that a heartbeat changes is in an index.
 */
export async function agentHeartbeats(sql: Sql): Promise<void> {
  await sql`
    create table agent_heartbeats (
      agent_id uuid primary key references agents,
      last_heartbeat timestamptz not null,
      k8s_reachable boolean,
      k8s_api_latency_ms integer check (k8s_api_latency_ms >= 0),
      k8s_reported_at timestamptz,
      k8s_version text check (char_length(k8s_version) <= 255),
      agent_version text check (char_length(agent_version) <= 255)
    ) with (fillfactor = 50)`;
}
