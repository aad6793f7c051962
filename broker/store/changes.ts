import type { Sql, Transaction } from "$lib/database.ts";
import { type TraceHeaders, traceHeaders } from "$lib/traceparent.ts";
import type { Changed } from "../domain/notice.ts";
import type { Handle, StoreTracing } from "./handle.ts";
import { agentNotFound, stackNotFound } from "./missing.ts";
import { addLine, type Line, type Scope, type WhatChanged } from "./settle_lines.ts";

/** A change of what agents are to have. */
export interface Change<T> {
  readonly scope: Scope;
  readonly what: WhatChanged;
  /** Of a stack: whether it may be a deleted one that is suspended, for agents wait for the end of that. */
  readonly isLeftoverToo?: boolean;
  /** The span that asked for it; left out, that of the request, where it is sampled. */
  readonly trace?: TraceHeaders | undefined;
  /** What the notice names; without it there is none. */
  readonly changed?: readonly Changed[];
  /** Whether the work, by what it gave back, changed nothing that anybody is told of: neither agents nor replicas. */
  readonly isSilent?: (result: T) => boolean;
}

/**
 * Runs `work`, which changes what agents are to have, and writes a line of work in the same transaction: the one way in
 * which anything desired changes. Its deliveries are settled after the commit: before this resolves where one turn is
 * enough, else by the job.
 *
 * Locks are taken in one order: the stack, then the agent.
 *
 * @throws {Failure} `stack_not_found`, `agent_not_found` when what the scope names is not there; `unavailable` when
 * another change holds it for longer than 2 s.
 */
export async function changing<T>(
  handle: Handle,
  change: Change<T>,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { scope, what, trace = currentTrace(handle.tracing), isSilent } = change;
  const { result, line } = await handle.transaction(async (tx): Promise<{ result: T; line?: Line }> => {
    await Promise.all([limitLockWaits(tx), lockScope(tx, change)]);
    const before = what === "object" || what === "policy" ? undefined : await associated(tx, scope);
    const result = await work(tx);
    if (isSilent?.(result)) return { result };
    return { result, line: await addLine(tx, scope, { what, before, trace }) };
  }, ({ line }) => line && change.changed && handle.notices.changed(...change.changed));
  if (line !== undefined) await handle.settled([line]);
  return result;
}

/** The span of the request that is being answered, where it is sampled. */
export function currentTrace(tracing: StoreTracing): TraceHeaders | undefined {
  const span = tracing.current();
  return span && traceHeaders(span.context);
}

/** Ends with `unavailable` what waits for another's locks longer than its caller should. */
export async function limitLockWaits(tx: Sql): Promise<void> {
  await tx`select set_config('lock_timeout', '2s', true)`;
}

/** Whether nobody else does the job: nobody will before the transaction ends. */
export async function holdJob(tx: Sql, job: string): Promise<boolean> {
  const [row] = await tx<{ is_held: boolean }>`
    select pg_try_advisory_xact_lock(hashtext(current_schema()), hashtext(${`job ${job}`})) as is_held`;
  return row?.is_held === true;
}

/**
 * Waits for and holds one agent until the transaction ends.
 *
 * @throws {Failure} `agent_not_found`
 */
export async function lockAgent(tx: Transaction, agentId: string): Promise<void> {
  const rows = await tx`select id from agents where id = ${agentId} and deleted_at is null for no key update`;
  if (rows.length === 0) throw agentNotFound(agentId);
}

/**
 * Holds agents until the transaction ends, in the order in which everybody takes them: that of their ids.
 *
 * @param options.isPatient Waits for those that another transaction holds, else leaves them out.
 * @returns Those that are held now.
 */
export async function lockAgents(
  tx: Sql,
  agentIds: readonly string[],
  { isPatient }: { readonly isPatient: boolean },
): Promise<readonly string[]> {
  const rows = await tx<{ id: string }>`
    select id from agents where id = any(${agentIds}) and deleted_at is null
    order by id for no key update ${isPatient ? tx.fragment`` : tx.fragment`skip locked`}`;
  return rows.map(({ id }) => id);
}

async function lockScope(
  tx: Transaction,
  { scope, isLeftoverToo = false }: Pick<Change<never>, "scope" | "isLeftoverToo">,
): Promise<void> {
  if (scope.agentId !== undefined) return await lockAgent(tx, scope.agentId);
  const rows = await tx`
    select id from stacks
    where id = ${scope.stackId} and (deleted_at is null or ${isLeftoverToo}::boolean and suspended)
    for no key update`;
  if (rows.length === 0) throw stackNotFound(scope.stackId);
}

async function associated(tx: Sql, { agentId, stackId }: Scope): Promise<readonly string[]> {
  if (agentId === undefined) {
    const rows = await tx<{ id: string }>`select agent_id as id from associations where stack_id = ${stackId}`;
    return rows.map(({ id }) => id);
  }
  const rows = await tx<{ id: string }>`
    select stack_id as id from associations
    where agent_id = ${agentId} and (${stackId ?? null}::uuid is null or stack_id = ${stackId ?? null})`;
  return rows.map(({ id }) => id);
}
