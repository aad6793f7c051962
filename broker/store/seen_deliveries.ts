import type { Sql, SqlFragment } from "$lib/database.ts";
import { Failure } from "$lib/error.ts";
import { type AgentStatus, ageOf } from "../domain/agent.ts";
import type { SeenDelivery } from "../domain/seen_delivery.ts";
import { heartbeatAge, lastSaid } from "./agent_heartbeats.ts";
import { deliveryColumns, type DeliveryRow, toDelivery } from "./deliveries.ts";
import { choosePage, cursorOf } from "./delivery_pages.ts";
import type { Handle } from "./handle.ts";
import type { DeliveryStore } from "./mod.ts";
import { DEFAULT_LIMIT } from "./paging.ts";

interface SeenRow extends DeliveryRow {
  readonly agent_name: string;
  readonly cluster_name: string;
  readonly status: AgentStatus;
  readonly heartbeat_age_seconds: number | null;
  readonly k8s_reachable: boolean | null;
  readonly stack_name: string;
  readonly generator_id: string;
  readonly desired_sequence_id: number;
  readonly desired_submitted_at: Date;
  readonly desired_settled_at: Date | null;
  readonly applied_sequence_id: number | null;
  readonly applied_submitted_at: Date | null;
}

/** What is shown of deliveries, of {@linkcode DeliveryStore}. */
export function seenDeliveryStore({ sql }: Handle): Pick<DeliveryStore, "get" | "list"> {
  return {
    async get(agentId, stackId) {
      const one = sql.fragment`
        select id, 1 as place from deliveries where agent_id = ${agentId} and stack_id = ${stackId}`;
      const [row] = await sql<SeenRow>`select ${columns(sql)} from ${seen(sql, one)}`;
      if (row !== undefined) return toSeenDelivery(row);
      const what = `agent "${agentId}" has nothing of stack "${stackId}"`;
      throw new Failure("delivery_not_found", `Cannot get the delivery: ${what}`);
    },
    async list(filter, limits, paging = {}) {
      const { limit = DEFAULT_LIMIT } = paging;
      const page = await choosePage(sql, { filter, limits, paging: { ...paging, limit: limit + 1 } });
      const rows = await sql<SeenRow & { desired_position: string }>`select ${columns(sql)} from ${seen(sql, page)}`;
      const shown = rows.slice(0, limit);
      const last = shown.at(-1);
      const items = shown.map(toSeenDelivery);
      return last === undefined || shown.length === rows.length ? { items } : { items, next: cursorOf(last) };
    },
  };
}

function columns(sql: Sql): SqlFragment {
  return sql.fragment`
    ${deliveryColumns(sql)}, agent_name, cluster_name, status, heartbeat_age_seconds, k8s_reachable, stack_name,
    generator_id,
    desired_sequence_id, desired_submitted_at, desired_settled_at, applied_sequence_id, applied_submitted_at,
    to_char(desired_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as desired_position`;
}

/** The deliveries that `chosen` gives ids and places of, each with what it names, in their order. */
function seen(sql: Sql, chosen: SqlFragment): SqlFragment {
  return sql.fragment`
    (${chosen}) chosen
    cross join lateral (select ${deliveryColumns(sql)} from deliveries where id = chosen.id offset 0) delivery
    cross join lateral (
      select agents.name as agent_name, agents.cluster_name, agents.status, ${lastSaid(sql)},
        ${heartbeatAge(sql)} as heartbeat_age_seconds
      from agents left join agent_heartbeats heartbeat on heartbeat.agent_id = agents.id
      where agents.id = delivery.agent_id offset 0
    ) agent
    cross join lateral (
      select name as stack_name, generator_id from stacks where id = delivery.stack_id offset 0
    ) stack
    cross join lateral (
      select sequence_id as desired_sequence_id, submitted_at as desired_submitted_at,
        settled_at as desired_settled_at
      from deployment_objects where id = delivery.desired_object_id offset 0
    ) desired
    left join lateral (
      select sequence_id as applied_sequence_id, submitted_at as applied_submitted_at
      from deployment_objects where id = delivery.applied_object_id offset 0
    ) applied on true
    order by chosen.place`;
}

function toSeenDelivery(row: SeenRow): SeenDelivery {
  const { agent_id: agentId, stack_id: stackId, desired_object_id: desiredId, applied_object_id: appliedId } = row;
  const { applied_sequence_id: sequenceId, applied_submitted_at: submittedAt } = row;
  const isThere = appliedId !== null && sequenceId !== null && submittedAt !== null;
  return {
    delivery: toDelivery(row),
    agent: {
      id: agentId,
      name: row.agent_name,
      clusterName: row.cluster_name,
      status: row.status,
      heartbeatAgeSeconds: ageOf(row.heartbeat_age_seconds),
      k8sReachable: row.k8s_reachable ?? undefined,
    },
    stack: { id: stackId, name: row.stack_name, generatorId: row.generator_id },
    desired: {
      id: desiredId,
      sequenceId: row.desired_sequence_id,
      submittedAt: row.desired_submitted_at,
      ...(row.desired_settled_at === null ? {} : { settledAt: row.desired_settled_at }),
    },
    ...(isThere ? { applied: { id: appliedId, sequenceId, submittedAt } } : {}),
    now: row.now,
  };
}
