import type { DatabaseAddress, PostgresServer } from "../../postgres/postgres_server.ts";

/** What else is in a database: agents with stacks of their own, and as many that were deleted as each of them twice. */
const AGENTS = 10_000;
const STACKS_OF_EACH = 31;
const DEAD = 20_000;

/** Puts 304,000 deliveries and more into a database, and 20,000 deleted stacks and agents. */
export async function burden(server: PostgresServer, { database }: DatabaseAddress): Promise<void> {
  await server.asSuperuser(async (sql) => {
    await sql`
      insert into agents (name, cluster_name, pak_hash, status, deleted_at)
      select 'other-' || n, 'others', encode(sha256(('other' || n)::bytea), 'hex'), 'ACTIVE',
        case when n > ${AGENTS} then now() end
      from generate_series(1, ${AGENTS + DEAD}::int) n`;
    await sql`
      insert into agent_heartbeats (agent_id, last_heartbeat)
      select id, now() from agents where cluster_name = 'others' and deleted_at is null`;
    await sql`
      insert into stacks (name, generator_id, deleted_at)
      select 'other-' || n, generators.id, case when n > ${AGENTS} then now() end
      from generate_series(1, ${AGENTS + DEAD}::int) n, generators where generators.name = 'team'`;
    await sql`
      insert into deployment_objects (stack_id, yaml_content, yaml_checksum, settled_at, deleted_at)
      select id, 'apiVersion: v1', encode(sha256(name::bytea), 'hex'), now(), deleted_at
      from stacks where name like 'other-%'`;
    await sql`
      insert into deliveries (
        agent_id, stack_id, desired_object_id, applied_object_id, state, first_seen_at, delivered_at,
        health, unhealthy_since, slo_counted_at
      )
      select agent.id, object.stack_id, object.id, object.id, 'applied', now(), now(),
        case when turn = 1 then 'degraded' else 'healthy' end, case when turn = 1 then now() end, now()
      from (
        select id, row_number() over (order by id) as number from agents
        where cluster_name = 'others' and deleted_at is null
      ) agent
      cross join generate_series(1, ${STACKS_OF_EACH}::int) turn
      join (
        select id, stack_id, row_number() over (order by id) as number from deployment_objects
        where deleted_at is null and yaml_content = 'apiVersion: v1'
      ) object on object.number = 1 + (agent.number * ${STACKS_OF_EACH} + turn * 7) % ${AGENTS}`;
    await sql`vacuum analyze`;
  }, database);
}
