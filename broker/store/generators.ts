import type { Sql, SqlFragment, Transaction } from "$lib/database.ts";
import type { Generator } from "../domain/generator.ts";
import { CHANGES, writeNotice } from "../domain/notice.ts";
import { limitLockWaits } from "./changes.ts";
import type { Handle } from "./handle.ts";
import { generatorNotFound } from "./missing.ts";
import type { GeneratorStore } from "./mod.ts";
import { pageClauses, toPage } from "./paging.ts";
import { addDeletionLines, type Line } from "./settle_lines.ts";
import { removeStacks } from "./stacks.ts";

interface GeneratorRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly is_system: boolean;
  readonly is_active: boolean;
  readonly last_active_at: Date | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** {@linkcode GeneratorStore} over the table `generators`. */
export function generatorStore({ sql, transaction, settled }: Handle): GeneratorStore {
  return {
    add: (generator) =>
      transaction(async (tx) => {
        const [row] = await tx<GeneratorRow>`
          insert into generators (name, description, pak_hash)
          values (${generator.name}, ${generator.description ?? null}, ${generator.pakHash})
          returning ${columns(tx)}`;
        return toGenerator(found(row, generator.name));
      }),
    async get(id) {
      const [row] = await sql<GeneratorRow>`
        select ${columns(sql)} from generators where id = ${id} and deleted_at is null`;
      return toGenerator(found(row, id));
    },
    async getEver(id) {
      const [row] = await sql<GeneratorRow>`select ${columns(sql)} from generators where id = ${id}`;
      return toGenerator(found(row, id));
    },
    async list(paging = {}) {
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<GeneratorRow & { position: string }>`
        select ${columns(sql)}, ${position} from generators
        where deleted_at is null ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toGenerator);
    },
    change: (id, { name, description, isActive }) =>
      transaction(async (tx) => {
        const [row] = await tx<GeneratorRow>`
          update generators set
            name = ${name}, description = ${description ?? null},
            is_active = coalesce(${isActive ?? null}, is_active), updated_at = now()
          where id = ${id} and deleted_at is null
          returning ${columns(tx)}`;
        await tx.notify(CHANGES, writeNotice(["keys"]));
        return toGenerator(found(row, id));
      }),
    async remove(id) {
      await settled(await transaction((tx) => removeGenerator(tx, id)));
    },
    changePak: (id, pakHash) =>
      transaction(async (tx) => {
        const [row] = await tx<GeneratorRow>`
          update generators set pak_hash = ${pakHash}, updated_at = now()
          where id = ${id} and deleted_at is null
          returning ${columns(tx)}`;
        await tx.notify(CHANGES, writeNotice(["keys"]));
        return toGenerator(found(row, id));
      }),
    async markActive(id) {
      await sql`
        update generators set last_active_at = now()
        where id = ${id} and deleted_at is null
          and (last_active_at is null or last_active_at < now() - interval '1 minute')`;
    },
  };
}

/** Whoever makes a stack of the generator meanwhile is waited for, and its stack deleted too; whoever comes later finds none. */
async function removeGenerator(tx: Transaction, id: string): Promise<readonly Line[]> {
  await limitLockWaits(tx);
  const held = await tx`select id from generators where id = ${id} and deleted_at is null for update`;
  if (held.length === 0) throw generatorNotFound(id);
  const stacks = await tx<{ id: string }>`
    select id from stacks where generator_id = ${id} and deleted_at is null order by id for no key update`;
  const stackIds = stacks.map((stack) => stack.id);
  const lines = await addDeletionLines(tx, stackIds);
  await removeStacks(tx, stackIds);
  await tx`update generators set deleted_at = now(), updated_at = now() where id = ${id}`;
  await tx.notify(CHANGES, writeNotice(["keys", "stacks", "deployment_objects"]));
  return lines;
}

function columns(sql: Sql): SqlFragment {
  return sql.fragment`id, name, description, is_system, is_active, last_active_at, created_at, updated_at`;
}

function found(row: GeneratorRow | undefined, id: string): GeneratorRow {
  if (row === undefined) throw generatorNotFound(id);
  return row;
}

function toGenerator(row: GeneratorRow): Generator {
  return {
    id: row.id,
    name: row.name,
    description: row.description ?? undefined,
    isSystem: row.is_system,
    isActive: row.is_active,
    lastActiveAt: row.last_active_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
