import type { Sql } from "$lib/database.ts";
import type { IdempotencyKey } from "../domain/deployment_object.ts";

/** A row of the table `deployment_objects`, as far as it says what was submitted. */
export interface SubmittedObject {
  readonly id: string;
  readonly yaml_checksum: string;
  readonly is_deletion_marker: boolean;
}

/** The object that a caller submitted to a stack with a key in the last 24 hours. */
export async function findIdempotencyKey(
  sql: Sql,
  stackId: string,
  { caller, key }: IdempotencyKey,
): Promise<SubmittedObject | undefined> {
  const [row] = await sql<SubmittedObject>`
    select object.id, object.yaml_checksum, object.is_deletion_marker
    from idempotency_keys kept join deployment_objects object on object.id = kept.deployment_object_id
    where kept.stack_id = ${stackId} and kept.caller = ${caller} and kept.key = ${key}
      and kept.created_at > now() - interval '24 hours'`;
  return row;
}

/** A key, and what was submitted with it. */
export interface KeptKey extends IdempotencyKey {
  readonly stackId: string;
  readonly objectId: string;
}

/** Keeps a key for 24 hours, in the transaction of the submission; in place of one that is over. */
export async function keepIdempotencyKey(sql: Sql, { stackId, objectId, caller, key }: KeptKey): Promise<void> {
  await sql`
    insert into idempotency_keys (stack_id, caller, key, deployment_object_id)
    values (${stackId}, ${caller}, ${key}, ${objectId})
    on conflict (stack_id, caller, key)
    do update set deployment_object_id = excluded.deployment_object_id, created_at = now(), updated_at = now()`;
}

/** Deletes the oldest `max` of the keys that are over; returns how many. */
export async function purgeIdempotencyKeys(sql: Sql, max: number): Promise<number> {
  const rows = await sql`
    delete from idempotency_keys where id in (
      select id from idempotency_keys where created_at <= now() - interval '24 hours'
      order by created_at limit ${max})
    returning id`;
  return rows.length;
}
