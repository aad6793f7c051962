import type { OwnedObject } from "../domain/deployment_object.ts";
import { objectColumns, type ObjectHeadRow, toObjectHead } from "./deployment_objects.ts";
import { Gathered } from "./gathered.ts";
import type { Handle } from "./handle.ts";
import { objectNotFound } from "./missing.ts";
import type { DeploymentObjectStore } from "./mod.ts";

interface Asked {
  readonly objectId: string;
  readonly agentId: string | undefined;
}

interface OwnedRow extends ObjectHeadRow {
  readonly generator_id: string;
  readonly is_associated: boolean;
  /** Which of those that were asked for it is. */
  readonly place: number;
}

/** Look-ups of {@linkcode DeploymentObjectStore}: in a rollout every agent asks for what it was just told of. */
export function ownedObjectStore(handle: Handle): Pick<DeploymentObjectStore, "get"> {
  const objects = gatheredObjects(handle);
  return {
    async get(objectId, agentId) {
      const found = await objects.call({ objectId, agentId });
      if (found === undefined) throw objectNotFound(objectId);
      return found;
    },
  };
}

/** Who was told of an object has a delivery of its stack, which is found sooner than what associates the two. */
function gatheredObjects({ sql, tracing }: Pick<Handle, "sql" | "tracing">): Gathered<Asked, OwnedObject | undefined> {
  return new Gathered(async (asked) => {
    const objectIds = asked.map(({ objectId }) => objectId);
    const agentIds = asked.map(({ agentId }) => agentId ?? null);
    const rows = await sql<OwnedRow>`
      select ${objectColumns(sql)}, stack.generator_id, asked.place::integer,
        case
          when asked.agent_id is null then false
          when exists (
            select from deliveries
            where agent_id = asked.agent_id and stack_id = object.stack_id and state not in ('terminating', 'removed')
          ) then true
          else exists (select from associations where agent_id = asked.agent_id and stack_id = object.stack_id)
        end as is_associated
      from unnest(${objectIds}::uuid[], ${agentIds}::uuid[]) with ordinality as asked (object_id, agent_id, place)
      cross join lateral (
        select id, sequence_id, stack_id, yaml_content, yaml_checksum, submitted_at, is_deletion_marker, body_kept,
          created_at, updated_at
        from deployment_objects where id = asked.object_id and deleted_at is null offset 0
      ) object
      cross join lateral (
        select generator_id from stacks where id = object.stack_id and deleted_at is null offset 0
      ) stack`;
    const found = new Map(rows.map((row) => [row.place, toOwnedObject(row)]));
    return asked.map((_, index) => found.get(index + 1));
  }, tracing);
}

function toOwnedObject(row: OwnedRow): OwnedObject {
  return {
    head: toObjectHead(row),
    stack: { id: row.stack_id, generatorId: row.generator_id },
    isAssociated: row.is_associated,
  };
}
