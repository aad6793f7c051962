import type { z } from "zod";
import { isFailure } from "$lib/error.ts";
import { Delivery } from "$lib/wire/delivery.ts";
import { Stack, StackSubmission } from "$lib/wire/stack.ts";
import { SUBMISSION_COLUMNS } from "./columns.ts";
import { usage } from "./command_line.ts";
import type { HISTORY, ROLLBACK } from "./commands.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { findStack, isId, type Named } from "./names.ts";
import { writeList } from "./output.ts";
import type { SET_STACK, SWITCH } from "./policies.ts";
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
  await change(name, { suspended: true }, { said: () => "is suspended: agents write nothing for it", ...parts });

/** `resume`: agents go on with it. */
export const resume: RunClient<typeof SWITCH> = async ({ arguments: [name = ""] }, parts) =>
  await change(name, { suspended: false }, { said: () => "is resumed", ...parts });

/** `set stack`: what is given of its policy changes. */
export const setStack: RunClient<typeof SET_STACK> = async ({ options, arguments: [name = ""] }, parts) => {
  const { drift, default_namespace: namespace, no_default_namespace: hasNone } = options;
  const flags = "--drift, --default-namespace or --no-default-namespace";
  if (drift === undefined && namespace === undefined && !hasNone) {
    throw usage("set stack", [`nothing is given to set: ${flags}`]);
  }
  if (namespace !== undefined && hasNone) {
    throw usage("set stack", ["--default-namespace and --no-default-namespace can't be given together"]);
  }
  const policy = { drift, default_namespace: hasNone ? null : namespace };
  return await change(name, policy, { said: policyText, ...parts });
};

type StackBody = z.output<typeof Stack>;

function policyText({ drift, default_namespace: namespace }: StackBody): string {
  const place = namespace === undefined || namespace === null
    ? "the namespace of each agent's configuration"
    : `namespace "${plain(namespace)}"`;
  return `has drift ${drift}; objects that name no namespace go to ${place}`;
}

type Policy = Partial<Pick<StackBody, "suspended" | "drift" | "default_namespace">>;

async function change(
  nameOrId: string,
  policy: Policy,
  { api, terminal, said }: ClientParts & { readonly said: (changed: StackBody) => string },
): Promise<number> {
  const { id, name, description } = await findKept(api, nameOrId);
  const json = { name, description, ...policy };
  const { value } = await api.send(`stacks/${id}`, Stack, { method: "PUT", json });
  terminal.output.write(`Stack "${plain(name)}" ${said(value)}\n`);
  return EXIT.done;
}

/** One that was deleted while it was suspended is kept, by its id, until it goes on: its deliveries have its name. */
async function findKept(
  api: ClientParts["api"],
  nameOrId: string,
): Promise<Named & { readonly description?: string | null | undefined }> {
  try {
    return await findStack(api, nameOrId);
  } catch (error) {
    if (!isFailure(error) || !isId(nameOrId)) throw error;
    const { items: [kept] } = await api.list("deliveries", Delivery, { stack_id: nameOrId }, 1);
    if (kept === undefined) throw error;
    return kept.stack;
  }
}
