import type { Sql, SqlFragment } from "$lib/database.ts";
import { HEALTH_STATUSES, type HealthStatus } from "$lib/wire/event.ts";
import { CONNECTIVITIES, type Connectivity, type ConnectivityLimits, isSilent } from "../domain/agent.ts";
import { DELIVERY_STATES, type DeliveryState } from "../domain/delivery.ts";
import { type DeliveryFilter, isTroubled } from "../domain/seen_delivery.ts";
import { isConnectedAs } from "./agent_heartbeats.ts";
import type { DeliveryRow } from "./deliveries.ts";
import type { Paging } from "./mod.ts";
import { badCursor, decodeCursor, encodeCursor } from "./paging.ts";

/** Which page of which deliveries. */
export interface PageChoice {
  readonly filter: DeliveryFilter;
  readonly limits: ConnectivityLimits;
  readonly paging: Paging & { readonly limit: number };
}

/** A state and a reported health: of each there is a range of an index, by when the object was desired. */
interface Condition {
  readonly state: DeliveryState;
  readonly health: HealthStatus;
  readonly isTroubled: boolean;
}

const CONDITIONS: readonly Condition[] = DELIVERY_STATES.flatMap((state) =>
  HEALTH_STATUSES.map((health) => ({ state, health, isTroubled: isTroubled(state, health) }))
);

/** Deliveries of these conditions of agents that are connected so; what is chosen may be several such parts. */
interface Part {
  readonly conditions: readonly Condition[];
  readonly connectivities: readonly Connectivity[];
}

/** The place behind which the page begins. */
interface Place {
  readonly isTroubled: boolean;
  readonly desiredAt: string;
  readonly agentId: string;
  readonly stackId: string;
}

/** Up to so many agents, or stacks, are looked through one by one; more of them are met often enough among all. */
const FEW = 100;
const NIL = "00000000-0000-0000-0000-000000000000";

/**
 * A statement for ids and places of one page: of each state and health the first rows behind the cursor, merged. It
 * reads the deliveries of few agents or stacks by these, and those of many in the order of the page, passing over the
 * others.
 *
 * @throws {Failure} `invalid_parameters` for a cursor that no page gave.
 */
export async function choosePage(sql: Sql, choice: PageChoice): Promise<SqlFragment> {
  const { paging: { cursor, limit } } = choice;
  const after = cursor === undefined ? undefined : readPlace(cursor);
  const parts = await Promise.all(partsOf(choice.filter).map((part) => candidates(sql, { part, after, ...choice })));
  const all = parts.reduce((one, other) => sql.fragment`${one} union all ${other}`);
  return sql.fragment`
    select id, row_number() over (order by is_troubled desc, desired_at, agent_id, stack_id) as place
    from (${all}) candidate order by place limit ${limit}`;
}

/** Where the page ends whose last row this is. */
export function cursorOf(row: DeliveryRow & { readonly desired_position: string }): string {
  const isBad = isTroubled(row.state, row.health ?? "unknown");
  return encodeCursor([isBad ? "1" : "0", row.desired_position, row.agent_id, row.stack_id].join("|"));
}

const PLACE = /^([01])\|([\dTZ:.-]+)\|([0-9a-f-]{36})\|([0-9a-f-]{36})$/;

function readPlace(cursor: string): Place {
  const [, troubled, desiredAt, agentId, stackId] = PLACE.exec(decodeCursor(cursor)) ?? [];
  if (desiredAt === undefined || agentId === undefined || stackId === undefined) throw badCursor();
  return { isTroubled: troubled === "1", desiredAt, agentId, stackId };
}

/** What is of unknown health is what was reported so, and whatever silent agents have reported. */
function partsOf({ state, health, connectivity, isStale }: DeliveryFilter): readonly Part[] {
  const conditions = CONDITIONS.filter((one) => state === undefined || one.state === state);
  const connectivities = CONNECTIVITIES.filter((one) =>
    (connectivity === undefined || one === connectivity) && (isStale === undefined || isSilent(one) === isStale)
  );
  if (health === undefined) return [{ conditions, connectivities }];
  const reported = conditions.filter((one) => one.health === health);
  if (health !== "unknown") {
    return [{
      conditions: reported,
      connectivities: connectivities.filter((one) => !isSilent(one)),
    }];
  }
  return [
    { conditions: reported, connectivities },
    {
      conditions: conditions.filter((one) => one.health !== health),
      connectivities: connectivities.filter(isSilent),
    },
  ];
}

interface PartChoice extends PageChoice {
  readonly part: Part;
  readonly after: Place | undefined;
}

async function candidates(sql: Sql, choice: PartChoice): Promise<SqlFragment> {
  const { filter: { stackId, generatorId }, paging: { limit } } = choice;
  const ranges = rangesOf(sql, choice);
  const wanted = wantedOf(sql, choice.filter);
  const columns = sql
    .fragment`delivery.id, range.is_troubled, delivery.desired_at, delivery.agent_id, delivery.stack_id`;
  const agentIds = await fewAgents(sql, choice);
  if (agentIds !== undefined) {
    return sql.fragment`(
      select ${columns} from deliveries delivery join ${ranges} on ${isInRange(sql)}
      where delivery.agent_id = any(${agentIds}) ${wanted}
      order by is_troubled desc, desired_at, agent_id, stack_id limit ${limit})`;
  }
  const stackIds = stackId !== undefined ? [stackId] : generatorId && await fewStacks(sql, generatorId);
  const [stacks, isOfStack] = stackIds
    ? [sql.fragment`unnest(${stackIds}::uuid[]) as stack (id),`, sql.fragment`and delivery.stack_id = stack.id`]
    : [sql.fragment``, sql.fragment``];
  return sql.fragment`(
    select found.id, found.is_troubled, found.desired_at, found.agent_id, found.stack_id
    from ${stacks} ${ranges}
    cross join lateral (
      select ${columns} from deliveries delivery
      where ${isInRange(sql)} ${isOfStack} ${wanted} ${ofConnected(sql, choice)}
      order by delivery.desired_at, delivery.agent_id, delivery.stack_id limit ${limit}
    ) found)`;
}

/** The conditions that the page may show, each from where it goes on; those before the cursor's are over. */
function rangesOf(sql: Sql, { part: { conditions }, after }: PartChoice): SqlFragment {
  const ranges = conditions.filter((one) => after === undefined || after.isTroubled || !one.isTroubled);
  const from = ranges.map((one) => after !== undefined && one.isTroubled === after.isTroubled ? after : undefined);
  return sql.fragment`
    unnest(
      ${ranges.map(({ state }) => state)}::text[], ${ranges.map(({ health }) => health)}::text[],
      ${ranges.map((one) => one.isTroubled)}::boolean[],
      ${from.map((place) => place?.desiredAt ?? "-infinity")}::timestamptz[],
      ${from.map((place) => place?.agentId ?? NIL)}::uuid[], ${from.map((place) => place?.stackId ?? NIL)}::uuid[]
    ) as range (state, health, is_troubled, from_at, from_agent_id, from_stack_id)`;
}

function isInRange(sql: Sql): SqlFragment {
  return sql.fragment`
    delivery.state = range.state and coalesce(delivery.health, 'unknown') = range.health
    and (delivery.desired_at, delivery.agent_id, delivery.stack_id)
      > (range.from_at, range.from_agent_id, range.from_stack_id)`;
}

/**
 * What is wanted of a delivery besides its condition and its agent. Starts with `and`, or is empty. `is true` keeps a
 * set a set that is read once, whatever the planner guesses.
 */
function wantedOf(sql: Sql, { stackId, generatorId, olderThanSeconds }: DeliveryFilter): SqlFragment {
  const ofStack = stackId === undefined ? sql.fragment`` : sql.fragment`and delivery.stack_id = ${stackId}`;
  const ofGenerator = generatorId === undefined ? sql.fragment`` : sql.fragment`
    and (delivery.stack_id in (select id from stacks where generator_id = ${generatorId})) is true`;
  const older = olderThanSeconds === undefined
    ? sql.fragment``
    : sql.fragment`and delivery.desired_at < now() - make_interval(secs => ${olderThanSeconds})`;
  return sql.fragment`${ofStack} ${ofGenerator} ${older}`;
}

function ofConnected(sql: Sql, choice: PartChoice): SqlFragment {
  return isAnyConnectivity(choice) ? sql.fragment`` : sql.fragment`
    and (delivery.agent_id in (select id ${connectedAgents(sql, choice)})) is true`;
}

/** The agents to look through one by one; undefined where they are many, or all. */
async function fewAgents(sql: Sql, choice: PartChoice): Promise<readonly string[] | undefined> {
  const { filter: { agentId } } = choice;
  if (isAnyConnectivity(choice)) return agentId === undefined ? undefined : [agentId];
  const isOne = agentId === undefined ? sql.fragment`` : sql.fragment`and id = ${agentId}`;
  const rows = await sql<{ id: string }>`select id ${connectedAgents(sql, choice)} ${isOne} limit ${FEW + 1}`;
  return rows.length > FEW ? undefined : rows.map(({ id }) => id);
}

function isAnyConnectivity({ part: { connectivities } }: PartChoice): boolean {
  return connectivities.length === CONNECTIVITIES.length;
}

function connectedAgents(sql: Sql, { limits, part: { connectivities } }: PartChoice): SqlFragment {
  return sql.fragment`
    from agents left join agent_heartbeats heartbeat on heartbeat.agent_id = agents.id
    where deleted_at is null and ${isConnectedAs(sql, connectivities, limits)}`;
}

/** The generator's stacks to look through one by one, deleted ones too; undefined where they are many. */
async function fewStacks(sql: Sql, generatorId: string): Promise<readonly string[] | undefined> {
  const rows = await sql<{ id: string }>`select id from stacks where generator_id = ${generatorId} limit ${FEW + 1}`;
  return rows.length > FEW ? undefined : rows.map(({ id }) => id);
}
