import type { Transaction } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import type { TraceHeaders } from "$lib/traceparent.ts";
import type { Target } from "../domain/targeting.ts";
import { changing } from "./changes.ts";
import type { Handle } from "./handle.ts";
import { agentNotFound, stackNotFound } from "./missing.ts";
import type { TargetStore } from "./mod.ts";
import { DEFAULT_LIMIT, pageClauses, toPage } from "./paging.ts";

interface TargetRow {
  readonly id: string;
  readonly agent_id: string;
  readonly stack_id: string;
}

/** {@linkcode TargetStore} over the table `agent_targets`. */
export function targetStore(handle: Handle): TargetStore {
  const { sql } = handle;
  function change<T>(pair: Pair, work: (tx: Transaction) => Promise<T>, trace?: TraceHeaders): Promise<T> {
    return changing(handle, { scope: pair, what: "association", trace }, work);
  }

  return {
    add: (agentId, stackId) =>
      change({ agentId, stackId }, async (tx) => {
        await mayBeTarget(tx, { agentId, stackId });
        const [row] = await tx<TargetRow>`
          insert into agent_targets (agent_id, stack_id) values (${agentId}, ${stackId})
          returning id, agent_id, stack_id`;
        if (row === undefined) throw stackNotFound(stackId);
        return toTarget(row);
      }),
    async list(agentId, paging = {}) {
      const bounded = { limit: DEFAULT_LIMIT, ...paging };
      const { position, after, limit } = pageClauses(sql, bounded);
      const rows = await sql<TargetRow & { position: string }>`
        select id, agent_id, stack_id, ${position} from agent_targets
        where agent_id = ${agentId} ${after}
          and exists (select from stacks where stacks.id = stack_id and deleted_at is null)
        order by created_at, id ${limit}`;
      return toPage(rows, bounded, toTarget);
    },
    remove: (agentId, stackId, trace) =>
      change({ agentId, stackId }, async (tx) => {
        const rows = await tx`
          delete from agent_targets where agent_id = ${agentId} and stack_id = ${stackId} returning id`;
        if (rows.length > 0) return;
        throw new Failure(
          "agent_target_not_found",
          `Cannot remove the target: agent "${agentId}" is not linked to stack "${stackId}"`,
        );
      }, trace),
  };
}

interface Pair {
  readonly agentId: string;
  readonly stackId: string;
}

/** An explicit link asks for the agent's consent when it is made. */
async function mayBeTarget(tx: Transaction, { agentId, stackId }: Pair): Promise<void> {
  const [row] = await tx<{ has_agent: boolean; has_stack: boolean; is_registered: boolean }>`
    select
      exists (select from agents where id = ${agentId} and deleted_at is null) as has_agent,
      exists (select from stacks where id = ${stackId} and deleted_at is null) as has_stack,
      exists (
        select from stacks join agent_generator_registrations consent on consent.generator_id = stacks.generator_id
        where stacks.id = ${stackId} and consent.agent_id = ${agentId}
      ) as is_registered`;
  if (row?.has_agent !== true) throw agentNotFound(agentId);
  if (!row.has_stack) throw stackNotFound(stackId);
  if (row.is_registered) return;
  throw new Failure(
    "agent_not_registered",
    `Cannot link agent "${agentId}" to stack "${stackId}": it is not registered with the stack's generator`,
  );
}

function toTarget(row: TargetRow): Target {
  return { id: row.id, agentId: row.agent_id, stackId: row.stack_id };
}
