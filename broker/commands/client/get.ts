import type { z } from "zod";
import { Agent } from "$lib/wire/agent.ts";
import { Delivery } from "$lib/wire/delivery.ts";
import { Generator } from "$lib/wire/generator.ts";
import { Stack } from "$lib/wire/stack.ts";
import type { Query } from "./api.ts";
import type { GET_AGENTS, GET_DELIVERIES, GET_GENERATORS, GET_STACKS } from "./commands.ts";
import { type ClientParts, EXIT, type RunClient } from "./declaration.ts";
import { AGENT_COLUMNS, DELIVERY_COLUMNS, GENERATOR_COLUMNS, STACK_COLUMNS } from "./columns.ts";
import { findAgent, findStack } from "./names.ts";
import { type Shown, writeList } from "./output.ts";
import { watch } from "./watch.ts";

type Delivery = z.output<typeof Delivery>;

/** `get agents`. */
export const getAgents: RunClient<typeof GET_AGENTS> = async ({ options }, parts) =>
  await show(options, parts, async () => {
    const { raw, items } = await parts.api.list("agents", Agent);
    return { raw, items, columns: AGENT_COLUMNS, nowMs: parts.api.nowMs(), none: "There are no agents" };
  });

/** `get stacks`. */
export const getStacks: RunClient<typeof GET_STACKS> = async ({ options }, parts) =>
  await show(options, parts, async () => {
    const { raw, items } = await parts.api.list("stacks", Stack);
    return { raw, items, columns: STACK_COLUMNS, nowMs: parts.api.nowMs(), none: "There are no stacks" };
  });

/** `get generators`. */
export const getGenerators: RunClient<typeof GET_GENERATORS> = async ({ options }, parts) =>
  await show(options, parts, async () => {
    const { raw, items } = await parts.api.list("generators", Generator);
    return { raw, items, columns: GENERATOR_COLUMNS, nowMs: parts.api.nowMs(), none: "There are no generators" };
  });

/** What needs a look, the worst first; of what ended nothing is said. */
const UNHEALTHY: readonly Query[] = [
  { state: "failed" },
  { state: "blocked" },
  { health: "degraded" },
  { health: "progressing" },
  { health: "unknown" },
];

/** `get deliveries`. */
export const getDeliveries: RunClient<typeof GET_DELIVERIES> = async ({ options }, parts) => {
  const { api } = parts;
  const [agent, stack] = await Promise.all([
    options.agent === undefined ? undefined : findAgent(api, options.agent),
    options.stack === undefined ? undefined : findStack(api, options.stack),
  ]);
  const asked: Query = { agent_id: agent?.id, stack_id: stack?.id };
  const none = options.unhealthy ? "No delivery is unhealthy" : "There are no deliveries";
  return await show(options, parts, async () => {
    const { raw, items, hasMore } = await deliveries(api, asked, options);
    const note = hasMore ? `These are the first ${options.limit}; --limit shows more` : undefined;
    return { raw, items, columns: DELIVERY_COLUMNS, nowMs: api.nowMs(), none, note };
  });
};

async function deliveries(
  api: ClientParts["api"],
  asked: Query,
  { unhealthy, limit }: { readonly unhealthy: boolean; readonly limit: number },
) {
  if (!unhealthy) return await api.list("deliveries", Delivery, asked, limit);
  const raw: unknown[] = [];
  const items: Delivery[] = [];
  const known = new Set<string>();
  for (const condition of UNHEALTHY) {
    const found = await api.list("deliveries", Delivery, { ...asked, ...condition }, limit + 1);
    for (const [at, item] of found.items.entries()) {
      const pair = `${item.agent.id} ${item.stack.id}`;
      if (item.state === "removed" || known.has(pair)) continue;
      if (items.length === limit) return { raw, items, hasMore: true };
      known.add(pair);
      items.push(item);
      raw.push(found.raw[at]);
    }
  }
  return { raw, items, hasMore: false };
}

/** Once, or over and over. */
async function show<T>(
  { output, watch: isWatched }: { readonly output: "table" | "json" | "yaml"; readonly watch: boolean },
  parts: ClientParts,
  read: () => Promise<Shown<T>>,
): Promise<number> {
  if (isWatched) return await watch(read, output, parts);
  await writeList(await read(), output, parts);
  return EXIT.done;
}
