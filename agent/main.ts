import { newId, random } from "$lib/ids.ts";
import { type ProgramParts, type RunningProgram, runProgram } from "$lib/program.ts";
import { createAgent } from "./agent.ts";
import { AGENT_DECLARATIONS, type AgentSettings } from "./settings.ts";

if (import.meta.main) {
  const [args, env] = [Deno.args, Deno.env.toObject()];
  Deno.exit(await runProgram({ name: "agent", declarations: AGENT_DECLARATIONS, args, env, start }));
}

/** @throws What makes the agent unable to start: no usable kubeconfig, or no address to listen on. */
async function start(settings: AgentSettings, parts: ProgramParts): Promise<RunningProgram> {
  const agent = await createAgent({ ...{ settings, fetch, random, newId }, ...parts, env: Deno.env.toObject() });
  parts.log.info("agent listening", { ...agent.start() });
  return { stop: () => agent.stop() };
}
