import { z } from "zod";
import { Failure, isFailure } from "$lib/error.ts";
import { AuthResponse } from "$lib/wire/common.ts";
import { Stack } from "$lib/wire/stack.ts";
import type { BrokerApi, Query } from "./api.ts";

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
  const items = await seen(api, "agents", AgentNames, isGivenById ? {} : { name: nameOrId });
  const found = items.filter(({ id, name }) => isGivenById ? id === nameOrId.toLowerCase() : name === nameOrId);
  return onlyAgent(found.map(({ cluster_name: clusterName, ...names }) => ({ ...names, clusterName })), nameOrId);
}

/** The one that there is. @throws {Failure} `agent_not_found`; `invalid_parameters` where there are several. */
export function onlyAgent(
  found: readonly (Named & { readonly clusterName: string })[],
  nameOrId: string,
): Named {
  const [first, ...others] = found;
  if (first === undefined) {
    throw new Failure("agent_not_found", `Cannot find agent "${nameOrId}": this key sees none of that name or id`);
  }
  if (others.length === 0) return first;
  const all = found.slice(0, AMBIGUOUS_SHOWN).map(({ id, clusterName }) => `${id} in cluster "${clusterName}"`);
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
  return generatorIn(await seen(api, "generators", GeneratorNames), nameOrId);
}

/** The one of a name or an id. @throws {Failure} `generator_not_found`. */
export function generatorIn<T extends Named>(all: readonly T[], nameOrId: string): T {
  const found = all.find(({ id, name }) => name === nameOrId || id === nameOrId.toLowerCase());
  if (found !== undefined) return found;
  throw new Failure("generator_not_found", `Cannot find generator "${nameOrId}": there is none of that name or id`);
}

/** All that the key sees: whoever may not list what others are sees itself. */
async function seen<T extends Named>(
  api: BrokerApi,
  path: "agents" | "generators",
  shape: z.ZodType<T>,
  query: Query = {},
): Promise<readonly T[]> {
  try {
    return (await api.list(path, shape, query)).items;
  } catch (error) {
    if (!isFailure(error, "broker_rejected") || error.details?.status !== FORBIDDEN) throw error;
    const { value: caller } = await api.send("auth/pak", AuthResponse, { method: "POST" });
    const own = path === "agents" ? caller.agent : caller.generator;
    if (typeof own !== "string") throw error;
    return [(await api.get(`${path}/${own}`, shape)).value];
  }
}

const FORBIDDEN = 403;
