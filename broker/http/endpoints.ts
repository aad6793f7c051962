import { AGENT_EVENTS } from "./agent_events.ts";
import { AGENT_TAGS, STACK_TAGS } from "./tags.ts";
import { AGENTS } from "./agents.ts";
import { CAUSES } from "./causes.ts";
import { CHANGES } from "./changes.ts";
import { DELIVERIES } from "./deliveries.ts";
import { DEPLOYMENT_OBJECTS } from "./deployment_objects.ts";
import type { Endpoint, Method } from "./endpoint.ts";
import { FLEET } from "./fleet.ts";
import { GENERATORS } from "./generators.ts";
import { HEALTH } from "./health.ts";
import { KEYS } from "./keys.ts";
import { OTLP } from "./otlp.ts";
import { REGISTRATIONS } from "./registrations.ts";
import { SNAPSHOTS } from "./snapshots.ts";
import { STACK_HISTORY } from "./stack_history.ts";
import { STACKS } from "./stacks.ts";
import { TARGETS } from "./targets.ts";

/** Every path and method of the API: what is routed, documented and held against the roles by a test. */
export const ENDPOINTS: readonly Endpoint[] = [
  ...KEYS,
  ...GENERATORS,
  ...AGENTS,
  ...AGENT_TAGS,
  ...TARGETS,
  ...REGISTRATIONS,
  ...SNAPSHOTS,
  ...CHANGES,
  ...AGENT_EVENTS,
  ...OTLP,
  ...STACKS,
  ...STACK_TAGS,
  ...DEPLOYMENT_OBJECTS,
  ...DELIVERIES,
  ...CAUSES,
  ...STACK_HISTORY,
  ...FLEET,
  ...HEALTH,
];

/** The path as the router has it: `/api/v1/stacks/:id`. */
export function templateOf({ path }: Pick<Endpoint, "path">): string {
  return path.replaceAll(/\{(\w+)\}/g, ":$1");
}

/** Every method and path of the API, as requests to them are counted. */
export const ROUTES = ENDPOINTS.map((one) => ({
  method: one.method.toUpperCase() as Uppercase<Method>,
  endpoint: templateOf(one),
}));
