import type { Role } from "../domain/caller.ts";
import { CHANGES, writeNotice } from "../domain/notice.ts";
import type { Handle } from "./handle.ts";
import type { AdminRoleStore, KeyOwner, KeyStore } from "./mod.ts";
import { DEFAULT_LIMIT, pageClauses, toPage } from "./paging.ts";

interface KeyRow {
  readonly role: Role;
  readonly id: string;
  readonly pak_hash: string;
  readonly is_active: boolean;
}

/** {@linkcode KeyStore} over the tables `admin_role`, `agents` and `generators`. */
export function keyStore({ sql }: Handle): KeyStore {
  return {
    async find(pakHash) {
      const [row] = await sql<KeyRow>`
        select 'admin' as role, id, pak_hash, true as is_active from admin_role where pak_hash = ${pakHash}
        union all
        select 'agent', id, pak_hash, true from agents where pak_hash = ${pakHash} and deleted_at is null
        union all
        select 'generator', id, pak_hash, is_active from generators where pak_hash = ${pakHash} and deleted_at is null
        limit 1`;
      if (row === undefined) return undefined;
      return { caller: { role: row.role, id: row.id }, pakHash: row.pak_hash, isActive: row.is_active };
    },
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

/** {@linkcode AdminRoleStore} over the table `admin_role`. */
export function adminRoleStore({ sql, transaction }: Handle): AdminRoleStore {
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
    changePak: (pakHash) =>
      transaction(async (tx) => {
        await tx`
          insert into admin_role (pak_hash) values (${pakHash})
          on conflict ((true)) do update set pak_hash = excluded.pak_hash, updated_at = now()`;
        await tx.notify(CHANGES, writeNotice(["keys"]));
      }),
  };
}
