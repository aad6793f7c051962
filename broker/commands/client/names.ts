import { z } from "zod";
import { Failure } from "$lib/error.ts";
import { Stack } from "$lib/wire/stack.ts";
import type { BrokerApi } from "./api.ts";

/** Something that a person named. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const AgentNames = z.object({ id: z.string(), name: z.string(), cluster_name: z.string() });
const AMBIGUOUS_SHOWN = 10;

/** Whether it is an id, and no name. */
export function isId(nameOrId: string): boolean {
  return UUID.test(nameOrId);
}

/** The stack of a name or an id. @throws {Failure} `stack_not_found`. */
export async function findStack(api: BrokerApi, nameOrId: string): Promise<z.output<typeof Stack>> {
  if (isId(nameOrId)) return (await api.get(`stacks/${nameOrId}`, Stack)).value;
  const { items } = await api.list("stacks", Stack, { name: nameOrId });
  const found = items.find(({ name }) => name === nameOrId);
  if (found !== undefined) return found;
  throw new Failure("stack_not_found", `Cannot find stack "${nameOrId}": this key sees none of that name`);
}

/**
 * The agent of a name or an id.
 *
 * @throws {Failure} `agent_not_found`; `invalid_parameters` where several clusters have one of that name.
 */
export async function findAgent(api: BrokerApi, nameOrId: string): Promise<Named> {
  const isGivenById = isId(nameOrId);
  const { items } = await api.list("agents", AgentNames, isGivenById ? {} : { name: nameOrId });
  const found = items.filter(({ id, name }) => isGivenById ? id === nameOrId.toLowerCase() : name === nameOrId);
  const [first, ...others] = found;
  if (first === undefined) {
    throw new Failure("agent_not_found", `Cannot find agent "${nameOrId}": this key sees none of that name or id`);
  }
  if (others.length === 0) return first;
  const all = found.slice(0, AMBIGUOUS_SHOWN).map(({ id, cluster_name }) => `${id} in cluster "${cluster_name}"`);
  throw new Failure(
    "invalid_parameters",
    [`Cannot take "${nameOrId}" for one agent: ${found.length} have that name; say which by its id`, ...all].join(
      "\n  ",
    ),
  );
}

const GeneratorNames = z.object({ id: z.string(), name: z.string() });

/** The generator of a name or an id. @throws {Failure} `generator_not_found`. */
export async function findGenerator(api: BrokerApi, nameOrId: string): Promise<Named> {
  const { items } = await api.list("generators", GeneratorNames);
  const found = items.find(({ id, name }) => name === nameOrId || id === nameOrId.toLowerCase());
  if (found !== undefined) return found;
  throw new Failure("generator_not_found", `Cannot find generator "${nameOrId}": there is none of that name or id`);
}
