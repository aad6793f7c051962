import { z } from "zod";
import { mustSayYes } from "./confirm.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { findAgent, findStack, type Named } from "./names.ts";
import type { TARGET, UNTARGET } from "./participants.ts";
import { addTargets, type Targets, targetsOf } from "./targets.ts";
import { plain } from "./text.ts";

/** `target`: the stack is for more agents. */
export const target: RunClient<typeof TARGET> = async ({ options, arguments: [name = "", who = ""] }, parts) => {
  const targets = targetsOf([who], "target");
  const stack = await findStack(parts.api, name);
  await addTargets(stack, { ...targets, register: options.register }, parts.api);
  parts.terminal.output.write(`Stack "${plain(stack.name)}" is for ${whom(targets)}\n`);
  return EXIT.done;
};

/** `untarget`: the stack is for an agent, or for those with a label, no more, and they remove it. */
export const untarget: RunClient<typeof UNTARGET> = async ({ options, arguments: [name = "", who = ""] }, parts) => {
  const targets = targetsOf([who], "untarget");
  const stack = await findStack(parts.api, name);
  if (!options.yes) {
    const question = `Stack "${plain(stack.name)}" is to be for ${whom(targets)} no more: whoever has it for that ` +
      "alone removes it. Go on?";
    await mustSayYes({ command: "untarget", question, flag: "--yes" }, parts);
  }
  await endTarget(stack, targets, parts);
  parts.terminal.output.write(`Stack "${plain(stack.name)}" is for ${whom(targets)} no more\n`);
  return EXIT.done;
};

async function endTarget({ id }: Named, { agents, labels }: Targets, { api }: ClientParts): Promise<void> {
  const ends = [
    ...await Promise.all(agents.map(async (name) => `agents/${(await findAgent(api, name)).id}/targets/${id}`)),
    ...labels.map((label) => `stacks/${id}/labels/${encodeURIComponent(label)}`),
  ];
  for (const path of ends) await api.send(path, z.undefined(), { method: "DELETE" });
}

function whom({ agents: [agent], labels: [label] }: Targets): string {
  return agent === undefined ? `all agents with label "${plain(label ?? "")}"` : `agent "${plain(agent)}"`;
}
