import type { Endpoint } from "../../broker/http/endpoint.ts";
import type { World } from "./api_world.ts";

/** An endpoint as tables of tests name it: `get /stacks/{id}`. */
export function nameOf({ method, path }: Endpoint): string {
  return `${method} ${path.slice("/api/v1".length)}`;
}

/** The path of an endpoint about what the world has. */
export function pathOf({ path }: Endpoint, world: World): string {
  const noun = path.split("/")[3] ?? "";
  const id: Record<string, string> = {
    agents: world.agentId,
    "agent-events": world.eventId,
    "deployment-objects": world.objectId,
    generators: world.generatorId,
    stacks: world.stackId,
  };
  const values: Record<string, string | undefined> = {
    id: id[noun],
    agent_id: world.agentId,
    stack_id: world.stackId,
    label: noun === "agents" ? "edge" : "blue",
    key: noun === "agents" ? "zone" : "tier",
  };
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? `no-${name}`);
  if (path.endsWith("/changes")) return `${filled}?since=0`;
  return path.endsWith("/agents/") ? `${filled}?name=a1&cluster_name=c1` : filled;
}
