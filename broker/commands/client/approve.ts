import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { Delivery } from "$lib/wire/delivery.ts";
import type { APPROVE } from "./commands.ts";
import { word } from "./columns.ts";
import { mustSayYes } from "./confirm.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { findAgent, type Named } from "./names.ts";
import { tableLines } from "./table.ts";
import { painterFor, plain } from "./text.ts";

type Held = z.output<typeof Delivery> & { readonly held_revision: number };

/** What a person may approve: what the guard holds, and of one stack also what fills its namespaces. */
const REASONS = { ofAgent: ["prune_held"], ofStack: ["prune_held", "namespace_not_empty"] } as const;

/** `approve`: shows what is held before it asks. */
export const approve: RunClient<typeof APPROVE> = async ({ options, arguments: [name = ""] }, parts) => {
  const { api, terminal } = parts;
  const agent = await findAgent(api, name);
  const held = await heldOf(agent, options.stack, parts);
  const byRevision = Map.groupBy(held, ({ held_revision }) => held_revision);
  const revisions = [...byRevision.keys()].filter((one) => one === (options.revision ?? one)).sort((a, b) => a - b);
  for (const revision of revisions) {
    terminal.output.write(`${heldLines(byRevision.get(revision) ?? [], { agent, revision }, parts).join("\n")}\n`);
  }
  if (options.revision === undefined) {
    const flag = `--revision ${revisions.join(" or ")}`;
    await mustSayYes({ command: "approve", question: "Remove all of that?", flag }, parts);
  }
  const approved = options.revision === undefined ? revisions : [options.revision];
  for (const revision of approved) {
    const json = { revision, stack_id: options.stack && held[0]?.stack.id };
    await api.send(`agents/${agent.id}/approve-prune`, z.undefined(), { method: "POST", json });
  }
  terminal.output.write(`Approved at revision ${approved.join(", ")}: the agent removes it with its next poll\n`);
  return EXIT.done;
};

/** Of a stack that may be deleted already: what is held tells its name and id. @throws {Failure} `nothing_held`. */
async function heldOf(agent: Named, stack: string | undefined, { api }: ClientParts): Promise<readonly Held[]> {
  const lists = await Promise.all(
    ["blocked", "terminating"].map((state) => api.list(`agents/${agent.id}/deliveries`, Delivery, { state })),
  );
  const reasons: readonly (string | null)[] = stack === undefined ? REASONS.ofAgent : REASONS.ofStack;
  const held = lists.flatMap(({ items }) => items)
    .filter((one): one is Held => one.held_revision !== null && reasons.includes(one.reason))
    .filter((one) => stack === undefined || [one.stack.name, one.stack.id].includes(stack));
  if (held.length > 0) return held;
  const what = stack === undefined ? "" : ` of stack "${plain(stack)}"`;
  throw new Failure("nothing_held", `Cannot approve: agent "${plain(agent.name)}" holds nothing${what}`);
}

function heldLines(
  held: readonly Held[],
  { agent, revision }: { readonly agent: Named; readonly revision: number },
  { terminal: { output }, env, api }: ClientParts,
): readonly string[] {
  const options = { paint: painterFor(output, env), nowMs: api.nowMs(), width: output.size()?.columns };
  return [
    `Agent "${plain(agent.name)}" holds, at revision ${revision}:`,
    ...tableLines(held, [
      { title: "STACK", cell: ({ stack }) => stack.name },
      { title: "STATE", cell: ({ state }) => word(state) },
      { title: "WHAT IS HELD", cell: ({ message }) => message ?? "" },
    ], options),
  ];
}
