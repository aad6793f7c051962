import { isFailure } from "$lib/error.ts";
import { Delivery } from "$lib/wire/delivery.ts";
import { Stack, StackSubmission } from "$lib/wire/stack.ts";
import { SUBMISSION_COLUMNS } from "./columns.ts";
import type { HISTORY, ROLLBACK, SWITCH } from "./commands.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { findStack, isId, type Named } from "./names.ts";
import { writeList } from "./output.ts";
import { finish, rollBack } from "./submitting.ts";
import { plain } from "./text.ts";

/** `history`: what was submitted, newest first. */
export const history: RunClient<typeof HISTORY> = async ({ options, arguments: [name = ""] }, parts) => {
  const { api, terminal } = parts;
  const stack = await findStack(api, name);
  const found = await api.list(`stacks/${stack.id}/history`, StackSubmission, {}, options.limit);
  const none = `Nothing was submitted to stack "${plain(stack.name)}" yet`;
  await writeList({ ...found, columns: SUBMISSION_COLUMNS, nowMs: api.nowMs(), none }, options.output, parts);
  if (found.hasMore) terminal.notes.write(`These are the last ${options.limit}; --limit shows more\n`);
  return EXIT.done;
};

/** `rollback`: submits again, and waits as `apply` does. */
export const rollback: RunClient<typeof ROLLBACK> = async ({ options, arguments: [name = ""] }, parts) =>
  await finish(await rollBack(name, options, parts), options, parts);

/** `suspend`: agents write nothing for it from now on. */
export const suspend: RunClient<typeof SWITCH> = async ({ arguments: [name = ""] }, parts) =>
  await change(name, true, parts);

/** `resume`: agents go on with it. */
export const resume: RunClient<typeof SWITCH> = async ({ arguments: [name = ""] }, parts) =>
  await change(name, false, parts);

async function change(nameOrId: string, suspended: boolean, { api, terminal }: ClientParts): Promise<number> {
  const { id, name } = await findKept(api, nameOrId);
  await api.send(`stacks/${id}`, Stack, { method: "PUT", json: { name, suspended } });
  const what = suspended ? "suspended: agents write nothing for it" : "resumed";
  terminal.output.write(`Stack "${plain(name)}" is ${what}\n`);
  return EXIT.done;
}

/** One that was deleted while it was suspended is kept, by its id, until it goes on: its deliveries have its name. */
async function findKept(api: ClientParts["api"], nameOrId: string): Promise<Named> {
  try {
    return await findStack(api, nameOrId);
  } catch (error) {
    if (!isFailure(error) || !isId(nameOrId)) throw error;
    const { items: [kept] } = await api.list("deliveries", Delivery, { stack_id: nameOrId }, 1);
    if (kept === undefined) throw error;
    return kept.stack;
  }
}
