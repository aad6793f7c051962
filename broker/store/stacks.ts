import type { Sql, SqlFragment, Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { DriftPolicy } from "$lib/wire/stack.ts";
import type { Stack, StackChange } from "../domain/stack.ts";
import { changing, limitLockWaits } from "./changes.ts";
import type { Handle } from "./handle.ts";
import { stackNotFound } from "./missing.ts";
import type { StackStore } from "./mod.ts";
import { pageClauses, toPage } from "./paging.ts";

interface StackRow {
  readonly id: string;
  readonly name: string;
  readonly description: string | null;
  readonly generator_id: string;
  readonly suspended: boolean;
  readonly drift: DriftPolicy;
  readonly default_namespace: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly deleted_at: Date | null;
}

/** {@linkcode StackStore} over the table `stacks`. */
export function stackStore(handle: Handle): StackStore {
  const { sql, transaction, notices } = handle;
  return {
    add: ({ name, description, generatorId, suspended = false, drift = "repair", defaultNamespace }) =>
      transaction(async (tx) => {
        await limitLockWaits(tx);
        const [row] = await tx<StackRow>`
          insert into stacks (name, description, suspended, drift, default_namespace, generator_id)
          select ${name}, ${description ?? null}, ${suspended}, ${drift}, ${defaultNamespace ?? null}, id
          from generators where id = ${generatorId} and deleted_at is null for key share
          returning ${columns(tx)}`;
        if (row === undefined) throw noSuchGenerator(generatorId);
        return toStack(row);
      }, () => notices.changed("stacks")),
    async get(id) {
      const [row] = await sql<StackRow>`select ${columns(sql)} from stacks where id = ${id} and deleted_at is null`;
      return toStack(found(row, id));
    },
    async getForChange(id) {
      const [row] = await sql<StackRow>`
        select ${columns(sql)} from stacks where id = ${id} and (deleted_at is null or suspended)`;
      return toStack(found(row, id));
    },
    async list({ generatorId, name }, paging = {}) {
      const { position, after, limit } = pageClauses(sql, paging);
      const named = name === undefined ? sql.fragment`` : sql.fragment`and name = ${name}`;
      const owned = generatorId === undefined ? sql.fragment`` : sql.fragment`and generator_id = ${generatorId}`;
      const rows = await sql<StackRow & { position: string }>`
        select ${columns(sql)}, ${position} from stacks
        where deleted_at is null ${owned} ${named} ${after} order by created_at, id ${limit}`;
      return toPage(rows, paging, toStack);
    },
    async ownOf(generatorId, names) {
      const rows = await sql<Pick<StackRow, "name">>`
        select name from stacks where generator_id = ${generatorId} and name = any(${names})`;
      return new Set(rows.map(({ name }) => name));
    },
    async listAssociated(agentId, paging = {}) {
      const { position, after, limit } = pageClauses(sql, paging);
      const rows = await sql<StackRow & { position: string }>`
        select ${columns(sql)}, ${position} from stacks
        where deleted_at is null ${after}
          and id in (select stack_id from associations where agent_id = ${agentId})
        order by created_at, id ${limit}`;
      return toPage(rows, paging, toStack);
    },
    async isAssociated(agentId, stackId) {
      const rows = await sql`
        select stack_id from associations where agent_id = ${agentId} and stack_id = ${stackId}
        union all
        select stack_id from deliveries
        where agent_id = ${agentId} and stack_id = ${stackId} and state not in ('terminating', 'removed')
        limit 1`;
      return rows.length > 0;
    },
    async change(id, change) {
      const { stack } = await changing(handle, {
        ...{ scope: { stackId: id }, what: "policy", isLeftoverToo: true },
        changed: ["stacks"],
        isSilent: ({ isNotified }: ChangedStack) => !isNotified,
      }, (tx) => changeStack(tx, id, change));
      return stack;
    },
    remove: (id, trace) =>
      changing(handle, {
        ...{ scope: { stackId: id }, what: "deletion", trace },
        changed: ["stacks", "deployment_objects"],
      }, (tx) => removeStacks(tx, [id])),
  };
}

interface ChangedStack {
  readonly stack: Stack;
  /** Agents are told of what changed. */
  readonly isNotified: boolean;
}

async function changeStack(tx: Transaction, id: string, change: StackChange): Promise<ChangedStack> {
  const { name, description, suspended, drift, defaultNamespace } = change;
  const [row] = await tx<StackRow & { is_notified: boolean }>`
    with before as materialized (
      select name, suspended, drift, default_namespace from stacks where id = ${id}
    )
    update stacks set
      name = ${name},
      description = ${description ?? null},
      suspended = coalesce(${suspended ?? null}, suspended),
      drift = coalesce(${drift ?? null}, drift),
      default_namespace =
        case when ${defaultNamespace === undefined}::boolean then default_namespace
        else ${defaultNamespace ?? null} end,
      updated_at = now()
    where id = ${id} and (deleted_at is null or suspended)
    returning ${columns(tx)}, (
      select (before.name, before.suspended, before.drift, before.default_namespace)
        is distinct from (stacks.name, stacks.suspended, stacks.drift, stacks.default_namespace) from before
    ) as is_notified`;
  const changed = found(row, id);
  return { stack: toStack(changed), isNotified: changed.is_notified };
}

/** Deletes stacks with all that is of them. */
export async function removeStacks(tx: Sql, ids: readonly string[]): Promise<void> {
  await tx`update stacks set deleted_at = now(), updated_at = now() where id = any(${ids}) and deleted_at is null`;
  await tx`
    update deployment_objects set deleted_at = now(), updated_at = now()
    where stack_id = any(${ids}) and deleted_at is null`;
  await tx`delete from stack_labels where stack_id = any(${ids})`;
  await tx`delete from stack_annotations where stack_id = any(${ids})`;
  await tx`delete from agent_targets where stack_id = any(${ids})`;
}

function columns(sql: Sql): SqlFragment {
  return sql.fragment`id, name, description, generator_id, suspended, drift, default_namespace,
    created_at, updated_at, deleted_at`;
}

function found<Row extends StackRow>(row: Row | undefined, id: string): Row {
  if (row === undefined) throw stackNotFound(id);
  return row;
}

function noSuchGenerator(id: string): Failure {
  return new Failure("invalid_generator_id", `Cannot make a stack of generator "${id}": there is none`);
}

function toStack(row: StackRow): Stack {
  return {
    id: row.id,
    name: row.name,
    description: row.description ?? undefined,
    generatorId: row.generator_id,
    suspended: row.suspended,
    drift: row.drift,
    defaultNamespace: row.default_namespace ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    deletedAt: row.deleted_at ?? undefined,
  };
}
