import { z } from "zod";
import { mustSayYes } from "./confirm.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { findAgent, findGenerator, findStack, type Named } from "./names.ts";
import type { DELETE } from "./participants.ts";
import { plain } from "./text.ts";

/** `delete stack`: every agent that has it removes it. */
export const deleteStack: RunClient<typeof DELETE> = async ({ options, arguments: [name = ""] }, parts) => {
  const stack = await findStack(parts.api, name);
  const effect = "every agent that has it removes what came with it";
  return await remove({ noun: "stack", ...stack, effect }, options, parts);
};

/** `delete agent`: its key ends; what it applied stays in its cluster. */
export const deleteAgent: RunClient<typeof DELETE> = async ({ options, arguments: [name = ""] }, parts) => {
  const agent = await findAgent(parts.api, name);
  return await remove({ noun: "agent", ...agent, effect: "its key ends, and what it applied stays" }, options, parts);
};

/** `delete generator`: its key and its stacks end. */
export const deleteGenerator: RunClient<typeof DELETE> = async ({ options, arguments: [name = ""] }, parts) => {
  const generator = await findGenerator(parts.api, name);
  const effect = "its key ends, and every agent that has a stack of it removes that";
  return await remove({ noun: "generator", ...generator, effect }, options, parts);
};

interface Removed extends Named {
  readonly noun: "stack" | "agent" | "generator";
  /** What comes of it. */
  readonly effect: string;
}

async function remove(
  { noun, id, name, effect }: Removed,
  { yes }: { readonly yes: boolean },
  parts: ClientParts,
): Promise<number> {
  if (!yes) {
    const question = `Delete ${noun} "${plain(name)}": ${effect}. Go on?`;
    await mustSayYes({ command: `delete ${noun}`, question, flag: "--yes" }, parts);
  }
  await parts.api.send(`${noun}s/${id}`, z.undefined(), { method: "DELETE" });
  parts.terminal.output.write(`Deleted ${noun} "${plain(name)}": ${effect}\n`);
  return EXIT.done;
}
