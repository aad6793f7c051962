import type { Sql } from "$lib/database.ts";

/**
 * Deliveries that come or go in one statement are counted together, once for each agent. One by one, each of an agent's
 * hundreds left a dead row of its count behind, within a transaction where nothing can be cleared away: the table that
 * gauges read came to be many times as large as what is in it.
 *
 * Changes of single deliveries stay as they are: reports make most of them, and most of those change no count.
 */
export async function countedTogether(sql: Sql): Promise<void> {
  await sql`drop trigger deliveries_counted on deliveries`;
  await sql`
    create function count_deliveries() returns trigger language plpgsql set search_path from current as $$
    begin
      if tg_op = 'DELETE' then
        update agent_delivery_counts known set deliveries = known.deliveries - gone.deliveries
        from (
          select agent_id, state, coalesce(health, 'unknown') as health, count(*) as deliveries
          from changed group by 1, 2, 3
        ) gone
        where (known.agent_id, known.state, known.health) = (gone.agent_id, gone.state, gone.health);
      else
        insert into agent_delivery_counts as known (agent_id, state, health, deliveries)
        select agent_id, state, coalesce(health, 'unknown'), count(*) from changed group by 1, 2, 3 order by 1, 2, 3
        on conflict (agent_id, state, health) do update set deliveries = known.deliveries + excluded.deliveries;
      end if;
      return null;
    end $$`;
  await sql`
    create trigger deliveries_come after insert on deliveries referencing new table as changed
    for each statement execute function count_deliveries()`;
  await sql`
    create trigger deliveries_gone after delete on deliveries referencing old table as changed
    for each statement execute function count_deliveries()`;
}
