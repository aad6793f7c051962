import { HEALTH_STATUSES } from "$lib/wire/event.ts";
import { CONNECTIVITIES } from "../domain/agent.ts";
import { DELIVERY_STATES } from "../domain/delivery.ts";
import { type GridCounts, type GridGroup, HEALTH_GROUPS, type HealthGroup } from "../domain/fleet_grid.ts";
import { addressWith, type FleetQuery, groupParameter, readFleetQuery } from "./fleet_query.ts";
import { gridOf } from "./grid.tsx";
import { htmlOf } from "./layout.tsx";
import type { Visit } from "./parts.ts";
import { badge, named, type Tone } from "./words.tsx";

/** So many agents are shown at once, whether or not a group of theirs is opened. */
const FEW = 50;

const HEALTH_NAMES: Readonly<Record<HealthGroup, string>> = {
  trouble: "In trouble",
  silent: "Late or lost",
  progressing: "On its way",
  unknown: "Not yet known",
  healthy: "Healthy",
  empty: "Nothing delivered",
};

/** Agents by stacks: groups, and the grid of the one that is opened. */
export async function fleetPage(visit: Visit): Promise<Response> {
  const { url, caller, parts: { groupBy } } = visit;
  const query = readFleetQuery(url, caller);
  const { opened, groups, grid } = await look(visit, query);
  const content = (
    <>
      <h1>Fleet</h1>
      {summary(totalOf(groups))}
      {filters(query, url)}
      {groupTable(groups, { opened, groupBy, url })}
      {grid === undefined ? <p>Open a group to see its deliveries.</p> : gridOf(grid, visit)}
    </>
  );
  return htmlOf({ title: "Fleet", visit, isLive: true, content });
}

/** What is asked for is opened; else all, where these are few. */
async function look({ store: { fleetGrid }, parts: { limits, groupBy } }: Visit, { filter, opened, part }: FleetQuery) {
  const choice = { filter, limits, groupBy };
  if (opened !== undefined) {
    const grid = await fleetGrid.part(choice, opened === "all" ? part : { ...part, group: opened });
    return { opened, groups: sorted(grid.groups, groupBy), grid };
  }
  const groups = sorted(await fleetGrid.groups(choice), groupBy);
  if (totalOf(groups).agents > FEW) return { groups };
  return { opened: "all" as const, groups, grid: await fleetGrid.part(choice, part) };
}

type Total = Omit<GridGroup, "key">;

function totalOf(groups: readonly GridGroup[]): Total {
  const sum = (of: (group: GridGroup) => number) => groups.reduce((before, group) => before + of(group), 0);
  return {
    agents: sum(({ agents }) => agents),
    silent: sum(({ silent }) => silent),
    healthy: sum(({ healthy }) => healthy),
    progressing: sum(({ progressing }) => progressing),
    degraded: sum(({ degraded }) => degraded),
    unknown: sum(({ unknown }) => unknown),
    troubled: sum(({ troubled }) => troubled),
  };
}

/** By health in its own order; by annotation as the store has them. */
function sorted(groups: readonly GridGroup[], groupBy: string | undefined): readonly GridGroup[] {
  if (groupBy !== undefined) return groups;
  const placeOf = ({ key }: GridGroup) => HEALTH_GROUPS.findIndex((one) => one === key);
  return groups.toSorted((one, other) => placeOf(one) - placeOf(other));
}

function summary({ agents, silent, ...counts }: Total) {
  const deliveries = counts.healthy + counts.progressing + counts.degraded + counts.unknown;
  return (
    <ul class="summary">
      {figure("agents", agents)}
      {figure("late or lost", silent, silent > 0 ? "held" : undefined)}
      {figure("deliveries", deliveries)}
      {figure("healthy", counts.healthy, counts.healthy > 0 ? "good" : undefined)}
      {figure("in trouble", counts.troubled, counts.troubled > 0 ? "bad" : undefined)}
      {figure("unknown", counts.unknown)}
    </ul>
  );
}

function figure(word: string, count: number, tone?: Tone) {
  return (
    <li class={tone}>
      <strong>{count.toLocaleString("en")}</strong> {word}
    </li>
  );
}

function filters({ filter, opened }: FleetQuery, { pathname }: URL) {
  return (
    <form method="get" action={pathname} class="filters">
      <label>
        Agent or cluster <input name="agent" value={filter.agent ?? ""} />
      </label>
      <label>
        Stack <input name="stack" value={filter.stack ?? ""} />
      </label>
      {choice("Connectivity", "connectivity", { values: CONNECTIVITIES, chosen: filter.connectivity })}
      {choice("State", "state", { values: DELIVERY_STATES.slice(0, -1), chosen: filter.state })}
      {choice("Health", "health", { values: HEALTH_STATUSES, chosen: filter.health })}
      {opened === undefined ? "" : <input type="hidden" name="group" value={groupParameter(opened)} />}
      <button type="submit">Filter</button>
      <a href={pathname}>Clear</a>
    </form>
  );
}

function choice(
  label: string,
  name: string,
  { values, chosen }: { readonly values: readonly string[]; readonly chosen: string | undefined },
) {
  return (
    <label>
      {label}{" "}
      <select name={name}>
        <option value="">any</option>
        {values.map((value) => <option value={value} selected={value === chosen}>{value}</option>)}
      </select>
    </label>
  );
}

interface Grouping {
  readonly opened: FleetQuery["opened"];
  readonly groupBy: string | undefined;
  readonly url: URL;
}

function groupTable(groups: readonly GridGroup[], { opened, groupBy, url }: Grouping) {
  const isOpened = ({ key }: GridGroup) => typeof opened === "object" && opened.key === key;
  const open = (group: string) => addressWith(url, { group, agents: undefined, stacks: undefined });
  return (
    <div class="scroll" role="region" aria-label="Groups of agents" tabindex={0}>
      <table class="groups">
        <thead>
          <tr>
            <th scope="col">{groupBy === undefined ? "Agents by health" : <>Agents by {named(groupBy)}</>}</th>
            <th scope="col">Agents</th>
            <th scope="col">Late or lost</th>
            <th scope="col">Deliveries by health</th>
            <th scope="col">In trouble</th>
          </tr>
        </thead>
        <tbody>
          {groups.map((group) => (
            <tr class={isOpened(group) ? "opened" : undefined}>
              <th scope="row">
                <a href={open(groupParameter(group))} aria-current={isOpened(group) ? "true" : undefined}>
                  {groupName(group, groupBy)}
                </a>
              </th>
              <td>{group.agents}</td>
              <td>{group.silent === 0 ? "–" : badge(`${group.silent}`, "held")}</td>
              <td>{counts(group)}</td>
              <td>{group.troubled === 0 ? "–" : badge(`${group.troubled}`, "bad")}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {groups.length < 2 || opened === "all" ? "" : (
        <p>
          <a href={open(groupParameter("all"))}>Open all of them</a>
        </p>
      )}
    </div>
  );
}

function groupName({ key }: GridGroup, groupBy: string | undefined) {
  if (groupBy === undefined) return HEALTH_NAMES[HEALTH_GROUPS.find((one) => one === key) ?? "unknown"];
  return key === undefined ? <em>without it</em> : named(key);
}

const SHARES: readonly (readonly [keyof GridCounts, Tone])[] = [
  ["healthy", "good"],
  ["progressing", "busy"],
  ["degraded", "bad"],
  ["unknown", "unknown"],
];

/** Numbers, and their shares as a bar beneath. */
function counts(group: GridCounts) {
  const all = SHARES.reduce((sum, [health]) => sum + group[health], 0);
  if (all === 0) return "–";
  let from = 0;
  const bars = SHARES.map(([health, tone]) => {
    const width = group[health] / all * 100;
    from += width;
    return <rect class={tone} x={(from - width).toFixed(2)} width={width.toFixed(2)} height="6" />;
  });
  const words = SHARES.filter(([health]) => group[health] > 0).map(([health]) => `${group[health]} ${health}`);
  return (
    <>
      {words.join(", ")}
      <svg class="shares" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">{bars}</svg>
    </>
  );
}
