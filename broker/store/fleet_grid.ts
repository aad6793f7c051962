import type { Sql, SqlFragment } from "$lib/database.ts";
import { jsonIn } from "$lib/json.ts";
import type { HealthStatus } from "$lib/wire/event.ts";
import { type AgentStatus, ageOf, type Connectivity, type ConnectivityLimits } from "../domain/agent.ts";
import type { DeliveryState } from "../domain/delivery.ts";
import type { GridAgent, GridCell, GridFilter, GridGroup, GridStack } from "../domain/fleet_grid.ts";
import { connectivity, heartbeatAge } from "./agent_heartbeats.ts";
import type { Handle } from "./handle.ts";
import type { Page } from "./mod.ts";
import { badCursor, decodeCursor, encodeCursor } from "./paging.ts";

/** What is looked at, and how agents are grouped. */
export interface GridChoice {
  readonly filter: GridFilter;
  readonly limits: ConnectivityLimits;
  /** The annotation by whose values agents are grouped; by health without one. */
  readonly groupBy: string | undefined;
}

/** Which part of the grid. */
export interface GridPart {
  /** Its key; all groups without it. */
  readonly group?: Pick<GridGroup, "key"> | undefined;
  readonly agentsAfter?: string | undefined;
  readonly stacksAfter?: string | undefined;
}

/** A part of the grid, and the groups of all of it. */
export interface Grid {
  readonly groups: readonly GridGroup[];
  readonly agents: Page<GridAgent>;
  readonly stacks: Page<GridStack>;
  readonly cells: readonly GridCell[];
}

/** Agents × stacks, for people who look. */
export interface FleetGridStore {
  /** Up to 200 groups: those with trouble first. */
  groups(choice: GridChoice): Promise<readonly GridGroup[]>;
  /**
   * Up to 50 agents by 20 stacks that they have anything of, both by name; and the groups, which it costs no more to
   * count at once.
   *
   * @throws {Failure} `invalid_parameters` for a cursor that no part gave.
   */
  part(choice: GridChoice, part: GridPart): Promise<Grid>;
}

const GROUPS_MAX = 200;
const AGENTS = 50;
const STACKS = 20;

type GroupRow = Omit<GridGroup, "key"> & { readonly key: string | null };

interface AgentRow {
  readonly id: string;
  readonly name: string;
  readonly cluster_name: string;
  readonly status: AgentStatus;
  readonly connectivity: Connectivity;
  readonly age_seconds: number | null;
}

interface CellRow {
  readonly agent_id: string;
  readonly stack_id: string;
  readonly state: DeliveryState;
  readonly health: HealthStatus;
  readonly is_held: boolean;
  readonly age_seconds: number;
}

/**
 * {@linkcode FleetGridStore} over agents, what they are annotated with, and their deliveries or the counts of those.
 */
export function fleetGridStore({ sql }: Handle): FleetGridStore {
  return {
    async groups(choice) {
      const rows = await sql<GroupRow>`
        with ${placed(sql, choice)}, ${grouped(sql)}
        select key, agents, silent, healthy, progressing, degraded, unknown, troubled from grouped`;
      return rows.map(toGroup);
    },
    async part(choice, { group, agentsAfter, stacksAfter }) {
      const { groups, agents } = await groupsAndAgents(sql, choice, { group, agentsAfter });
      const agentIds = agents.items.map(({ id }) => id);
      const stacks = await stacksOf(sql, { agentIds, filter: choice.filter, after: stacksAfter });
      const rows = await sql<CellRow>`
        select agent_id, stack_id, state, coalesce(health, 'unknown') as health,
          held_revision is not null as is_held,
          greatest(0, extract(epoch from now() - observed_at))::double precision as age_seconds
        from deliveries
        where agent_id = any(${agentIds}) and stack_id = any(${
        stacks.items.map(({ id }) => id)
      }) and state <> 'removed'`;
      return { groups, agents, stacks, cells: rows.map(toCell) };
    },
  };
}

/** Both from one look at the deliveries, which is most of the work. */
async function groupsAndAgents(
  sql: Sql,
  choice: GridChoice,
  { group, agentsAfter }: Pick<GridPart, "group" | "agentsAfter">,
): Promise<Pick<Grid, "groups" | "agents">> {
  const isOfGroup = group === undefined
    ? sql.fragment``
    : sql.fragment`and key is not distinct from ${group.key ?? null}::text`;
  const place = agentsAfter === undefined ? undefined : readPlace(agentsAfter, 2);
  const after = place === undefined
    ? sql.fragment``
    : sql.fragment`and (name, cluster_name) > (${place[0] ?? ""}::text, ${place[1] ?? ""}::text)`;
  const [row] = await sql<{ groups: readonly GroupRow[] | null; agents: readonly AgentRow[] | null }>`
    with ${placed(sql, choice)}, ${grouped(sql)}, page as (
      select id, name, cluster_name, status, connectivity, age_seconds from placed
      where true ${isOfGroup} ${after} order by name, cluster_name limit ${AGENTS + 1}
    )
    select (select json_agg(grouped) from grouped) as groups, (select json_agg(page) from page) as agents`;
  const paging = { size: AGENTS, place: (row: AgentRow) => [row.name, row.cluster_name], read: toAgent };
  return { groups: (row?.groups ?? []).map(toGroup), agents: pageOf(row?.agents ?? [], paging) };
}

/** Of two stacks of one name, one is deleted and not yet removed everywhere. */
async function stacksOf(
  sql: Sql,
  { agentIds, filter, after }: {
    readonly agentIds: readonly string[];
    readonly filter: GridFilter;
    readonly after: string | undefined;
  },
): Promise<Page<GridStack>> {
  const place = after === undefined ? undefined : readPlace(after, 2);
  const behind = place === undefined
    ? sql.fragment``
    : sql.fragment`and (name, id::text) > (${place[0] ?? ""}::text, ${place[1] ?? ""}::text)`;
  const isOfState = filter.state === undefined ? sql.fragment`` : sql.fragment`and state = ${filter.state}`;
  const rows = await sql<GridStack>`
    select id, name from stacks
    where id in (
      select stack_id from deliveries where agent_id = any(${agentIds}) and state <> 'removed' ${isOfState}
    ) ${isWantedStack(sql, filter)} ${behind}
    order by name, id::text limit ${STACKS + 1}`;
  return pageOf(rows, { size: STACKS, place: ({ name, id }) => [name, id], read: (row) => row });
}

/** `placed`: every agent that is looked at, with its group, its counts, and how connected it is. */
function placed(sql: Sql, { filter, limits, groupBy }: GridChoice): SqlFragment {
  const annotation = groupBy === undefined ? sql.fragment`` : sql.fragment`
      left join agent_annotations annotation on annotation.agent_id = seen.id and annotation.key = ${groupBy}`;
  const key = groupBy === undefined ? healthGroup(sql) : sql.fragment`annotation.value`;
  return sql.fragment`
    agent as (
      select id, name, cluster_name, status, ${connectivity(sql, limits)} as connectivity,
        ${heartbeatAge(sql)} as age_seconds
      from agents left join agent_heartbeats heartbeat on heartbeat.agent_id = agents.id
      where deleted_at is null ${isWantedAgent(sql, filter)}
    ), believed as (
      select agent.*, state, deliveries,
        case when connectivity in ('late', 'lost') then 'unknown' else health end as health
      from agent ${isNarrowed(filter) ? sql.fragment`` : sql.fragment`left`} join (
        ${counted(sql, filter)}
      ) counted on counted.agent_id = agent.id
    ), seen as (
      select id, name, cluster_name, status, connectivity, age_seconds, ${sums(sql)}
      from believed where true ${isWantedCondition(sql, filter)}
      group by id, name, cluster_name, status, connectivity, age_seconds
    ), placed as (
      select seen.*, ${key} as key from seen ${annotation}
    )`;
}

/** `grouped`: those groups, the ones with trouble first. */
function grouped(sql: Sql): SqlFragment {
  return sql.fragment`
    grouped as (
      select key, count(*) as agents, count(*) filter (where connectivity in ('late', 'lost')) as silent,
        sum(healthy) as healthy, sum(progressing) as progressing, sum(degraded) as degraded, sum(unknown) as unknown,
        sum(troubled) as troubled
      from placed group by key order by sum(troubled) > 0 desc, key limit ${GROUPS_MAX}
    )`;
}

/** Whether an agent without a delivery that fits is left out. */
function isNarrowed({ generatorId, stack, state, health }: GridFilter): boolean {
  return [generatorId, stack, state, health].some((one) => one !== undefined);
}

/** Deliveries by agent, state and reported health: of all stacks they are counted already. */
function counted(sql: Sql, filter: GridFilter): SqlFragment {
  if (filter.generatorId === undefined && filter.stack === undefined) {
    return sql.fragment`
      select agent_id, state, health, deliveries from agent_delivery_counts
      where deliveries > 0 and state <> 'removed'`;
  }
  return sql.fragment`
    select agent_id, state, coalesce(health, 'unknown') as health, count(*) as deliveries from deliveries
    where state <> 'removed' and stack_id in (select id from stacks where true ${isWantedStack(sql, filter)})
    group by 1, 2, 3`;
}

function sums(sql: Sql): SqlFragment {
  return sql.fragment`
    coalesce(sum(deliveries) filter (where health = 'healthy'), 0) as healthy,
    coalesce(sum(deliveries) filter (where health = 'progressing'), 0) as progressing,
    coalesce(sum(deliveries) filter (where health = 'degraded'), 0) as degraded,
    coalesce(sum(deliveries) filter (where health = 'unknown'), 0) as unknown,
    coalesce(sum(deliveries) filter (where state in ('failed', 'blocked') or health = 'degraded'), 0) as troubled,
    coalesce(sum(deliveries) filter (where state in ('pending', 'applying', 'terminating')), 0) as moving`;
}

function healthGroup(sql: Sql): SqlFragment {
  return sql.fragment`
    case when connectivity in ('late', 'lost') then 'silent' when troubled > 0 then 'trouble'
      when progressing + moving > 0 then 'progressing' when unknown > 0 then 'unknown' when healthy > 0 then 'healthy'
      else 'empty' end`;
}

function isWantedAgent(sql: Sql, { agentId, agent }: GridFilter): SqlFragment {
  const isOne = agentId === undefined ? sql.fragment`` : sql.fragment`and id = ${agentId}`;
  const part = agent?.toLowerCase();
  const isNamed = part === undefined
    ? sql.fragment``
    : sql.fragment`and (position(${part} in lower(name)) > 0 or position(${part} in lower(cluster_name)) > 0)`;
  return sql.fragment`${isOne} ${isNamed}`;
}

function isWantedStack(sql: Sql, { generatorId, stack }: GridFilter): SqlFragment {
  const isOwn = generatorId === undefined ? sql.fragment`` : sql.fragment`and generator_id = ${generatorId}`;
  const isNamed = stack === undefined
    ? sql.fragment``
    : sql.fragment`and position(${stack.toLowerCase()} in lower(name)) > 0`;
  return sql.fragment`${isOwn} ${isNamed}`;
}

function isWantedCondition(sql: Sql, { connectivity: connected, state, health }: GridFilter): SqlFragment {
  const isConnected = connected === undefined ? sql.fragment`` : sql.fragment`and connectivity = ${connected}`;
  const isOfState = state === undefined ? sql.fragment`` : sql.fragment`and state = ${state}`;
  const isOfHealth = health === undefined ? sql.fragment`` : sql.fragment`and health = ${health}`;
  return sql.fragment`${isConnected} ${isOfState} ${isOfHealth}`;
}

function toGroup({ key, ...counts }: GroupRow): GridGroup {
  return { key: key ?? undefined, ...counts };
}

function toAgent({ cluster_name: clusterName, age_seconds: age, ...rest }: AgentRow): GridAgent {
  return { ...rest, clusterName, heartbeatAgeSeconds: ageOf(age) };
}

function toCell({ agent_id, stack_id, is_held, age_seconds, ...rest }: CellRow): GridCell {
  return { agentId: agent_id, stackId: stack_id, isHeld: is_held, ageSeconds: age_seconds, ...rest };
}

interface PageReading<Row, T> {
  readonly size: number;
  readonly place: (row: Row) => readonly string[];
  readonly read: (row: Row) => T;
}

/** The page that rows make, one more than its size where there is another. */
function pageOf<Row, T>(rows: readonly Row[], { size, place, read }: PageReading<Row, T>): Page<T> {
  const shown = rows.slice(0, size);
  const last = shown.at(-1);
  const items = shown.map(read);
  if (last === undefined || shown.length === rows.length) return { items };
  return { items, next: encodeCursor(JSON.stringify(place(last))) };
}

/** A place is names, which may hold anything but NUL. */
function readPlace(cursor: string, length: number): readonly string[] {
  const place = jsonIn(decodeCursor(cursor));
  const isPlace = Array.isArray(place) && place.length === length &&
    place.every((part) => typeof part === "string" && !part.includes("\0"));
  if (!isPlace) throw badCursor();
  return place;
}
