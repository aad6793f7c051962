import type { World } from "../../system/world.ts";

/** 5,000 agents with 60 stacks each: 20 of the world's generator, the rest of another. */
const SIZE = { agents: 5_000, ownStacks: 20, otherStacks: 40 } as const;

/** A delivery in a hundred failed, one does not work, one is on its way; one agent in fifty is late. */
export async function fill({ servers: { postgres }, generatorId }: World): Promise<void> {
  if (postgres === undefined) throw new Error("Cannot fill the database: it is not PostgreSQL");
  const { agents, ownStacks, otherStacks } = SIZE;
  await postgres.asSuperuser(async (sql) => {
    await sql`insert into generators (name, pak_hash) values ('other', encode(sha256('other'::bytea), 'hex'))`;
    await sql`
      insert into agents (name, cluster_name, pak_hash, status)
      select 'fleet-' || n, 'cluster-' || n, encode(sha256(('fleet' || n)::bytea), 'hex'), 'ACTIVE'
      from generate_series(1, ${agents}::int) n`;
    await sql`
      insert into agent_heartbeats (agent_id, last_heartbeat)
      select id, now() + interval '1 hour' - case when row_number() over (order by id) % 50 = 0
        then interval '65 minutes' else interval '0' end
      from agents where name like 'fleet-%'`;
    await sql`
      insert into stacks (name, generator_id)
      select 'stack-' || n, case when n <= ${ownStacks}::int then ${generatorId}::uuid else other.id end
      from generate_series(1, ${ownStacks + otherStacks}::int) n, generators other where other.name = 'other'`;
    await sql`
      insert into deployment_objects (stack_id, yaml_content, yaml_checksum, settled_at)
      select id, 'apiVersion: v1', encode(sha256(name::bytea), 'hex'), now() from stacks where name like 'stack-%'`;
    await sql`
      insert into deliveries (
        agent_id, stack_id, desired_object_id, applied_object_id, state, reason, health, first_seen_at, delivered_at,
        unhealthy_since, slo_counted_at
      )
      select agent.id, object.stack_id, object.id, case when lot > 0 then object.id end,
        case when lot = 0 then 'failed' else 'applied' end, case when lot = 0 then 'refused' end,
        case lot when 1 then 'degraded' when 2 then 'progressing' else 'healthy' end, now(), now(),
        case when lot in (1, 2) then now() end, now()
      from (select id, row_number() over (order by id) as number from agents where name like 'fleet-%') agent
      cross join (
        select id, stack_id, row_number() over (order by id) as number from deployment_objects
        where yaml_content = 'apiVersion: v1'
      ) object
      cross join lateral (select (agent.number * 7 + object.number * 13) % 100 as lot) lots`;
    await sql`vacuum analyze`;
  }, postgres.database);
}
