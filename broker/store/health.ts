import type { SqlFragment } from "$lib/database.ts";
import type { HealthStatus } from "$lib/wire/event.ts";
import type { ConnectivityLimits } from "../domain/agent.ts";
import type { DeliveryState } from "../domain/delivery.ts";
import type { Condition } from "../domain/old_health.ts";
import { isConnectedAs } from "./agent_heartbeats.ts";
import type { Handle } from "./handle.ts";

/** How many deliveries of one object are in the same condition. */
export interface ConditionCount extends Condition {
  readonly objectId: string;
  readonly deliveries: number;
}

/** What one agent said of how well an object works. */
export interface ObjectHealth extends Condition {
  readonly id: string;
  readonly agentId: string;
  readonly reason?: string;
  readonly checkedAt: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** How well things work, by the object that it is said of: the desired one, or what an agent still has instead. */
export interface HealthStore {
  /** The newest object first. */
  ofStack(stackId: string, limits: ConnectivityLimits): Promise<readonly ConditionCount[]>;
  /** Of agents that have said anything, up to 10,000. */
  ofObject(objectId: string, limits: ConnectivityLimits): Promise<readonly ObjectHealth[]>;
}

const RECORDS_MAX = 10_000;

interface CountRow {
  readonly object_id: string;
  readonly state: DeliveryState;
  readonly health: HealthStatus;
  readonly is_stale: boolean;
  readonly deliveries: number;
}

interface HealthRow extends Omit<CountRow, "object_id" | "deliveries"> {
  readonly id: string;
  readonly agent_id: string;
  readonly health_reason: string | null;
  readonly health_at: Date;
  readonly created_at: Date;
  readonly updated_at: Date;
}

/** {@linkcode HealthStore} over the table `deliveries`. */
export function healthStore({ sql }: Handle): HealthStore {
  const isStale = (limits: ConnectivityLimits) => isConnectedAs(sql, ["late", "lost"], limits);
  const objectId: SqlFragment = sql.fragment`
    case when state = 'pending' then coalesce(applied_object_id, desired_object_id) else desired_object_id end`;
  const agent: SqlFragment = sql.fragment`
    join agents on agents.id = delivery.agent_id
    left join agent_heartbeats heartbeat on heartbeat.agent_id = agents.id`;
  return {
    async ofStack(stackId, limits) {
      const rows = await sql<CountRow>`
        select counted.object_id, state, health, is_stale, deliveries
        from (
          select ${objectId} as object_id, state, coalesce(health, 'unknown') as health,
            ${isStale(limits)} as is_stale, count(*) as deliveries
          from deliveries delivery ${agent}
          where delivery.stack_id = ${stackId} and state <> 'removed'
          group by 1, 2, 3, 4
        ) counted
        cross join lateral (select sequence_id from deployment_objects where id = counted.object_id offset 0) object
        order by object.sequence_id desc, state, health, is_stale`;
      return rows.map(({ object_id, is_stale, ...rest }) => ({ objectId: object_id, isStale: is_stale, ...rest }));
    },
    async ofObject(id, limits) {
      const rows = await sql<HealthRow>`
        select delivery.id, delivery.agent_id, state, health, health_reason, health_at, delivery.created_at,
          delivery.updated_at, ${isStale(limits)} as is_stale
        from deliveries delivery ${agent}
        where (desired_object_id = ${id} or applied_object_id = ${id}) and ${objectId} = ${id}
          and state <> 'removed' and health is not null and health_at is not null
        order by delivery.agent_id limit ${RECORDS_MAX}`;
      return rows.map(toObjectHealth);
    },
  };
}

function toObjectHealth(row: HealthRow): ObjectHealth {
  return {
    id: row.id,
    agentId: row.agent_id,
    state: row.state,
    health: row.health,
    isStale: row.is_stale,
    ...(row.health_reason === null ? {} : { reason: row.health_reason }),
    checkedAt: row.health_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
