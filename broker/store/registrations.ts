import type { Transaction } from "$lib/database.ts";
import { Failure, isFailure } from "$lib/error.ts";
import type { TraceHeaders } from "$lib/traceparent.ts";
import type { Registration } from "../domain/targeting.ts";
import { changing } from "./changes.ts";
import type { Handle } from "./handle.ts";
import { agentNotFound, generatorNotFound } from "./missing.ts";
import type { RegistrationStore } from "./mod.ts";
import { DEFAULT_LIMIT, pageClauses, toPage } from "./paging.ts";

interface RegistrationRow {
  readonly id: string;
  readonly agent_id: string;
  readonly generator_id: string;
  readonly registered_at: Date;
}

/** {@linkcode RegistrationStore} over the table `agent_generator_registrations`. */
export function registrationStore(handle: Handle): RegistrationStore {
  const { sql } = handle;
  function change<T>(agentId: string, work: (tx: Transaction) => Promise<T>, trace?: TraceHeaders): Promise<T> {
    return changing(handle, { scope: { agentId }, what: "association", trace }, work);
  }

  return {
    add: (agentId, generatorId) =>
      change(agentId, async (tx) => {
        const rows = await tx`select id from agents where id = ${agentId} and deleted_at is null`;
        if (rows.length === 0) throw agentNotFound(agentId);
        const [row] = await tx<RegistrationRow>`
          insert into agent_generator_registrations (agent_id, generator_id)
          select ${agentId}, id from generators where id = ${generatorId} and deleted_at is null
          returning id, agent_id, generator_id, registered_at`;
        if (row === undefined) throw generatorNotFound(generatorId);
        return toRegistration(row);
      }).catch((error) => {
        if (!isFailure(error, "unique_violation")) throw error;
        throw new Failure(
          "already_registered",
          `Cannot register agent "${agentId}": it is registered with generator "${generatorId}" already`,
          { cause: error },
        );
      }),
    async listByAgent(agentId, paging = {}) {
      const bounded = { limit: DEFAULT_LIMIT, ...paging };
      const { position, after, limit } = pageClauses(sql, bounded);
      const rows = await sql<RegistrationRow & { position: string }>`
        select id, agent_id, generator_id, registered_at, ${position} from agent_generator_registrations
        where agent_id = ${agentId} ${after} order by created_at, id ${limit}`;
      return toPage(rows, bounded, toRegistration);
    },
    async listByGenerator(generatorId, paging = {}) {
      const bounded = { limit: DEFAULT_LIMIT, ...paging };
      const { position, after, limit } = pageClauses(sql, bounded);
      const rows = await sql<RegistrationRow & { position: string }>`
        select id, agent_id, generator_id, registered_at, ${position} from agent_generator_registrations
        where generator_id = ${generatorId} ${after}
          and exists (select from agents where agents.id = agent_id and deleted_at is null)
        order by created_at, id ${limit}`;
      return toPage(rows, bounded, toRegistration);
    },
    remove: (agentId, generatorId, trace) =>
      change(agentId, async (tx) => {
        const rows = await tx`
          delete from agent_generator_registrations
          where agent_id = ${agentId} and generator_id = ${generatorId} returning id`;
        if (rows.length === 0) {
          throw new Failure(
            "agent_not_registered",
            `Cannot deregister agent "${agentId}": it is not registered with generator "${generatorId}"`,
          );
        }
        await tx`
          delete from agent_targets
          where agent_id = ${agentId} and stack_id in (select id from stacks where generator_id = ${generatorId})`;
      }, trace),
  };
}

function toRegistration(row: RegistrationRow): Registration {
  return { id: row.id, agentId: row.agent_id, generatorId: row.generator_id, registeredAt: row.registered_at };
}
