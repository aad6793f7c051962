import type { Sql } from "$lib/database.ts";
import { lockAgents } from "./changes.ts";
import type { Handle } from "./handle.ts";
import type { RetentionStore } from "./mod.ts";

/** Owners whose rows one transaction purges. */
const OWNERS_AT_ONCE = 100;

/** {@linkcode RetentionStore}: within the transaction that the handle has. */
export function retentionStore({ sql }: Handle): RetentionStore {
  return {
    async purgeBodies(kept, max) {
      const rows = await sql`
        update deployment_objects set yaml_content = '', body_kept = false, updated_at = now()
        where id in (
          select id from deployment_objects where id = any(array(${oldBodies(sql, { kept, max })}))
          for update skip locked)
        returning id`;
      return rows.length === max;
    },
    async purgeStacks(max) {
      const ids = await deletedStacks(sql);
      if (!await deleteAll(rowsOfStacks(sql, ids, max), max)) return true;
      await sql`delete from stacks where id = any(${ids})`;
      return ids.length === OWNERS_AT_ONCE;
    },
    async purgeAgents(max) {
      const ids = await deletedAgents(sql);
      if (!await deleteAll(rowsOfAgents(sql, ids, max), max)) return true;
      await sql`delete from agents where id = any(${ids})`;
      return ids.length === OWNERS_AT_ONCE;
    },
  };
}

/** Of stacks with more bodies than are kept those behind the newest that no delivery names. */
function oldBodies(sql: Sql, { kept, max }: { readonly kept: number; readonly max: number }) {
  return sql.fragment`
    select old.id from (
      select stack_id from deployment_objects where body_kept group by stack_id having count(*) > ${kept}
    ) stack cross join lateral (
      select id from deployment_objects where stack_id = stack.stack_id and body_kept
      order by sequence_id desc offset ${kept}
    ) old
    where not exists (select from deliveries where desired_object_id = old.id)
      and not exists (select from deliveries where applied_object_id = old.id)
    limit ${max}`;
}

/** Those that no living agent is still to remove, and of which nothing is still to be settled. */
async function deletedStacks(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ id: string }>`
    select id from stacks
    where deleted_at < now() - interval '30 days'
      and not exists (
        select from deliveries delivery join agents agent on agent.id = delivery.agent_id
        where delivery.stack_id = stacks.id and delivery.state <> 'removed' and agent.deleted_at is null)
      and not exists (select from settle_lines where settle_lines.stack_id = stacks.id)
    limit ${OWNERS_AT_ONCE} for update skip locked`;
  return rows.map(({ id }) => id);
}

async function deletedAgents(sql: Sql): Promise<readonly string[]> {
  const rows = await sql<{ id: string }>`
    select id from agents where deleted_at < now() - interval '30 days'
    limit ${OWNERS_AT_ONCE} for update skip locked`;
  return rows.map(({ id }) => id);
}

type Deletion = () => Promise<readonly unknown[]>;

/** Deletes row after row; false when one of the deletions was full, and there may be more to delete before the rest. */
async function deleteAll(deletions: readonly Deletion[], max: number): Promise<boolean> {
  for (const deletion of deletions) {
    const rows = await deletion();
    if (rows.length === max) return false;
  }
  return true;
}

/** What is of stacks, in the order in which it can go; what may be much goes so many rows at a time. */
function rowsOfStacks(sql: Sql, ids: readonly string[], max: number): readonly Deletion[] {
  return [
    () =>
      sql`
      delete from agent_events where id in (
        select event.id from deployment_objects object join agent_events event on event.deployment_object_id = object.id
        where object.stack_id = any(${ids}) limit ${max})
      returning id`,
    async () => {
      const due = await sql<{ id: string; agent_id: string }>`
        select id, agent_id from deliveries where stack_id = any(${ids}) limit ${max}`;
      await lockAgents(sql, due.map((delivery) => delivery.agent_id), { isPatient: true });
      return await sql`delete from deliveries where id = any(${due.map(({ id }) => id)}) returning id`;
    },
    () =>
      sql`
      delete from idempotency_keys
      where id in (select id from idempotency_keys where stack_id = any(${ids}) limit ${max})
      returning id`,
    () =>
      sql`
      delete from deployment_objects
      where id in (select id from deployment_objects where stack_id = any(${ids}) limit ${max})
      returning id`,
    async () => {
      await sql`delete from stack_labels where stack_id = any(${ids})`;
      await sql`delete from stack_annotations where stack_id = any(${ids})`;
      await sql`delete from agent_targets where stack_id = any(${ids})`;
      return [];
    },
  ];
}

/** What is of agents, in the same way. */
function rowsOfAgents(sql: Sql, ids: readonly string[], max: number): readonly Deletion[] {
  return [
    () =>
      sql`
      delete from agent_events where id in (select id from agent_events where agent_id = any(${ids}) limit ${max})
      returning id`,
    () =>
      sql`
      delete from deliveries where id in (select id from deliveries where agent_id = any(${ids}) limit ${max})
      returning id`,
    async () => {
      await sql`delete from agent_delivery_counts where agent_id = any(${ids})`;
      await sql`delete from agent_heartbeats where agent_id = any(${ids})`;
      await sql`delete from agent_generator_registrations where agent_id = any(${ids})`;
      await sql`delete from agent_labels where agent_id = any(${ids})`;
      await sql`delete from agent_annotations where agent_id = any(${ids})`;
      await sql`delete from agent_targets where agent_id = any(${ids})`;
      return [];
    },
  ];
}
