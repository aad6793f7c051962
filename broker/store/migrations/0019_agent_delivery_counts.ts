import type { Sql } from "$lib/database.ts";

/**
 * How many deliveries of each state an agent has, so that gauges need not count hundreds of thousands of rows. A
 * trigger keeps it: brokers of 0.10.0, which know nothing of it, change deliveries in the same database during an
 * upgrade, and what is counted and what is there must not part. The rules of what a delivery becomes are the program's,
 * as ever.
 *
 * Whoever changes deliveries holds their agents, so nobody waits for another's counts. The table refers to nothing:
 * each new count would have its agent's row looked up.
 */
export async function agentDeliveryCounts(sql: Sql): Promise<void> {
  await sql`drop index deliveries_state_idx`;
  await sql`create index deliveries_removed_idx on deliveries (agent_id) where state = 'removed'`;
  await sql`
    create table agent_delivery_counts (
      agent_id uuid not null,
      state text not null,
      deliveries integer not null,
      primary key (agent_id, state)
    ) with (fillfactor = 50)`;
  await sql`
    insert into agent_delivery_counts (agent_id, state, deliveries)
    select agent_id, state, count(*) from deliveries group by agent_id, state`;
  await sql`
    create function count_delivery() returns trigger language plpgsql set search_path from current as $$
    begin
      if tg_op <> 'INSERT' then
        update agent_delivery_counts set deliveries = deliveries - 1
        where agent_id = old.agent_id and state = old.state;
      end if;
      if tg_op <> 'DELETE' then
        insert into agent_delivery_counts as known (agent_id, state, deliveries) values (new.agent_id, new.state, 1)
        on conflict (agent_id, state) do update set deliveries = known.deliveries + 1;
      end if;
      return null;
    end $$`;
  await sql`
    create trigger deliveries_counted after insert or delete on deliveries
    for each row execute function count_delivery()`;
  await sql`
    create trigger deliveries_recounted after update of state on deliveries
    for each row when (old.state is distinct from new.state) execute function count_delivery()`;
}
