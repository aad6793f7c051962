import { isSilent } from "../domain/agent.ts";
import type { GridAgent, GridCell, GridStack } from "../domain/fleet_grid.ts";
import type { Grid } from "../store/fleet_grid.ts";
import { addressWith } from "./fleet_query.ts";
import type { Visit } from "./parts.ts";
import { connectivityBadge, HEALTH_LETTERS, type Shown, STATE_LETTERS, toneOf } from "./verdicts.tsx";
import { longAge, named, shortAge } from "./words.tsx";

/** Agents by stacks, one cell a delivery. */
export function gridOf({ agents, stacks, cells }: Grid, visit: Visit) {
  if (agents.items.length === 0) return <p>No agent fits.</p>;
  const byPlace = new Map(cells.map((cell) => [`${cell.agentId} ${cell.stackId}`, cell]));
  return (
    <>
      <div class="scroll" role="region" aria-label="Agents by stacks" tabindex={0}>
        <table class="grid">
          <thead>
            <tr>
              <th scope="col">Agent</th>
              {stacks.items.map((stack) => <th scope="col">{stackName(stack, visit)}</th>)}
            </tr>
          </thead>
          <tbody>
            {agents.items.map((agent) => (
              <tr>
                <th scope="row">{agentName(agent, visit)}</th>
                {stacks.items.map(({ id }) => cellOf(byPlace.get(`${agent.id} ${id}`), agent))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {stacks.items.length === 0 ? <p>Nothing is delivered to these agents.</p> : ""}
      {pages({ agents, stacks }, visit)}
      {legend()}
    </>
  );
}

/** An agent's page is its own and the admin's. */
function agentName({ id, name, clusterName, connectivity, heartbeatAgeSeconds, status }: GridAgent, { caller }: Visit) {
  return (
    <>
      {caller.role === "generator" ? named(name) : <a href={`/console/agents/${id}`}>{named(name)}</a>}
      <small>
        {named(clusterName)}
        {connectivity === "connected" ? "" : <>{" "}{connectivityBadge(connectivity)}</>}
        {isSilent(connectivity) && heartbeatAgeSeconds !== undefined ? ` ${shortAge(heartbeatAgeSeconds)}` : ""}
        {status === "ACTIVE" ? "" : " inactive"}
      </small>
    </>
  );
}

/** A stack's page is its owner's and the admin's. */
function stackName({ id, name }: GridStack, { caller }: Visit) {
  return caller.role === "agent" ? named(name) : <a href={`/console/stacks/${id}`}>{named(name)}</a>;
}

function cellOf(cell: GridCell | undefined, { connectivity }: GridAgent) {
  if (cell === undefined) return <td></td>;
  const { agentId, stackId, state, health, isHeld, ageSeconds } = cell;
  const believed = isSilent(connectivity) ? { health: "unknown" as const, lastKnown: health } : { health };
  const shown: Shown = { state, isHeld, ...believed };
  const words = `${state}${isHeld ? ", held" : ""}, ${shown.health}${
    shown.lastKnown === undefined ? "" : `, last known ${health}`
  }`;
  const label = `${words}, ${longAge(ageSeconds)} ago`;
  return (
    <td class={toneOf(shown)}>
      <a href={`/console/deliveries/${agentId}/${stackId}`} title={label}>
        <b>{STATE_LETTERS[state]}{HEALTH_LETTERS[shown.health]}</b>
        <i>{shown.lastKnown === undefined ? "" : `was ${HEALTH_LETTERS[shown.lastKnown]} `}{shortAge(ageSeconds)}</i>
      </a>
    </td>
  );
}

function pages({ agents, stacks }: Pick<Grid, "agents" | "stacks">, { url }: Visit) {
  const { searchParams } = url;
  const links = [
    searchParams.has("agents") ? [addressWith(url, { agents: undefined }), "First agents"] as const : undefined,
    agents.next === undefined ? undefined : [addressWith(url, { agents: agents.next }), "Next 50 agents"] as const,
    searchParams.has("stacks") ? [addressWith(url, { stacks: undefined }), "First stacks"] as const : undefined,
    stacks.next === undefined ? undefined : [addressWith(url, { stacks: stacks.next }), "Next 20 stacks"] as const,
  ].filter((link) => link !== undefined);
  if (links.length === 0) return "";
  return <nav class="pages" aria-label="Pages">{links.map(([href, text]) => <a href={href}>{text}</a>)}</nav>;
}

function legend() {
  const lettered = (letters: Readonly<Record<string, string>>) =>
    Object.entries(letters).filter(([word]) => word !== "removed").map(([word, letter]) => (
      <span>
        <b>{letter}</b> {word}
      </span>
    ));
  return (
    <div class="legend">
      <p>First letter, how far it is: {lettered(STATE_LETTERS)}</p>
      <p>Second letter, how well it works: {lettered(HEALTH_LETTERS)}</p>
    </div>
  );
}
