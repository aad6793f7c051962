import type { Sql, SqlFragment } from "$lib/database.ts";
import { mayRotate } from "../domain/access.ts";
import type { Role } from "../domain/caller.ts";
import { limitLockWaits } from "./changes.ts";
import { endKey, isFormer, type KeysChanged, purgeFormerKeys } from "./former_keys.ts";
import { Gathered } from "./gathered.ts";
import type { Handle } from "./handle.ts";
import type { AdminRoleStore, KeyOwner, KeyStore, KnownKey } from "./mod.ts";
import { DEFAULT_LIMIT, pageClauses, toPage } from "./paging.ts";

interface KeyRow {
  readonly role: Role;
  readonly id: string;
  readonly pak_hash: string;
  readonly is_active: boolean;
  /** Of a former key only. */
  readonly ends_in_ms: number | null;
  readonly has_former: boolean;
}

/** {@linkcode KeyStore} over the tables `admin_role`, `agents`, `generators` and `previous_keys`. */
export function keyStore(handle: Handle, keysChanged: KeysChanged): KeyStore {
  const { sql, transaction } = handle;
  const lookUps = gatheredLookUps(handle);
  return {
    find: (pakHash) => lookUps.call(pakHash),
    async endFormer({ role, id }) {
      await transaction((tx) => endKey(tx, { role, id, pakHash: undefined, isKept: false }), keysChanged);
    },
    purgeFormer: (max) => purgeFormerKeys(sql, max),
    async isGenerator(id) {
      const rows = await sql`select id from generators where id = ${id}`;
      return rows.length > 0;
    },
    async listOwners(paging = {}) {
      const bounded = { limit: DEFAULT_LIMIT, ...paging };
      const { position, after, limit } = pageClauses(sql, bounded);
      const rows = await sql<KeyOwner & { position: string }>`
        select id, name, ${position} from (
          select id, name, created_at from agents where deleted_at is null
          union all
          select id, name, created_at from generators where deleted_at is null and pak_hash is not null
        ) owners
        where true ${after} order by created_at, id ${limit}`;
      return toPage(rows, bounded, ({ id, name }) => ({ id, name }));
    },
  };
}

/** Look-ups that arrive together are one statement: after a restart everybody's key is to be looked up at once. */
function gatheredLookUps(
  { sql, tracing }: Pick<Handle, "sql" | "tracing">,
): Gathered<string, KnownKey | undefined> {
  return new Gathered(async (pakHashes) => {
    const rows = await sql<KeyRow>`
      select known.role, known.id, known.pak_hash, known.is_active, known.ends_in_ms, known.has_former
      from unnest(${[...new Set(pakHashes)]}::text[]) as asked (pak_hash)
      cross join lateral (
        select role, id, pak_hash, is_active, ends_in_ms, has_former from (
          ${currentKeys(sql)}
          union all
          ${formerKeys(sql)}
        ) either
        limit 1
      ) known`;
    const found = new Map(rows.map((row) => [row.pak_hash, toKnownKey(row)]));
    return pakHashes.map((pakHash) => found.get(pakHash));
  }, tracing);
}

/** What now has the hash that is `asked` for. */
function currentKeys(sql: Sql): SqlFragment {
  return sql.fragment`
    select role, id, pak_hash, is_active, null::double precision as ends_in_ms,
      exists (
        select from previous_keys former where former.role = owner.role and former.owner_id = owner.id
      ) as has_former
    from (
      select 'admin' as role, id, pak_hash, true as is_active from admin_role where pak_hash = asked.pak_hash
      union all
      select 'agent', id, pak_hash, true from agents where pak_hash = asked.pak_hash and deleted_at is null
      union all
      select 'generator', id, pak_hash, is_active from generators
      where pak_hash = asked.pak_hash and deleted_at is null
    ) owner`;
}

/** What had it. A broker of 0.10.0 that deletes an owner leaves its former key where it is. */
function formerKeys(sql: Sql): SqlFragment {
  return sql.fragment`
    select former.role, former.owner_id, former.pak_hash, owner.is_active,
      extract(epoch from former.ends_at - now())::double precision * 1000, false
    from previous_keys former cross join lateral (
      select true as is_active from admin_role where former.role = 'admin' and id = former.owner_id
      union all
      select true from agents where former.role = 'agent' and id = former.owner_id and deleted_at is null
      union all
      select is_active from generators
      where former.role = 'generator' and id = former.owner_id and deleted_at is null
    ) owner
    where former.pak_hash = asked.pak_hash and former.ends_at > now()`;
}

function toKnownKey(row: KeyRow): KnownKey {
  const { role, id, pak_hash: pakHash, is_active: isActive, ends_in_ms: endsInMs, has_former: hasFormer } = row;
  if (endsInMs !== null) return { caller: { role, id, isByFormerKey: true }, pakHash, isActive, endsInMs };
  return { caller: { role, id }, pakHash, isActive, ...(hasFormer ? { hasFormer } : {}) };
}

/** {@linkcode AdminRoleStore} over the table `admin_role`. */
export function adminRoleStore({ sql, transaction }: Handle, keysChanged: KeysChanged): AdminRoleStore {
  return {
    async addIfNone(pakHash) {
      const rows = await sql`
        insert into admin_role (pak_hash) values (${pakHash}) on conflict do nothing returning id`;
      return rows.length > 0;
    },
    async exists() {
      const rows = await sql`select id from admin_role limit 1`;
      return rows.length > 0;
    },
    async changePak(key) {
      const { pakHash, keepsFormer } = key;
      await transaction(async (tx) => {
        await limitLockWaits(tx);
        const [former] = await tx<{ id: string; pak_hash: string }>`select id, pak_hash from admin_role for update`;
        mayRotate({ role: "admin", id: former?.id ?? "", isByFormerKey: isFormer(key, former?.pak_hash) });
        const [row] = await tx<{ id: string }>`
          insert into admin_role (pak_hash) values (${pakHash})
          on conflict ((true)) do update set pak_hash = excluded.pak_hash, updated_at = now()
          returning id`;
        const owner = { role: "admin" as const, id: row?.id ?? "" };
        return await endKey(tx, { ...owner, pakHash: former?.pak_hash, isKept: keepsFormer });
      }, keysChanged);
    },
  };
}
