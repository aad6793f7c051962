import type { ConnectivityLimits } from "../domain/agent.ts";
import { ADMIN_WITHOUT_KEY } from "../domain/caller.ts";
import type { ObjectHead } from "../domain/deployment_object.ts";
import { isConnectedAs } from "./agent_heartbeats.ts";
import { objectColumns, type ObjectHeadRow, toObjectHead } from "./deployment_objects.ts";
import type { Handle } from "./handle.ts";
import { objectNotFound } from "./missing.ts";
import type { Page, Paging } from "./mod.ts";
import { DEFAULT_LIMIT, limitClause, readCursor, toPage } from "./paging.ts";

/** A submission, and what became of it by now. */
export interface PastSubmission {
  readonly object: ObjectHead;
  /** Whose key it came with; absent where nobody noted it. */
  readonly submittedBy?: { readonly role: string; readonly id?: string; readonly name?: string };
  /** When all its agents were told, or are to be. */
  readonly settledAt?: Date;
  /** Agents that are to have it. */
  readonly desired: number;
  /** Agents that have it. */
  readonly applied: number;
  /** Of those, the ones that say it works, and are connected. */
  readonly healthy: number;
  /** Agents that were to have it and could not. */
  readonly failed: number;
}

/** What was submitted to stacks. */
export interface StackHistoryStore {
  /** Newest first; up to 100 without a limit. */
  list(stackId: string, limits: ConnectivityLimits, paging?: Paging): Promise<Page<PastSubmission>>;
  /** @throws {Failure} `deployment_object_not_found`. */
  find(stackId: string, sequenceId: number): Promise<ObjectHead>;
}

interface PastRow extends ObjectHeadRow {
  readonly position: string;
  readonly submitted_by: string | null;
  readonly submitter_name: string | null;
  readonly settled_at: Date | null;
  readonly desired: number | null;
  readonly applied: number | null;
  readonly healthy: number | null;
  readonly failed: number | null;
}

/** {@linkcode StackHistoryStore} over the tables `deployment_objects` and `deliveries`. */
export function stackHistoryStore({ sql }: Handle): StackHistoryStore {
  return {
    async list(stackId, limits, paging = {}) {
      const bounded = { limit: DEFAULT_LIMIT, ...paging };
      const cursor = readCursor(paging);
      const before = cursor === undefined ? sql.fragment`` : sql.fragment`and sequence_id < ${cursor.position}::bigint`;
      const isBelieved = isConnectedAs(sql, ["connected", "never"], limits);
      const rows = await sql<PastRow>`
        select ${objectColumns(sql)}, sequence_id::text as position, submitted_by, settled_at,
          (
            select name from generators where generators.id::text = split_part(submitted_by, ' ', 2)
          ) as submitter_name,
          counted.desired, counted.applied, counted.healthy, counted.failed
        from deployment_objects
        left join (
          select object_id, sum(desired) as desired, sum(applied) as applied, sum(healthy) as healthy,
            sum(failed) as failed
          from (
            select applied_object_id as object_id, 0 as desired, 1 as applied, 0 as failed,
              case when health = 'healthy' and ${isBelieved} then 1 else 0 end as healthy
            from deliveries join agents on agents.id = deliveries.agent_id
            left join agent_heartbeats heartbeat on heartbeat.agent_id = agents.id
            where stack_id = ${stackId} and applied_object_id is not null
            union all
            select desired_object_id, 1, 0, case when state in ('failed', 'blocked') then 1 else 0 end, 0
            from deliveries where stack_id = ${stackId} and state not in ('terminating', 'removed')
          ) each
          group by object_id
        ) counted on counted.object_id = deployment_objects.id
        where stack_id = ${stackId} and deleted_at is null ${before}
        order by sequence_id desc ${limitClause(sql, bounded)}`;
      return toPage(rows, bounded, toPastSubmission);
    },
    async find(stackId, sequenceId) {
      const [row] = await sql<ObjectHeadRow>`
        select ${objectColumns(sql)} from deployment_objects
        where stack_id = ${stackId} and sequence_id = ${sequenceId} and deleted_at is null`;
      if (row === undefined) throw objectNotFound(`${sequenceId} of the stack`);
      return toObjectHead(row);
    },
  };
}

function toPastSubmission(row: PastRow): PastSubmission {
  const [role, id] = row.submitted_by?.split(" ") ?? [];
  const name = row.submitter_name === null ? {} : { name: row.submitter_name };
  return {
    object: toObjectHead(row),
    ...(role === undefined ? {} : { submittedBy: { role, ...(id === ADMIN_WITHOUT_KEY ? {} : { id }), ...name } }),
    ...(row.settled_at === null ? {} : { settledAt: row.settled_at }),
    desired: row.desired ?? 0,
    applied: row.applied ?? 0,
    healthy: row.healthy ?? 0,
    failed: row.failed ?? 0,
  };
}
