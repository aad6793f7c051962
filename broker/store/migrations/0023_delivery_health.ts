import type { Sql } from "$lib/database.ts";

/**
 * Since when each delivery is healthy, and how well its objects are. Counts and lists tell deliveries by state and
 * reported health: each of both, and all of one stack, is one range of an index, oldest first, so that a page costs
 * what it shows. Which of them are troubled follows from the two, and needs no column that a broker of 0.10.0 would not
 * keep.
 *
 * Such a broker leaves `healthy_at` as it is when another object is desired: what is before `desired_at` says nothing.
 */
export async function deliveryHealth(sql: Sql): Promise<void> {
  await sql`
    alter table deliveries
      add column healthy_at timestamptz,
      add column objects_healthy integer,
      add column objects_progressing integer,
      add column objects_degraded integer,
      add column objects_unknown integer`;
  await sql`
    update deliveries set healthy_at = greatest(applied_at, health_at)
    where state = 'applied' and health = 'healthy' and applied_at is not null`;
  await sql`
    create index deliveries_condition_idx
    on deliveries (state, coalesce(health, 'unknown'), desired_at, agent_id, stack_id)`;
  await sql`drop index deliveries_stack_idx`;
  await sql`
    create index deliveries_stack_idx
    on deliveries (stack_id, state, coalesce(health, 'unknown'), desired_at, agent_id)`;
  await countsByHealth(sql);
}

/** Of the same table and by the same trigger as before, one number for each state and reported health. */
async function countsByHealth(sql: Sql): Promise<void> {
  await sql`drop trigger deliveries_recounted on deliveries`;
  await sql`drop table agent_delivery_counts`;
  await sql`
    create table agent_delivery_counts (
      agent_id uuid not null,
      state text not null,
      health text not null,
      deliveries integer not null,
      primary key (agent_id, state, health)
    ) with (fillfactor = 50)`;
  await sql`
    insert into agent_delivery_counts (agent_id, state, health, deliveries)
    select agent_id, state, coalesce(health, 'unknown'), count(*) from deliveries group by 1, 2, 3`;
  await sql`
    create or replace function count_delivery() returns trigger language plpgsql set search_path from current as $$
    begin
      if tg_op <> 'INSERT' then
        update agent_delivery_counts set deliveries = deliveries - 1
        where agent_id = old.agent_id and state = old.state and health = coalesce(old.health, 'unknown');
      end if;
      if tg_op <> 'DELETE' then
        insert into agent_delivery_counts as known (agent_id, state, health, deliveries)
        values (new.agent_id, new.state, coalesce(new.health, 'unknown'), 1)
        on conflict (agent_id, state, health) do update set deliveries = known.deliveries + 1;
      end if;
      return null;
    end $$`;
  await sql`
    create trigger deliveries_recounted after update of state, health on deliveries for each row
    when ((old.state, old.health) is distinct from (new.state, new.health)) execute function count_delivery()`;
}
