import type { Sql, Transaction } from "$lib/database.ts";
import type { Caller } from "../domain/caller.ts";
import { type ChangedKeys, CHANGES, writeKeysNotice } from "../domain/notice.ts";
import type { KeyChange } from "../domain/pak.ts";

/** Hears, once it is lasting, of keys that are no longer what they were. */
export type KeysChanged = (keys: ChangedKeys) => void;

/** Whose key it was, and whether it goes on for a while. */
export interface EndedKey extends Pick<Caller, "role" | "id"> {
  /** Absent where there was none. */
  readonly pakHash: string | null | undefined;
  readonly isKept: boolean;
}

/** Whether a key was rotated since its owner came in with it to rotate it: of two who do at once one is too late. */
export function isFormer({ from }: Pick<KeyChange, "from">, current: string | null | undefined): boolean {
  return from !== undefined && from !== current;
}

/**
 * Ends an owner's key, at once or in a while, any that it had before, and what was signed in with them; every replica
 * is told.
 */
export async function endKey(tx: Transaction, { role, id, pakHash, isKept }: EndedKey): Promise<ChangedKeys> {
  const former = await tx<{ pak_hash: string }>`
    delete from previous_keys where role = ${role} and owner_id = ${id} returning pak_hash`;
  await tx`delete from console_sessions where role = ${role} and owner_id = ${id}`;
  if (isKept && pakHash) {
    await tx`
      insert into previous_keys (role, owner_id, pak_hash, ends_at)
      values (${role}, ${id}, ${pakHash}, now() + interval '10 minutes')`;
  }
  const pakHashes = [...former.map(({ pak_hash }) => pak_hash), ...(pakHash ? [pakHash] : [])];
  const ended = { owner: { role, id }, pakHashes };
  await tx.notify(CHANGES, writeKeysNotice(ended));
  return ended;
}

/** Deletes `max` of the former keys that are over; returns how many. */
export async function purgeFormerKeys(sql: Sql, max: number): Promise<number> {
  const rows = await sql`
    delete from previous_keys where id in (select id from previous_keys where ends_at <= now() limit ${max})
    returning id`;
  return rows.length;
}
