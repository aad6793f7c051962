import { newId, random } from "$lib/ids.ts";
import { type ProgramParts, type RunningProgram, runProgram } from "$lib/program.ts";
import { PROXY_VARIABLES } from "$lib/http_client/proxy.ts";
import { createAgent } from "./agent.ts";
import { relayOf } from "./doors.ts";
import { COMMANDS, START } from "./commands/mod.ts";
import { AGENT_DECLARATIONS, type AgentSettings } from "./settings.ts";

if (import.meta.main) {
  const env = Deno.env.toObject();
  for (const name of PROXY_VARIABLES) Deno.env.delete(name); // Deno takes them for every client: the doors know better
  const input = { args: Deno.args, env };
  const resource = (settings: AgentSettings) => ({ "k8s.cluster.name": settings["agent.cluster_name"] });
  const work = { work: START, start: (settings: AgentSettings, parts: ProgramParts) => start(settings, parts, env) };
  Deno.exit(
    await runProgram({
      name: "agent",
      declarations: AGENT_DECLARATIONS,
      commands: COMMANDS,
      resource,
      relay: relayOf,
      ...work,
      ...input,
    }),
  );
}

/** @throws What makes the agent unable to start: no usable kubeconfig, or no address to listen on. */
async function start(
  settings: AgentSettings,
  parts: ProgramParts,
  env: Readonly<Record<string, string>>,
): Promise<RunningProgram> {
  const agent = await createAgent({ ...{ settings, fetch, random, newId }, ...parts, env });
  parts.log.info("agent listening", { ...await agent.start() });
  return { stop: () => agent.stop(), failed: agent.failed };
}
