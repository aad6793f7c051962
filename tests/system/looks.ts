import { z } from "zod";
import type { Program } from "./programs.ts";
import { eventually } from "./wait.ts";

const Line = z.object({ time: z.string(), message: z.string() });

/** How many turns of an agent, whose log is of JSON lines down to debug, changed nothing from then until one did. */
export async function looksInVain(agent: Program, sinceMs: number): Promise<number> {
  return await eventually("the agent's log tells of a turn that changed something", () => {
    const messages = turnsSince(agent, sinceMs);
    const at = messages.indexOf("stack settled");
    return at < 0 ? undefined : { vain: at };
  }).then(({ vain }) => vain);
}

function turnsSince(agent: Program, sinceMs: number): readonly string[] {
  const lines = agent.output().split("\n").filter((line) => /^\{.*"stack (unchanged|settled)".*\}$/.test(line));
  return lines.map((line) => Line.parse(JSON.parse(line))).filter(({ time }) => Date.parse(time) >= sinceMs)
    .map(({ message }) => message);
}
