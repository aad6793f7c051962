import { FIRST_AGENTS, type StackFacts } from "../domain/cause_summary.ts";
import type { KnownSubmission } from "../domain/causes.ts";
import type { Handle } from "./handle.ts";

/** What explains deliveries beside themselves. */
export interface CauseFactStore {
  /** The last submissions to the stack, newest first: enough to know what is not settled, and what was before. */
  submissions(stackId: string): Promise<readonly KnownSubmission[]>;
  /** Agents that share a label or an annotation with the stack, and are not registered with its generator. */
  unregistered(stackId: string): Promise<StackFacts["unregistered"]>;
}

const SUBMISSIONS = 20;

interface SubmissionRow {
  readonly sequence_id: number;
  readonly submitted_at: Date;
  readonly is_settled: boolean;
  readonly is_repeatable: boolean;
}

/** {@linkcode CauseFactStore} over submissions, tags and registrations. */
export function causeFactStore({ sql }: Handle): CauseFactStore {
  return {
    async submissions(stackId) {
      const rows = await sql<SubmissionRow>`
        select sequence_id, submitted_at, settled_at is not null as is_settled,
          body_kept and not is_deletion_marker as is_repeatable
        from deployment_objects where stack_id = ${stackId} and deleted_at is null
        order by sequence_id desc limit ${SUBMISSIONS}`;
      return rows.map((row) => ({
        sequenceId: row.sequence_id,
        submittedAt: row.submitted_at,
        isSettled: row.is_settled,
        isRepeatable: row.is_repeatable,
      }));
    },
    async unregistered(stackId) {
      const rows = await sql<{ id: string; name: string; agents: number }>`
        with alike as (
          select agent.agent_id from stack_labels stack join agent_labels agent on agent.label = stack.label
          where stack.stack_id = ${stackId}
          union
          select agent.agent_id from stack_annotations stack
          join agent_annotations agent on agent.key = stack.key and agent.value = stack.value
          where stack.stack_id = ${stackId}
        )
        select agents.id, agents.name, count(*) over ()::integer as agents
        from alike join agents on agents.id = alike.agent_id
        where agents.deleted_at is null and not exists (
          select from agent_generator_registrations registration
          where registration.agent_id = agents.id
            and registration.generator_id = (select generator_id from stacks where id = ${stackId})
        )
        order by agents.name, agents.id limit ${FIRST_AGENTS}`;
      return { agents: rows[0]?.agents ?? 0, firstAgents: rows.map(({ id, name }) => ({ id, name })) };
    },
  };
}
