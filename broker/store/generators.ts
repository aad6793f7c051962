import type { Sql, SqlFragment, Transaction } from "$lib/database.ts";
import type { TraceHeaders } from "$lib/traceparent.ts";
import { mayRotate } from "../domain/access.ts";
import type { Generator, GeneratorChange } from "../domain/generator.ts";
import { type ChangedKeys, CHANGES, writeKeysNotice } from "../domain/notice.ts";
import { currentTrace, limitLockWaits } from "./changes.ts";
import { endKey, isFormer, type KeysChanged } from "./former_keys.ts";
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
export function generatorStore(
  { sql, transaction, settled, notices, tracing }: Handle,
  keysChanged: KeysChanged,
): GeneratorStore {
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
    async change(id, change) {
      const { row } = await transaction((tx) => changeGenerator(tx, id, change), ({ ended }) => keysChanged(ended));
      return toGenerator(row);
    },
    async remove(id, trace = currentTrace(tracing)) {
      const { lines } = await transaction((tx) => removeGenerator(tx, id, trace), ({ ended }) => {
        keysChanged(ended);
        notices.changed("stacks", "deployment_objects");
      });
      await settled(lines);
    },
    async changePak(id, key) {
      const { pakHash, keepsFormer } = key;
      const { row } = await transaction(async (tx) => {
        const former = await lockedKey(tx, id);
        mayRotate({ role: "generator", id, isByFormerKey: isFormer(key, former) });
        const [row] = await tx<GeneratorRow>`
          update generators set pak_hash = ${pakHash}, updated_at = now() where id = ${id} returning ${columns(tx)}`;
        return { row, ended: await endKey(tx, { role: "generator", id, pakHash: former, isKept: keepsFormer }) };
      }, ({ ended }) => keysChanged(ended));
      return toGenerator(found(row, id));
    },
    async markActive(id) {
      await sql`
        update generators set last_active_at = now()
        where id = ${id} and deleted_at is null
          and (last_active_at is null or last_active_at < now() - interval '1 minute')`;
    },
  };
}

/**
 * Whoever makes a stack of the generator meanwhile is waited for, and its stack deleted too; whoever comes later finds
 * none.
 */
async function removeGenerator(
  tx: Transaction,
  id: string,
  trace: TraceHeaders | undefined,
): Promise<{ readonly lines: readonly Line[]; readonly ended: ChangedKeys }> {
  const pakHash = await lockedKey(tx, id);
  const stacks = await tx<{ id: string }>`
    select id from stacks where generator_id = ${id} and deleted_at is null order by id for no key update`;
  const stackIds = stacks.map((stack) => stack.id);
  const lines = await addDeletionLines(tx, stackIds, trace);
  await removeStacks(tx, stackIds);
  await tx`update generators set deleted_at = now(), updated_at = now() where id = ${id}`;
  return { lines, ended: await endKey(tx, { role: "generator", id, pakHash, isKept: false }) };
}

/** Nobody makes a stack of a generator that is held so. */
async function lockedKey(tx: Transaction, id: string): Promise<string | null> {
  await limitLockWaits(tx);
  const [row] = await tx<{ pak_hash: string | null }>`
    select pak_hash from generators where id = ${id} and deleted_at is null for update`;
  if (row === undefined) throw generatorNotFound(id);
  return row.pak_hash;
}

/** Whether it is active is part of what is known of its keys. */
async function changeGenerator(
  tx: Transaction,
  id: string,
  { name, description, isActive }: GeneratorChange,
): Promise<{ readonly row: GeneratorRow; readonly ended: ChangedKeys }> {
  await limitLockWaits(tx);
  const [row] = await tx<GeneratorRow & { pak_hash: string | null }>`
    update generators set
      name = ${name}, description = ${description ?? null},
      is_active = coalesce(${isActive ?? null}, is_active), updated_at = now()
    where id = ${id} and deleted_at is null
    returning ${columns(tx)}, pak_hash`;
  const former = await tx<{ pak_hash: string }>`
    select pak_hash from previous_keys where role = 'generator' and owner_id = ${id}`;
  const changed = found(row, id);
  const pakHashes = [...former, row].flatMap((key) => key?.pak_hash ?? []);
  const ended: ChangedKeys = { owner: { role: "generator", id }, pakHashes };
  await tx.notify(CHANGES, writeKeysNotice(ended));
  return { row: changed, ended };
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
