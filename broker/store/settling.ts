import type { Sql } from "$lib/database.ts";
import { lockAgents } from "./changes.ts";
import { settleDeliveries, type SettleOptions } from "./settle_deliveries.ts";
import { type BegunLine, endLine, type Line, noteProgress, type Scope } from "./settle_lines.ts";

/** What one turn at a line came to. */
export interface SettledTurn {
  /** The line is done, and gone. */
  readonly isDone: boolean;
  /** Of each submission that is now settled: for how long it waited. */
  readonly seconds: readonly number[];
  /** The agents whose snapshots say something else than before. */
  readonly changedAgentIds: readonly string[];
}

/**
 * Brings the deliveries of the next agents of a held line in line with what is desired now, and raises the revisions of
 * those whose snapshots say something else than before.
 *
 * Two lines at once neither miss one another nor wait in a circle: a line is settled after its change was committed, so
 * that of two changes the later one's line sees both; agents are held in the order of their ids.
 *
 * Statements that need no answer of one another are sent together: the database runs them one after the other, in this
 * order, and each sees what was committed until it began.
 */
export async function settleTurn(
  tx: Sql,
  line: BegunLine,
  { hasMore, ...options }: SettleOptions & { readonly hasMore: boolean },
): Promise<SettledTurn> {
  const { agentIds } = options;
  const changed = await settledAgents(tx, line, options);
  const last = agentIds.at(-1);
  const isDone = !hasMore || last === undefined;
  const [, approved, seconds] = await Promise.all([
    changed.length > 0 && tx`update agents set revision = revision + 1 where id = any(${changed})`,
    agentIds.length > 0 ? endApprovals(tx, agentIds) : [],
    isDone ? endLine(tx, line) : noteProgress(tx, line, last),
  ]);
  return { isDone, seconds: seconds ?? [], changedAgentIds: [...changed, ...approved] };
}

/** Whether a stack has deliveries to more than `max` agents: one look at an index. */
export async function hasManyDeliveries(sql: Sql, { agentId, stackId }: Scope, max: number): Promise<boolean> {
  if (agentId !== undefined) return false;
  const [row] = await sql<{ count: number }>`
    select count(*) as count from (select from deliveries where stack_id = ${stackId} limit ${max + 1}) counted`;
  return (row?.count ?? 0) > max;
}

/**
 * The agents that a line concerns and that are not done, in the order of their ids: associated now, associated before,
 * or delivered to. One that is associated later has a line of its own, which is none of those that this one covers:
 * those were there before.
 */
export async function concernedAgents(tx: Sql, { scope, progress }: Line): Promise<readonly string[]> {
  if (scope.agentId !== undefined) return [scope.agentId];
  const { stackId } = scope;
  const left = progress === undefined ? tx.fragment`true` : tx.fragment`agent_id > ${progress}`;
  const rows = await tx<{ agent_id: string }>`
    select agent_id from (
      select agent_id from associations where stack_id = ${stackId} and ${left}
      union
      select agent_id from deliveries where stack_id = ${stackId} and ${left}
      union
      select associated.agent_id from settle_lines line
      cross join lateral unnest(line.before) as associated (agent_id)
      where line.stack_id = ${stackId} and line.agent_id is null
    ) concerned
    where ${left} order by agent_id`;
  return rows.map(({ agent_id }) => agent_id);
}

/** An approval of held removals is over when nothing of its agent is held any more; returns the agents that had one. */
export async function endApprovals(tx: Sql, agentIds: readonly string[]): Promise<readonly string[]> {
  const rows = await tx<{ id: string }>`
    update agents set prune_approved = null, revision = revision + 1
    where id = any(${agentIds}) and prune_approved is not null and not exists (
      select from deliveries where deliveries.agent_id = agents.id and deliveries.reason = 'prune_held')
    returning id`;
  return rows.map(({ id }) => id);
}

/** The agents whose snapshots say something else than before. */
async function settledAgents(tx: Sql, line: BegunLine, options: SettleOptions): Promise<readonly string[]> {
  const { agentIds } = options;
  if (agentIds.length === 0) return [];
  const [, , changed] = await Promise.all([
    shareAssociations(tx),
    lockAgents(tx, agentIds, { isPatient: true }),
    settleDeliveries(tx, line, options),
  ]);
  return changed;
}

/** A broker of 0.10.0 that changes associations holds this alone until it has committed; nobody else does. */
async function shareAssociations(tx: Sql): Promise<void> {
  await tx`select pg_advisory_xact_lock_shared(hashtext(current_schema()), hashtext('associations'))`;
}
