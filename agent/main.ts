import { newId, random } from "$lib/ids.ts";
import { type ProgramParts, type RunningProgram, runProgram } from "$lib/program.ts";
import { createAgent } from "./agent.ts";
import { COMMANDS, START } from "./commands/mod.ts";
import { AGENT_DECLARATIONS, type AgentSettings } from "./settings.ts";

if (import.meta.main) {
  const told = { args: Deno.args, env: Deno.env.toObject() };
  const program = { name: "agent" as const, declarations: AGENT_DECLARATIONS, work: START, commands: COMMANDS, start };
  Deno.exit(await runProgram({ ...program, ...told }));
}

/** @throws What makes the agent unable to start: no usable kubeconfig, or no address to listen on. */
async function start(settings: AgentSettings, parts: ProgramParts): Promise<RunningProgram> {
  const agent = await createAgent({ ...{ settings, fetch, random, newId }, ...parts, env: Deno.env.toObject() });
  parts.log.info("agent listening", { ...agent.start() });
  return { stop: () => agent.stop(), failed: agent.failed };
}
