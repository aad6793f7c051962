import { HEALTH_STATUSES } from "$lib/wire/event.ts";
import { CONNECTIVITIES } from "../domain/agent.ts";
import type { Caller } from "../domain/caller.ts";
import { DELIVERY_STATES } from "../domain/delivery.ts";
import type { GridFilter, GridGroup } from "../domain/fleet_grid.ts";
import type { GridPart } from "../store/fleet_grid.ts";

/** What the address of the fleet's page asks for: what it does not know is passed over. */
export interface FleetQuery {
  readonly filter: GridFilter;
  /** Which group is opened: all of them at once, one, or none. */
  readonly opened: "all" | Pick<GridGroup, "key"> | undefined;
  readonly part: Pick<GridPart, "agentsAfter" | "stacksAfter">;
}

const TEXT_MAX = 255;
const ALL = "all";
const WITHOUT = "without";
const VALUE = "is:";

/** Reads the address; a key sees its own. */
export function readFleetQuery({ searchParams }: URL, caller: Caller): FleetQuery {
  const whole = (name: string) => searchParams.get(name)?.replaceAll("\0", "").trim() || undefined;
  const text = (name: string) => whole(name)?.slice(0, TEXT_MAX).trim();
  const oneOf = <T extends string>(name: string, values: readonly T[]) => values.find((one) => one === text(name));
  return {
    filter: {
      agent: text("agent"),
      stack: text("stack"),
      connectivity: oneOf("connectivity", CONNECTIVITIES),
      state: oneOf("state", DELIVERY_STATES),
      health: oneOf("health", HEALTH_STATUSES),
      generatorId: caller.role === "generator" ? caller.id : undefined,
      agentId: caller.role === "agent" ? caller.id : undefined,
    },
    opened: openedIn(text("group")),
    part: { agentsAfter: whole("agents"), stacksAfter: whole("stacks") },
  };
}

function openedIn(text: string | undefined): FleetQuery["opened"] {
  if (text === ALL) return ALL;
  if (text === WITHOUT) return { key: undefined };
  return text?.startsWith(VALUE) ? { key: text.slice(VALUE.length) } : undefined;
}

/** The value of `group` that opens a group, or all of them. */
export function groupParameter(opened: "all" | Pick<GridGroup, "key">): string {
  if (opened === "all") return ALL;
  return opened.key === undefined ? WITHOUT : VALUE + opened.key;
}

/** The same page with some parameters changed; those that are undefined go. */
export function addressWith({ pathname, searchParams }: URL, changes: Readonly<Record<string, string | undefined>>) {
  const changed = new URLSearchParams(searchParams);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) changed.delete(name);
    else changed.set(name, value);
  }
  return changed.size === 0 ? pathname : `${pathname}?${changed}`;
}
